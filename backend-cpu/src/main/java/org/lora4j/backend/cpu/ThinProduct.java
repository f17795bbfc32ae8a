package org.lora4j.backend.cpu;

import java.util.function.IntConsumer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products where op(a) or op(bᵀ) has few rows, as rows times rows with {@link Dots}: a decoding step, and the way down to
 * a small rank. The thin operand stays in the cache, the long one is read once, and nothing large is packed.
 */
final class ThinProduct {

    /** At most so many rows of a, with b transposed: beyond, packing b pays. */
    static final int FEW_ROWS = 8;
    /** At most so many columns: beyond, tiles waste less than the lanes' sums cost. */
    private static final int FEW_COLUMNS = 12;
    /** Below it, adding up the lanes costs more than the products. */
    private static final int LEAST_DEPTH = 4 * Gemm.LANES;
    /** A vector for each sum of a block. */
    private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;
    private static final int SUMS = Dots.BLOCK * Dots.BLOCK * Gemm.LANES;

    private final Workers workers;
    private final IntConsumer task = this::chunk;

    private float[] thinRows = new float[0];
    private float[] sums = new float[0];

    private Product product;
    private float[] thin;
    private int thinOffset;
    private int thinStride;
    private int thinCount;
    private int thinStep;
    private float[] along;
    private int alongOffset;
    private int alongStride;
    private int alongCount;
    private int alongStep;
    private int chunks;

    ThinProduct(Workers workers) {
        this.workers = workers;
    }

    /** @param rowsAlone whether rows of a are to be summed as one would be alone, though packing b may pay */
    boolean suits(Product product, boolean rowsAlone) {
        return !product.aTransposed && product.k >= LEAST_DEPTH && (product.n <= FEW_COLUMNS && product.n <= product.m
                || product.bTransposed && (rowsAlone || product.m <= FEW_ROWS));
    }

    void run(Product product) {
        this.product = product;
        if (product.n <= product.m) {
            thin = product.b;
            thinOffset = product.bOffset;
            thinStride = product.bStride;
            thinCount = product.n;
            thinStep = product.cColumnStride;
            if (!product.bTransposed) {
                turnThin();
            }
            along = product.a;
            alongOffset = product.aOffset;
            alongStride = product.aStride;
            alongCount = product.m;
            alongStep = product.cStride;
        } else {
            thin = product.a;
            thinOffset = product.aOffset;
            thinStride = product.aStride;
            thinCount = product.m;
            thinStep = product.cStride;
            along = product.b;
            alongOffset = product.bOffset;
            alongStride = product.bStride;
            alongCount = product.n;
            alongStep = product.cColumnStride;
        }
        int blocks = (alongCount + Dots.LONG_BLOCK - 1) / Dots.LONG_BLOCK;
        long work = (long) thinCount * alongCount * product.k;
        chunks = work < 30_000 ? 1 : Math.min(blocks, 8 * workers.threads());
        if (sums.length < chunks * SUMS) {
            sums = new float[chunks * SUMS];
        }
        workers.run(chunks, task);
        this.product = null;
        thin = null;
        along = null;
    }

    /** The thin operand's columns as contiguous rows. */
    private void turnThin() {
        int depth = product.k;
        if (thinRows.length < thinCount * depth) {
            thinRows = new float[thinCount * depth];
        }
        for (int p = 0; p < depth; p++) {
            for (int i = 0; i < thinCount; i++) {
                thinRows[i * depth + p] = thin[thinOffset + p * thinStride + i];
            }
        }
        thin = thinRows;
        thinOffset = 0;
        thinStride = depth;
    }

    private void chunk(int chunk) {
        int blocks = (alongCount + Dots.LONG_BLOCK - 1) / Dots.LONG_BLOCK;
        int from = (int) ((long) blocks * chunk / chunks) * Dots.LONG_BLOCK;
        int to = Math.min(alongCount, (int) ((long) blocks * (chunk + 1) / chunks) * Dots.LONG_BLOCK);
        int at = chunk * SUMS;
        int depth = product.k;
        if (thinCount == 1) {
            for (int j = from; j < to; j += Dots.LONG_BLOCK) {
                int last = Math.min(Dots.LONG_BLOCK, to - j) - 1;
                Dots.oneByEight(
                        depth, thin, thinOffset, along, alongOffset + j * alongStride, alongStride, last, sums, at);
                Dots.addLanes(sums, at, Dots.LONG_BLOCK);
                store(at, Dots.LONG_BLOCK, 0, 0, j, last);
            }
            return;
        }
        for (int j = from; j < to; j += Dots.BLOCK) {
            int jLast = Math.min(Dots.BLOCK, to - j) - 1;
            for (int i = 0; i < thinCount; i += Dots.BLOCK) {
                int iLast = Math.min(Dots.BLOCK, thinCount - i) - 1;
                Dots.fourByFour(
                        depth, thin, thinOffset + i * thinStride, thinStride, iLast,
                        along, alongOffset + j * alongStride, alongStride, jLast, sums, at);
                Dots.addLanes(sums, at, Dots.BLOCK * Dots.BLOCK);
                store(at, Dots.BLOCK, i, iLast, j, jLast);
            }
        }
    }

    /** Brings a block of sums to its place, row i of the thin operand with row j of the long one. */
    private void store(int at, int width, int i0, int iLast, int j0, int jLast) {
        float[] c = product.c;
        float[] bias = product.bias;
        float alpha = product.alpha;
        float beta = product.beta;
        boolean columnsAreThin = product.n <= product.m;
        if (alongStep == 1 && jLast == width - 1) {
            for (int i = 0; i <= iLast; i++) {
                int to = product.cOffset + (i0 + i) * thinStep + j0;
                for (int j = 0; j < width; j += FOUR.length()) {
                    FloatVector start = bias != null && !columnsAreThin ? FloatVector.fromArray(FOUR, bias, j0 + j)
                            : bias != null ? FloatVector.broadcast(FOUR, bias[i0 + i])
                            : beta == 0 ? FloatVector.zero(FOUR) : FloatVector.fromArray(FOUR, c, to + j).mul(beta);
                    FloatVector.fromArray(FOUR, sums, at + i * width + j).fma(FloatVector.broadcast(FOUR, alpha), start)
                            .intoArray(c, to + j);
                }
            }
            return;
        }
        for (int i = 0; i <= iLast; i++) {
            for (int j = 0; j <= jLast; j++) {
                int to = product.cOffset + (i0 + i) * thinStep + (j0 + j) * alongStep;
                float start = bias != null ? bias[columnsAreThin ? i0 + i : j0 + j] : beta == 0 ? 0 : c[to] * beta;
                c[to] = Math.fma(sums[at + i * width + j], alpha, start);
            }
        }
    }
}
