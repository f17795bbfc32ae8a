package org.lora4j.backend.cpu;

import org.lora4j.backend.cpu.Scratch.Slot;
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
    /** Rows of W that one task multiplies, at least. */
    private static final int TASK_ROWS = 64;
    /** Of these, how many at a time: their sums' lanes are added up together. */
    private static final int STRIP = Gemm.LANES;

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
            weights.layOut(a, aOffset + i * aStride, x, i * length);
        }
        Chunks.run(workers, count, TASK_ROWS, TASK_ROWS, (from, to) -> {
            float[] sums = Scratch.local().floats(Slot.SUMS, STRIP * Gemm.LANES);
            for (int j = from; j < to; j += STRIP) {
                int strip = Math.min(STRIP, to - j);
                for (int i = 0; i < m; i++) {
                    weights.dots(first + j, strip, x, i * length, sums);
                    Dots.addLanes(sums, 0, strip);
                    store(weights, first + j, sums, strip, c, cOffset + i * cStride + j, alpha, beta, bias, j);
                }
            }
        });
    }

    /** c[at + j] ← alpha·sums[j]·scale + what it starts with. */
    private static void store(
            CompressedWeights weights, int row, float[] sums, int count, float[] c, int at, float alpha, float beta, float[] bias,
            int column) {
        for (int j = 0; j < count; j++) {
            float start = bias != null ? bias[column + j] : beta == 0 ? 0 : beta * c[at + j];
            c[at + j] = Math.fma(alpha, sums[j] * weights.scale(row + j), start);
        }
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
