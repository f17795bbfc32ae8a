package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies of parts of a matrix in the order in which {@link Tiles} reads them.
 *
 * <p>A <em>k-major</em> panel of width w holds w rows of a or columns of b side by side: element (i, p) is at
 * {@code p·w + i}, so that one step of k reads one contiguous piece. What it has too much at the edge of the matrix is
 * zero. A <em>row panel</em> holds rows of a one after the other at the fixed distance {@link Gemm#DEPTH}.
 */
final class Panels {

    // 12 and 6 floats are two vectors of these
    private static final VectorSpecies<Float> MOST_ROWS = ROWS == 12 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;
    private static final VectorSpecies<Float> LAST_ROWS = ROWS == 12 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_64;

    private Panels() {
    }

    /** A panel of COLUMNS from columns that lie along k: panel[to + p·COLUMNS + j] ← src[from + j·stride + p]. */
    static void transpose(float[] src, int from, int stride, int columns, int depth, float[] panel, int to) {
        if (columns < COLUMNS) {
            Arrays.fill(panel, to, to + depth * COLUMNS, 0);
            for (int j = 0; j < columns; j++) {
                for (int p = 0; p < depth; p++) {
                    panel[to + p * COLUMNS + j] = src[from + j * stride + p];
                }
            }
            return;
        }
        // one cache line of each column at a time, eight columns together
        for (int p0 = 0; p0 < depth; p0 += 16) {
            int end = Math.min(depth, p0 + 16);
            for (int j = 0; j < COLUMNS; j += 8) {
                int read = from + j * stride;
                for (int p = p0; p < end; p++) {
                    int write = to + p * COLUMNS + j;
                    panel[write] = src[read + p];
                    panel[write + 1] = src[read + stride + p];
                    panel[write + 2] = src[read + 2 * stride + p];
                    panel[write + 3] = src[read + 3 * stride + p];
                    panel[write + 4] = src[read + 4 * stride + p];
                    panel[write + 5] = src[read + 5 * stride + p];
                    panel[write + 6] = src[read + 6 * stride + p];
                    panel[write + 7] = src[read + 7 * stride + p];
                }
            }
        }
    }

    /** A panel of COLUMNS from columns that lie side by side: panel[to + p·COLUMNS + j] ← src[from + p·stride + j]. */
    static void copyColumns(float[] src, int from, int stride, int columns, int depth, float[] panel, int to) {
        if (columns < COLUMNS) {
            copyNarrow(src, from, stride, columns, depth, panel, to, COLUMNS);
            return;
        }
        for (int p = 0; p < depth; p++) {
            int read = from + p * stride;
            int write = to + p * COLUMNS;
            FloatVector.fromArray(FLOATS, src, read).intoArray(panel, write);
            FloatVector.fromArray(FLOATS, src, read + LANES).intoArray(panel, write + LANES);
        }
    }

    /** A panel of ROWS from rows of op(a) that lie side by side: panel[to + p·ROWS + i] ← src[from + p·stride + i]. */
    static void copyRows(float[] src, int from, int stride, int rows, int depth, float[] panel, int to) {
        if (rows < ROWS) {
            copyNarrow(src, from, stride, rows, depth, panel, to, ROWS);
            return;
        }
        int most = MOST_ROWS.length();
        for (int p = 0; p < depth; p++) {
            int read = from + p * stride;
            int write = to + p * ROWS;
            FloatVector.fromArray(MOST_ROWS, src, read).intoArray(panel, write);
            FloatVector.fromArray(LAST_ROWS, src, read + most).intoArray(panel, write + most);
        }
    }

    private static void copyNarrow(
            float[] src, int from, int stride, int count, int depth, float[] panel, int to, int width) {
        for (int p = 0; p < depth; p++) {
            int at = to + p * width;
            System.arraycopy(src, from + p * stride, panel, at, count);
            Arrays.fill(panel, at + count, at + width, 0);
        }
    }

    /** A row panel: panel[to + i·DEPTH + p] ← src[from + i·stride + p] for i &lt; rows; further rows are left as they are. */
    static void rows(float[] src, int from, int stride, int rows, int depth, float[] panel, int to) {
        for (int i = 0; i < rows; i++) {
            System.arraycopy(src, from + i * stride, panel, to + i * DEPTH, depth);
        }
    }
}
