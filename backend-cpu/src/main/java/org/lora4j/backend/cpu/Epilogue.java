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
     * c[i, j] ← alpha·tile[i, j] + beta·c[i, j], or alpha·tile[i, j] + bias[j] if there is a bias, for i &lt; rows and
     * j &lt; columns. With beta = 0 the old c is not read.
     */
    static void store(
            float[] tile, int from, int rows, int columns, float alpha, float[] c, int to, int cStride, float beta,
            float[] bias, int biasFrom) {
        if (columns < COLUMNS) {
            storeNarrow(tile, from, rows, columns, alpha, c, to, cStride, beta, bias, biasFrom);
        } else if (bias != null) {
            FloatVector left = FloatVector.fromArray(FLOATS, bias, biasFrom);
            FloatVector right = FloatVector.fromArray(FLOATS, bias, biasFrom + LANES);
            FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
            for (int i = 0; i < rows; i++) {
                int read = from + i * COLUMNS;
                int write = to + i * cStride;
                FloatVector.fromArray(FLOATS, tile, read).fma(scale, left).intoArray(c, write);
                FloatVector.fromArray(FLOATS, tile, read + LANES).fma(scale, right).intoArray(c, write + LANES);
            }
        } else if (beta == 0) {
            for (int i = 0; i < rows; i++) {
                int read = from + i * COLUMNS;
                int write = to + i * cStride;
                FloatVector.fromArray(FLOATS, tile, read).mul(alpha).intoArray(c, write);
                FloatVector.fromArray(FLOATS, tile, read + LANES).mul(alpha).intoArray(c, write + LANES);
            }
        } else {
            FloatVector scale = FloatVector.broadcast(FLOATS, alpha);
            for (int i = 0; i < rows; i++) {
                int read = from + i * COLUMNS;
                int write = to + i * cStride;
                FloatVector.fromArray(FLOATS, tile, read)
                        .fma(scale, FloatVector.fromArray(FLOATS, c, write).mul(beta)).intoArray(c, write);
                FloatVector.fromArray(FLOATS, tile, read + LANES)
                        .fma(scale, FloatVector.fromArray(FLOATS, c, write + LANES).mul(beta)).intoArray(c, write + LANES);
            }
        }
    }

    private static void storeNarrow(
            float[] tile, int from, int rows, int columns, float alpha, float[] c, int to, int cStride, float beta,
            float[] bias, int biasFrom) {
        for (int i = 0; i < rows; i++) {
            int read = from + i * COLUMNS;
            int write = to + i * cStride;
            for (int j = 0; j < columns; j++) {
                float start = bias != null ? bias[biasFrom + j] : beta == 0 ? 0 : c[write + j] * beta;
                c[write + j] = Math.fma(tile[read + j], alpha, start);
            }
        }
    }
}
