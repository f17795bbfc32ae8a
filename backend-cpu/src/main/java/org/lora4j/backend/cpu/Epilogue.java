package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;

import jdk.incubator.vector.FloatVector;

/** Brings a tile of sums to its place, in c or, where other parts of k are to come, among the sums that wait for them. */
final class Epilogue {

    private Epilogue() {
    }

    /**
     * For the tile at row i0, column j0 of the product, with i &lt; rows and j &lt; columns:
     *
     * <pre>
     *   c[i0 + i, j0 + j] ← alpha·tile[i, j] + beta·c[i0 + i, j0 + j], or alpha·tile[i, j] + bias[j0 + j]
     * </pre>
     *
     * in the first part of k, where with beta = 0 the old c is not read; in the others it adds alpha·tile to c.
     */
    static void store(float[] tile, int rows, int columns, Product x, int i0, int j0, boolean first) {
        int to = x.cOffset + i0 * x.cStride + j0 * x.cColumnStride;
        if (columns < COLUMNS || x.cColumnStride != 1) {
            storeSingly(tile, rows, columns, x, to, first, j0);
        } else {
            start(tile, rows, x, to, j0, first, x.c, to, x.cStride);
        }
    }

    /** What {@link #store} would write to c goes to a tile of sums instead, whose rows follow each other. */
    static void begin(float[] tile, int rows, Product x, int i0, int j0, boolean first, float[] sums, int sum) {
        start(tile, rows, x, x.cOffset + i0 * x.cStride + j0, j0, first, sums, sum, COLUMNS);
    }

    private static void start(
            float[] tile, int rows, Product x, int old, int j0, boolean first, float[] to, int at, int stride) {
        if (first && x.bias != null) {
            addTo(tile, rows, x.alpha, x.bias, j0, 0, to, at, stride);
        } else if (first && x.beta == 0) {
            scaled(tile, rows, x.alpha, to, at, stride);
        } else if (first && x.beta != 1) {
            addToScaled(tile, rows, x.alpha, x.beta, x.c, old, x.cStride, to, at, stride);
        } else {
            addTo(tile, rows, x.alpha, x.c, old, x.cStride, to, at, stride);
        }
    }

    /** to ← alpha·tile + sums. */
    static void add(float[] tile, int rows, float alpha, float[] sums, int sum, float[] to, int at, int stride) {
        addTo(tile, rows, alpha, sums, sum, COLUMNS, to, at, stride);
    }

    private static void addTo(
            float[] tile, int rows, float alpha, float[] start, int from, int fromStride, float[] to, int at, int stride) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        for (int i = 0; i < rows; i++) {
            int sums = i * COLUMNS;
            int read = from + i * fromStride;
            int write = at + i * stride;
            FloatVector left = FloatVector.fromArray(FLOATS, start, read);
            FloatVector right = FloatVector.fromArray(FLOATS, start, read + LANES);
            FloatVector.fromArray(FLOATS, tile, sums).fma(scale, left).intoArray(to, write);
            FloatVector.fromArray(FLOATS, tile, sums + LANES).fma(scale, right).intoArray(to, write + LANES);
        }
    }

    private static void addToScaled(
            float[] tile, int rows, float alpha, float beta, float[] c, int from, int fromStride, float[] to, int at,
            int stride) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        FloatVector weight = FloatVector.broadcast(FLOATS, beta);
        for (int i = 0; i < rows; i++) {
            int sums = i * COLUMNS;
            int read = from + i * fromStride;
            int write = at + i * stride;
            FloatVector left = FloatVector.fromArray(FLOATS, c, read).mul(weight);
            FloatVector right = FloatVector.fromArray(FLOATS, c, read + LANES).mul(weight);
            FloatVector.fromArray(FLOATS, tile, sums).fma(scale, left).intoArray(to, write);
            FloatVector.fromArray(FLOATS, tile, sums + LANES).fma(scale, right).intoArray(to, write + LANES);
        }
    }

    private static void scaled(float[] tile, int rows, float alpha, float[] to, int at, int stride) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        for (int i = 0; i < rows; i++) {
            int sums = i * COLUMNS;
            int write = at + i * stride;
            FloatVector.fromArray(FLOATS, tile, sums).mul(scale).intoArray(to, write);
            FloatVector.fromArray(FLOATS, tile, sums + LANES).mul(scale).intoArray(to, write + LANES);
        }
    }

    private static void storeSingly(float[] tile, int rows, int columns, Product x, int to, boolean first, int j0) {
        float[] bias = first ? x.bias : null;
        float beta = first ? x.beta : 1;
        float[] c = x.c;
        for (int i = 0; i < rows; i++) {
            int sums = i * COLUMNS;
            int write = to + i * x.cStride;
            for (int j = 0; j < columns; j++) {
                int at = write + j * x.cColumnStride;
                float start = bias != null ? bias[j0 + j] : beta == 0 ? 0 : c[at] * beta;
                c[at] = Math.fma(tile[sums + j], x.alpha, start);
            }
        }
    }
}
