package org.lora4j.backend.cpu;

import org.lora4j.backend.cpu.Scratch.Slot;
import org.lora4j.tensor.MatrixView;

/**
 * Products with {@link CompressedWeights}, and their rows gathered.
 *
 * <p>With few rows of x, as in decoding, four rows of W are read side by side and multiplied as they are taken apart. With
 * more, {@link Gemm} takes W apart where it would copy it into panels, so that a product gives the same bits as with the
 * floats that W holds; so does {@link LaneRows} where there are too few for panels.
 */
final class CompressedProduct {

    /** At most so many rows of x go without expanding W: as many as {@link ThinProduct} sums each as it would alone. */
    private static final int FEW_ROWS = 8;
    /** So many rows of x pay for expanding rows of W that each is multiplied with. */
    private static final int SEVERAL_ROWS = 4;
    /** Rows of W that one task multiplies, at least, and in more than one task a thread. */
    private static final int TASK_ROWS = 64;
    private static final int SHARED_ROWS = 192;
    private static final int TASKS_PER_THREAD = 4;
    /** Of these, how many are read side by side, and how many of each side have their sums' lanes added up together. */
    private static final int FOUR = 4;
    private static final int SUMS = FOUR * FOUR * Gemm.LANES;

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
        FewRows rows = new FewRows(weights, first, x, m, c, cOffset, cStride, alpha, beta, bias);
        int tasks = workers.threads() * Math.clamp(count / ((long) SHARED_ROWS * workers.threads()), 1, TASKS_PER_THREAD);
        int even = Math.max(TASK_ROWS, Math.ceilDiv(count, tasks));
        Chunks.run(workers, count, even, FOUR * FOUR, (from, to) -> {
            if (m >= SEVERAL_ROWS && weights.hasUnits()) {
                rows.expanded(from, to);
            } else {
                rows.asTheyLie(from, to);
            }
        });
    }

    /**
     * A product of a few rows of x with rows of W, c ← alpha·x·Wᵀ + what c begins with.
     *
     * @param x laid out
     */
    private record FewRows(
            CompressedWeights weights, int first, float[] x, int m, float[] c, int cOffset, int cStride, float alpha, float beta,
            float[] bias) {

        /**
         * Four rows at a time that lie a quarter of the task apart: a processor fetches ahead within a page of memory, and waits
         * where the next one begins; so it waits for four at once.
         */
        void asTheyLie(int from, int to) {
            float[] sums = Scratch.local().floats(Slot.SUMS, SUMS);
            int length = weights.paddedColumns();
            int quarter = (to - from) / (FOUR * FOUR) * FOUR;
            for (int j = from; j < from + quarter; j += FOUR) {
                for (int i = 0; i < m; i++) {
                    for (int next = 0; next < FOUR; next++) {
                        weights.fourDots(first + j + next, quarter, x, i * length, sums, next * Gemm.LANES);
                    }
                    Dots.addLanes(sums, 0, FOUR * FOUR);
                    for (int part = 0; part < FOUR; part++) {
                        store(sums, part * FOUR, i, j + part * quarter, FOUR);
                    }
                }
            }
            for (int j = from + FOUR * quarter; j < to; j++) {
                for (int i = 0; i < m; i++) {
                    weights.fourDots(first + j, 0, x, i * length, sums, 0);
                    Dots.addLanes(sums, 0, 1);
                    store(sums, 0, i, j, 1);
                }
            }
        }

        /** Four rows at a time as floats that stay in the nearest cache while rows of x pass, with the same bits. */
        void expanded(int from, int to) {
            float[] sums = Scratch.local().floats(Slot.SUMS, SUMS);
            int length = weights.paddedColumns();
            float[] w = Scratch.local().floats(Slot.EXPANDED, FOUR * length);
            for (int j = from; j < to; j += FOUR) {
                int four = Math.min(FOUR, to - j);
                for (int row = 0; row < four; row++) {
                    weights.expandUnits(first + j + row, w, row * length);
                }
                for (int i = 0; i < m; i += FOUR) {
                    int last = Math.min(FOUR, m - i) - 1;
                    Dots.fourByFour(length, x, i * length, length, last, w, 0, length, four - 1, sums, 0);
                    Dots.addLanes(sums, 0, FOUR * FOUR);
                    for (int row = 0; row <= last; row++) {
                        store(sums, row * FOUR, i + row, j, four);
                    }
                }
            }
        }

        /** Row i of c from column j on ← alpha·sums·scale + what it begins with. */
        private void store(float[] sums, int from, int i, int j, int count) {
            int at = cOffset + i * cStride;
            for (int column = j; column < j + count; column++) {
                float start = bias != null ? bias[column] : beta == 0 ? 0 : beta * c[at + column];
                c[at + column] = Math.fma(alpha, sums[from + column - j] * weights.scale(first + column), start);
            }
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
