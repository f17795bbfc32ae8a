package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;

import jdk.incubator.vector.FloatVector;

/** Brings a tile of sums to its place in c. */
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
    static void store(float[] tile, int from, int rows, int columns, Product x, int i0, int j0, boolean first) {
        int to = x.cOffset + i0 * x.cStride + j0 * x.cColumnStride;
        float beta = first ? x.beta : 1;
        float[] bias = first ? x.bias : null;
        if (columns < COLUMNS || x.cColumnStride != 1) {
            storeSingly(tile, from, rows, columns, x.alpha, x.c, to, x.cStride, x.cColumnStride, beta, bias, j0);
        } else if (bias != null) {
            storeWithBias(tile, from, rows, x.alpha, x.c, to, x.cStride, bias, j0);
        } else if (beta == 0) {
            storeFresh(tile, from, rows, x.alpha, x.c, to, x.cStride);
        } else {
            storeOnto(tile, from, rows, x.alpha, x.c, to, x.cStride, beta);
        }
    }

    private static void storeWithBias(
            float[] tile, int from, int rows, float alpha, float[] c, int to, int cStride, float[] bias, int j0) {
        FloatVector left = FloatVector.fromArray(FLOATS, bias, j0);
        FloatVector right = FloatVector.fromArray(FLOATS, bias, j0 + LANES);
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        for (int i = 0; i < rows; i++) {
            int read = from + i * COLUMNS;
            int write = to + i * cStride;
            FloatVector.fromArray(FLOATS, tile, read).fma(scale, left).intoArray(c, write);
            FloatVector.fromArray(FLOATS, tile, read + LANES).fma(scale, right).intoArray(c, write + LANES);
        }
    }

    private static void storeFresh(float[] tile, int from, int rows, float alpha, float[] c, int to, int cStride) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        for (int i = 0; i < rows; i++) {
            int read = from + i * COLUMNS;
            int write = to + i * cStride;
            FloatVector.fromArray(FLOATS, tile, read).mul(scale).intoArray(c, write);
            FloatVector.fromArray(FLOATS, tile, read + LANES).mul(scale).intoArray(c, write + LANES);
        }
    }

    private static void storeOnto(
            float[] tile, int from, int rows, float alpha, float[] c, int to, int cStride, float beta) {
        FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
        FloatVector weight = FloatVector.broadcast(FLOATS, beta);
        for (int i = 0; i < rows; i++) {
            int read = from + i * COLUMNS;
            int write = to + i * cStride;
            FloatVector left = FloatVector.fromArray(FLOATS, c, write).mul(weight);
            FloatVector right = FloatVector.fromArray(FLOATS, c, write + LANES).mul(weight);
            FloatVector.fromArray(FLOATS, tile, read).fma(scale, left).intoArray(c, write);
            FloatVector.fromArray(FLOATS, tile, read + LANES).fma(scale, right).intoArray(c, write + LANES);
        }
    }

    private static void storeSingly(
            float[] tile, int from, int rows, int columns, float alpha, float[] c, int to, int cStride, int cColumnStride,
            float beta, float[] bias, int j0) {
        for (int i = 0; i < rows; i++) {
            int read = from + i * COLUMNS;
            int write = to + i * cStride;
            for (int j = 0; j < columns; j++) {
                int at = write + j * cColumnStride;
                float start = bias != null ? bias[j0 + j] : beta == 0 ? 0 : c[at] * beta;
                c[at] = Math.fma(tile[read + j], alpha, start);
            }
        }
    }
}
