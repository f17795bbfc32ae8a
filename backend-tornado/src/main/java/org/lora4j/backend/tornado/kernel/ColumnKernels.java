package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/** Operations that treat each column of a matrix in its own way. */
public final class ColumnKernels {

    private ColumnKernels() {
    }

    /** y ← y + alpha·row. args: count, columns, row, y, stride of y. factors: alpha. */
    public static void addRow(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int columns = args[slot + 1];
        int row = args[slot + 2];
        int y = args[slot + 3];
        int stride = args[slot + 4];
        float alpha = factors[slot >> 3];
        for (@Parallel int index = 0; index < count; index++) {
            int i = index / columns;
            int j = index - i * columns;
            int at = y + i * stride + j;
            memory[at] = memory[at] + alpha * memory[row + j];
        }
    }

    /**
     * y ← (factors + shift)·x + beta·y. args: count, columns, x, stride, factors, y, stride, whether y is read. factors:
     * shift, beta.
     */
    public static void scaleColumns(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int columns = args[slot + 1];
        int x = args[slot + 2];
        int xStride = args[slot + 3];
        int perColumn = args[slot + 4];
        int y = args[slot + 5];
        int yStride = args[slot + 6];
        int reads = args[slot + 7];
        float shift = factors[slot >> 3];
        float beta = factors[(slot >> 3) + 1];
        for (@Parallel int index = 0; index < count; index++) {
            int i = index / columns;
            int j = index - i * columns;
            int at = y + i * yStride + j;
            float value = (memory[perColumn + j] + shift) * memory[x + i * xStride + j];
            if (reads != 0) {
                value += beta * memory[at];
            }
            memory[at] = value;
        }
    }

    /** out ← out + Σ over rows of a ⊙ b. args: columns, rows, a, aRow, aColumn, b, stride of b, out. */
    public static void addColumnDots(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int columns = args[slot];
        int rows = args[slot + 1];
        int a = args[slot + 2];
        int aRow = args[slot + 3];
        int aColumn = args[slot + 4];
        int b = args[slot + 5];
        int bRow = args[slot + 6];
        int out = args[slot + 7];
        for (@Parallel int j = 0; j < columns; j++) {
            float sum = 0f;
            for (int i = 0; i < rows; i++) {
                sum += memory[a + i * aRow + j * aColumn] * memory[b + i * bRow + j];
            }
            memory[out + j] = memory[out + j] + sum;
        }
    }

    /** y ← x/√squares + beta·y. args: count, columns, x, stride, squares, stride, y, stride, whether y is read. factors: beta. */
    public static void divideByRoots(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int columns = args[slot + 1];
        int x = args[slot + 2];
        int squares = args[slot + 4];
        int y = args[slot + 6];
        int reads = args[slot + 8];
        float beta = factors[slot >> 3];
        for (@Parallel int index = 0; index < count; index++) {
            int i = index / columns;
            int j = index - i * columns;
            int at = y + i * args[slot + 7] + j;
            float root = (float) Math.sqrt(memory[squares + i * args[slot + 5] + j]);
            float value = memory[x + i * args[slot + 3] + j] / root;
            if (reads != 0) {
                value += beta * memory[at];
            }
            memory[at] = value;
        }
    }
}
