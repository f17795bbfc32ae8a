package org.lora4j.backend.cpu;

import java.util.Arrays;

/**
 * Operations that treat each column by a number of its own. The loops are plain: the compiler turns them into vectors,
 * and memory is what limits them. Rows, or stripes of columns, are shared among the threads; each sum runs over its rows
 * in order, {@value #ROW_BLOCK} at a time.
 */
final class ColumnKernels {

    /** Columns that one task of a sum takes. */
    private static final int STRIPE = 128;
    /** Rows that are summed before they are added to the sum of all: keeps rounding errors from growing with N. */
    private static final int ROW_BLOCK = 32;

    private ColumnKernels() {
    }

    /** y ← y + alpha·row. */
    static void addRow(
            Workers workers, float[] row, int rowOffset, float alpha, float[] y, int yOffset, int yStride, int rows, int columns) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int i = from; i < to; i++) {
                int at = yOffset + i * yStride;
                for (int j = 0; j < columns; j++) {
                    y[at + j] += alpha * row[rowOffset + j];
                }
            }
        });
    }

    /** y ← (factors + shift) ⊙ x + beta·y. */
    static void scale(
            Workers workers, float[] x, int xOffset, int xStride, float[] factors, int factorsOffset,
            float shift, float[] y, int yOffset, int yStride, int rows, int columns, float beta) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int i = from; i < to; i++) {
                int in = xOffset + i * xStride;
                int out = yOffset + i * yStride;
                if (beta == 0) {
                    for (int j = 0; j < columns; j++) {
                        y[out + j] = (factors[factorsOffset + j] + shift) * x[in + j];
                    }
                } else {
                    for (int j = 0; j < columns; j++) {
                        y[out + j] = (factors[factorsOffset + j] + shift) * x[in + j] + beta * y[out + j];
                    }
                }
            }
        });
    }

    /** out[j] ← out[j] + Σ over i of a[i, j]·b[i, j]; element (i, j) of a lies at i·aStride + j·aStep. */
    static void addDots(
            Workers workers, float[] a, int aOffset, int aStride, int aStep, float[] b, int bOffset, int bStride, int rows,
            int columns, float[] out, int outOffset) {
        int stripes = (columns + STRIPE - 1) / STRIPE;
        workers.run(stripes, stripe -> {
            int first = stripe * STRIPE;
            int last = Math.min(columns, first + STRIPE);
            float[] sums = new float[STRIPE];
            for (int row = 0; row < rows; row += ROW_BLOCK) {
                Arrays.fill(sums, 0);
                for (int i = row; i < Math.min(rows, row + ROW_BLOCK); i++) {
                    int left = aOffset + i * aStride;
                    int right = bOffset + i * bStride;
                    for (int j = first; j < last; j++) {
                        sums[j - first] += a[left + j * aStep] * b[right + j];
                    }
                }
                for (int j = first; j < last; j++) {
                    out[outOffset + j] += sums[j - first];
                }
            }
        });
    }

    /** y ← x/√squares + beta·y. */
    static void divideByRoots(
            Workers workers, float[] x, int xOffset, int xStride, float[] squares, int squaresOffset, int squaresStride,
            float[] y, int yOffset, int yStride, int rows, int columns, float beta) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int i = from; i < to; i++) {
                int in = xOffset + i * xStride;
                int square = squaresOffset + i * squaresStride;
                int out = yOffset + i * yStride;
                for (int j = 0; j < columns; j++) {
                    float quotient = x[in + j] / (float) Math.sqrt(squares[square + j]);
                    y[out + j] = beta == 0 ? quotient : quotient + beta * y[out + j];
                }
            }
        });
    }
}
