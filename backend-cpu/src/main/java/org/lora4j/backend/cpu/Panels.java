package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies of parts of a matrix in the order in which {@link Tiles} reads them.
 *
 * <p>A panel of width w holds w rows of a or columns of b side by side: element (i, p) is at {@code p·w + i}, so that one
 * step of k reads one contiguous piece. What it has too much at the edge of the matrix is zero.
 */
final class Panels {

    // 12 and 6 floats are two vectors of these
    private static final VectorSpecies<Float> MOST_ROWS = ROWS == 12 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;
    private static final VectorSpecies<Float> LAST_ROWS = ROWS == 12 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_64;

    /** Rows and columns of what is transposed at once. */
    private static final int SQUARE = LANES >= 8 ? 8 : 4;

    private Panels() {
    }

    /** A panel of COLUMNS from columns that lie along k: panel[to + p·COLUMNS + j] ← src[from + j·stride + p]. */
    static void transpose(float[] src, int from, int stride, int columns, int depth, float[] panel, int to) {
        if (columns < COLUMNS) {
            Arrays.fill(panel, to, to + depth * COLUMNS, 0);
            transposeSingly(src, from, stride, columns, 0, depth, panel, to);
            return;
        }
        int whole = depth - depth % SQUARE;
        if (SQUARE == 8) {
            Squares.transpose8(src, from, stride, COLUMNS, whole, panel, to, COLUMNS);
        } else {
            Squares.transpose4(src, from, stride, COLUMNS, whole, panel, to, COLUMNS);
        }
        transposeSingly(src, from, stride, columns, whole, depth, panel, to);
    }

    private static void transposeSingly(
            float[] src, int from, int stride, int columns, int begin, int end, float[] panel, int to) {
        for (int j = 0; j < columns; j++) {
            for (int p = begin; p < end; p++) {
                panel[to + p * COLUMNS + j] = src[from + j * stride + p];
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

    /** A panel of ROWS from rows that lie along k: panel[to + p·ROWS + i] ← src[from + i·stride + p]. */
    static void turnRows(float[] src, int from, int stride, int rows, int depth, float[] panel, int to) {
        int square = ROWS == 12 ? 8 : 4;
        int whole = rows < ROWS ? 0 : depth - depth % square;
        int second = ROWS - square; // the two squares overlap
        if (square == 8) {
            Squares.transpose8(src, from, stride, 8, whole, panel, to, ROWS);
            Squares.transpose8(src, from + second * stride, stride, 8, whole, panel, to + second, ROWS);
        } else {
            Squares.transpose4(src, from, stride, 4, whole, panel, to, ROWS);
            Squares.transpose4(src, from + second * stride, stride, 4, whole, panel, to + second, ROWS);
        }
        for (int i = 0; i < ROWS; i++) {
            for (int p = whole; p < depth; p++) {
                panel[to + p * ROWS + i] = i < rows ? src[from + i * stride + p] : 0;
            }
        }
    }
}
