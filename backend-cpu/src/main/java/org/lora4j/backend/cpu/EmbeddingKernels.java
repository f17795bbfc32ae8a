package org.lora4j.backend.cpu;

import java.util.Objects;

/** Rows of a table by their numbers, and the gradient's way back. */
final class EmbeddingKernels {

    /** A task of the scatter takes a multiple of so many columns: two cache lines. */
    private static final int STRIPE = 32;

    private EmbeddingKernels() {
    }

    /** out[i] ← table[rows[i]] + beta·out[i]; with beta = 0 out is not read. */
    static void gather(
            Workers workers, float[] table, int tableOffset, int tableRows, int[] rows, int rowsOffset, float[] out,
            int outOffset, int count, int columns, float beta) {
        requireRows(rows, rowsOffset, count, tableRows);
        Chunks.rows(workers, count, columns, (from, to) -> {
            for (int i = from; i < to; i++) {
                int source = tableOffset + rows[rowsOffset + i] * columns;
                int target = outOffset + i * columns;
                if (beta == 0) {
                    System.arraycopy(table, source, out, target, columns);
                } else {
                    if (beta != 1) {
                        ElementwiseKernels.scale(out, target, columns, beta);
                    }
                    ElementwiseKernels.add(table, source, out, target, columns, 1);
                }
            }
        });
    }

    /** table[rows[i]] ← table[rows[i]] + g[i] in the order of i: each thread adds all rows of its own columns. */
    static void scatterAdd(
            Workers workers, float[] g, int gOffset, int[] rows, int rowsOffset, float[] table, int tableOffset,
            int tableRows, int count, int columns) {
        requireRows(rows, rowsOffset, count, tableRows);
        int perThread = (columns + workers.threads() - 1) / workers.threads();
        Chunks.run(workers, columns, Math.max(perThread, Chunks.ELEMENTS / Math.max(1, count)), STRIPE, (from, to) -> {
            for (int i = 0; i < count; i++) {
                ElementwiseKernels.add(g, gOffset + i * columns + from, table,
                        tableOffset + rows[rowsOffset + i] * columns + from, to - from, 1);
            }
        });
    }

    private static void requireRows(int[] rows, int offset, int count, int tableRows) {
        for (int i = 0; i < count; i++) {
            Objects.checkIndex(rows[offset + i], tableRows);
        }
    }
}
