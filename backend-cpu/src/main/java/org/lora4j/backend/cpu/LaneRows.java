package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * Products x·Wᵀ of some rows of x, such as a short prompt's, with {@link CompressedWeights}: to the bit those of {@link
 * TiledProduct}, but with a row of x in each lane, so that W's rows, taken apart into the nearest cache, are read as they lie.
 * There they would be turned around, for which a few rows of x do not pay.
 */
final class LaneRows {

    /** Rows of W in a tile: as many sums as hide the latency of the units, and as fit sixteen registers with two more. */
    private static final int ROWS = 12;
    /** From one row of W in the cache to the next: a part of k from the beginning of a group on, to the end of one. */
    private static final int WIDTH = DEPTH + 8 * LANES;
    private static final int TILE = ROWS * LANES;
    /** Tiles of a task, at least. */
    private static final int TILES = 4;

    private final Workers workers;
    private float[] turned = new float[0];

    LaneRows(Workers workers) {
        this.workers = workers;
    }

    /** With x.a and x.weights as they are in a product with W transposed. */
    void run(Product x) {
        int step = TiledProduct.step(x.k);
        int blocks = Math.ceilDiv(x.m, LANES);
        if (turned.length < blocks * LANES * x.k) {
            turned = new float[blocks * LANES * x.k];
        }
        Chunks.run(workers, blocks, 1, 1, (from, to) -> {
            for (int block = from; block < to; block++) {
                turn(x, block);
            }
        });
        Chunks.run(workers, x.n, TILES * ROWS, ROWS, (from, to) -> {
            float[] w = Scratch.local().floats(Slot.EXPANDED, ROWS * WIDTH);
            float[] tile = Scratch.local().floats(Slot.TILE, TILE);
            float[] sums = Scratch.local().floats(Slot.SUMS, blocks * TILE);
            for (int j = from; j < to; j += ROWS) {
                int rows = Math.min(ROWS, to - j);
                begin(x, j, rows, blocks, sums);
                for (int p = 0; p < x.k; p += step) {
                    int depth = Math.min(step, x.k - p);
                    int first = p / x.weights.group() * x.weights.group();
                    for (int row = 0; row < rows; row++) {
                        x.weights.expandGroups(x.weightRow + j + row, first, p + depth, w, row * WIDTH);
                    }
                    for (int block = 0; block < blocks; block++) {
                        multiply(depth, w, p - first, turned, (block * x.k + p) * LANES, tile, 0);
                        add(tile, rows * LANES, x.alpha, sums, block * TILE);
                    }
                }
                end(x, j, rows, sums);
            }
        });
    }

    /** The rows of x of a block, side by side: turned[(block·k + p)·LANES + i] ← x[block·LANES + i, p]. */
    private void turn(Product x, int block) {
        int to = block * x.k * LANES;
        int from = x.aOffset + block * LANES * x.aStride;
        int rows = Math.min(LANES, x.m - block * LANES);
        int squares = rows / 8 * 8;
        int whole = squares == 0 ? 0 : x.k / 8 * 8;
        for (int i = 0; i < squares; i += 8) {
            Squares.transpose8(x.a, from + i * x.aStride, x.aStride, 8, whole, turned, to + i, LANES);
        }
        for (int i = 0; i < LANES; i++) {
            for (int p = i < squares ? whole : 0; p < x.k; p++) {
                turned[to + p * LANES + i] = i < rows ? x.a[from + i * x.aStride + p] : 0;
            }
        }
    }

    /** What is added to: the bias, or beta times what c has. */
    private static void begin(Product x, int j, int rows, int blocks, float[] sums) {
        if (x.bias == null && x.beta == 0) {
            Arrays.fill(sums, 0, blocks * TILE, 0);
            return;
        }
        for (int i = 0; i < x.m; i++) {
            int to = i / LANES * TILE + i % LANES;
            for (int row = 0; row < rows; row++) {
                sums[to + row * LANES] = x.bias != null ? x.bias[j + row]
                        : x.c[x.cOffset + i * x.cStride + j + row] * x.beta;
            }
        }
    }

    private static void add(float[] tile, int count, float alpha, float[] sums, int to) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(FLOATS, tile, i).fma(scale, FloatVector.fromArray(FLOATS, sums, to + i)).intoArray(sums, to + i);
        }
    }

    private static void end(Product x, int j, int rows, float[] sums) {
        for (int i = 0; i < x.m; i++) {
            int from = i / LANES * TILE + i % LANES;
            int to = x.cOffset + i * x.cStride + j;
            for (int row = 0; row < rows; row++) {
                x.c[to + row] = sums[from + row * LANES];
            }
        }
    }

    /**
     * Vector r of the tile ← Σ over p = 0 … depth − 1, in this order, of w[r, p]·x[p], each step one fma. Written out because the
     * compiler keeps only local variables in registers.
     */
    private static void multiply(int depth, float[] w, int wo, float[] x, int xo, float[] tile, int to) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        FloatVector s7 = FloatVector.zero(FLOATS);
        FloatVector s8 = FloatVector.zero(FLOATS);
        FloatVector s9 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        for (int p = 0; p < depth; p++) {
            FloatVector v = FloatVector.fromArray(FLOATS, x, xo + p * LANES);
            s0 = FloatVector.broadcast(FLOATS, w[wo + p]).fma(v, s0);
            s1 = FloatVector.broadcast(FLOATS, w[wo + WIDTH + p]).fma(v, s1);
            s2 = FloatVector.broadcast(FLOATS, w[wo + 2 * WIDTH + p]).fma(v, s2);
            s3 = FloatVector.broadcast(FLOATS, w[wo + 3 * WIDTH + p]).fma(v, s3);
            s4 = FloatVector.broadcast(FLOATS, w[wo + 4 * WIDTH + p]).fma(v, s4);
            s5 = FloatVector.broadcast(FLOATS, w[wo + 5 * WIDTH + p]).fma(v, s5);
            s6 = FloatVector.broadcast(FLOATS, w[wo + 6 * WIDTH + p]).fma(v, s6);
            s7 = FloatVector.broadcast(FLOATS, w[wo + 7 * WIDTH + p]).fma(v, s7);
            s8 = FloatVector.broadcast(FLOATS, w[wo + 8 * WIDTH + p]).fma(v, s8);
            s9 = FloatVector.broadcast(FLOATS, w[wo + 9 * WIDTH + p]).fma(v, s9);
            s10 = FloatVector.broadcast(FLOATS, w[wo + 10 * WIDTH + p]).fma(v, s10);
            s11 = FloatVector.broadcast(FLOATS, w[wo + 11 * WIDTH + p]).fma(v, s11);
        }
        s0.intoArray(tile, to);
        s1.intoArray(tile, to + LANES);
        s2.intoArray(tile, to + 2 * LANES);
        s3.intoArray(tile, to + 3 * LANES);
        s4.intoArray(tile, to + 4 * LANES);
        s5.intoArray(tile, to + 5 * LANES);
        s6.intoArray(tile, to + 6 * LANES);
        s7.intoArray(tile, to + 7 * LANES);
        s8.intoArray(tile, to + 8 * LANES);
        s9.intoArray(tile, to + 9 * LANES);
        s10.intoArray(tile, to + 10 * LANES);
        s11.intoArray(tile, to + 11 * LANES);
    }
}
