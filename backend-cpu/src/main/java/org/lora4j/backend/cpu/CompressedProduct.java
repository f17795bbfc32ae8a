package org.lora4j.backend.cpu;

import java.util.Arrays;
import org.lora4j.tensor.MatrixView;

/**
 * Products with {@link CompressedWeights}, and their rows gathered.
 *
 * <p>With few rows of x, as in decoding, each row of W is read once and multiplied as it is taken apart. With more,
 * {@link Gemm} takes W apart where it would copy it into panels, so that a product gives the same bits as with the floats
 * that W holds.
 */
final class CompressedProduct {

    /** At most so many rows of x go without expanding W: as many as {@link ThinProduct} sums each as it would alone. */
    private static final int FEW_ROWS = 8;
    /** Rows of W that one task multiplies. */
    private static final int TASK_ROWS = 64;

    private final Workers workers;
    private final Gemm gemm;
    private float[] padded = new float[0];

    CompressedProduct(Workers workers, Gemm gemm) {
        this.workers = workers;
        this.gemm = gemm;
    }

    /** c ← alpha·op(a)·op(W) + beta·c or + bias, with op(W) as the view says. */
    void multiply(
            CompressedWeights weights, MatrixView w, float[] a, int aOffset, int aStride, boolean aTransposed, int m,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        boolean entered = workers.enter(); // the expanded rows are shared
        try {
            multiplyAlone(weights, w, a, aOffset, aStride, aTransposed, m, c, cOffset, cStride, alpha, beta, bias);
        } finally {
            workers.leave(entered);
        }
    }

    private void multiplyAlone(
            CompressedWeights weights, MatrixView w, float[] a, int aOffset, int aStride, boolean aTransposed, int m,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        weights.requireWholeRows(w);
        int first = weights.row(w.offset());
        int count = w.storedRows();
        if (w.transposed() && !aTransposed && (m <= FEW_ROWS || gemm.sumsRowsAlone())) {
            rowByRow(weights, first, count, a, aOffset, aStride, m, c, cOffset, cStride, alpha, beta, bias);
            return;
        }
        int columns = weights.columns;
        gemm.multiply(
                m, w.transposed() ? count : columns, w.transposed() ? columns : count, a, aOffset, aStride, aTransposed, weights,
                first, w.transposed(), c, cOffset, cStride, alpha, beta, bias);
    }

    private void rowByRow(
            CompressedWeights weights, int first, int count, float[] a, int aOffset, int aStride, int m, float[] c,
            int cOffset, int cStride, float alpha, float beta, float[] bias) {
        int length = weights.paddedColumns();
        float[] x = padded(m * length);
        for (int i = 0; i < m; i++) {
            System.arraycopy(a, aOffset + i * aStride, x, i * length, weights.columns);
            Arrays.fill(x, i * length + weights.columns, (i + 1) * length, 0);
        }
        Chunks.run(workers, count, TASK_ROWS, TASK_ROWS, (from, to) -> {
            for (int j = from; j < to; j++) {
                for (int i = 0; i < m; i++) {
                    int at = cOffset + i * cStride + j;
                    float start = bias != null ? bias[j] : beta == 0 ? 0 : beta * c[at];
                    c[at] = Math.fma(alpha, weights.dot(first + j, x, i * length), start);
                }
            }
        });
    }

    private float[] padded(int length) {
        if (padded.length < length) {
            padded = new float[length];
        }
        return padded;
    }

    /** out[i] ← W[rows[i]] + beta·out[i]. */
    void gather(CompressedWeights weights, int[] rows, int count, float[] out, float beta) {
        int columns = weights.columns;
        float[] row = padded(columns);
        for (int i = 0; i < count; i++) {
            if (rows[i] < 0 || rows[i] >= weights.rows) {
                throw new IndexOutOfBoundsException("row " + rows[i] + " of a table with " + weights.rows + " rows");
            }
            if (beta == 0) {
                weights.expand(rows[i], 1, out, i * columns, columns);
            } else {
                weights.expand(rows[i], 1, row, 0, columns);
                for (int c = 0; c < columns; c++) {
                    out[i * columns + c] = row[c] + beta * out[i * columns + c];
                }
            }
        }
    }
}
