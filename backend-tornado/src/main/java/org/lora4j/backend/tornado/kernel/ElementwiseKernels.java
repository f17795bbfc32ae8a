package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Elementwise operations. Fill and copy take a table of operands, since a model clears many gradients and appends to many
 * caches at once: entry e stands for the elements from {@code starts[e]} on, counted through all entries.
 */
public final class ElementwiseKernels {

    private ElementwiseKernels() {
    }

    /** The entry that element i belongs to: the last one whose first element is not after i. */
    static int entryOf(int[] tables, int starts, int entries, int i) {
        int low = 0;
        int high = entries - 1;
        while (low < high) {
            int middle = (low + high + 1) >> 1;
            if (tables[starts + middle] <= i) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /**
     * x ← value, for each x of a table. args: elements of all together, entries, table of (first elements; offsets).
     * factors: value.
     */
    public static void fill(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int entries = args[slot + 1];
        int starts = args[slot + 2];
        float value = factors[slot >> 3];
        for (@Parallel int i = 0; i < count; i++) {
            int e = entryOf(tables, starts, entries, i);
            memory[tables[starts + entries + e] + i - tables[starts + e]] = value;
        }
    }

    /** x ← alpha·x. args: count, x. factors: alpha. */
    public static void scale(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        float alpha = factors[slot >> 3];
        for (@Parallel int i = 0; i < count; i++) {
            memory[x + i] = alpha * memory[x + i];
        }
    }

    /**
     * y ← x, views of one width, for each pair of a table. args: elements of all together, entries, columns, stride of x,
     * stride of y, table of (first elements; offsets of x; offsets of y).
     */
    public static void copy(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int entries = args[slot + 1];
        int columns = args[slot + 2];
        int xStride = args[slot + 3];
        int yStride = args[slot + 4];
        int starts = args[slot + 5];
        for (@Parallel int i = 0; i < count; i++) {
            int e = entryOf(tables, starts, entries, i);
            int element = i - tables[starts + e];
            int row = element / columns;
            int column = element - row * columns;
            int x = tables[starts + entries + e];
            int y = tables[starts + 2 * entries + e];
            memory[y + row * yStride + column] = memory[x + row * xStride + column];
        }
    }

    /** y ← y + alpha·x. args: count, columns, x, stride of x, y, stride of y. factors: alpha. */
    public static void add(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int columns = args[slot + 1];
        int x = args[slot + 2];
        int xStride = args[slot + 3];
        int y = args[slot + 4];
        int yStride = args[slot + 5];
        float alpha = factors[slot >> 3];
        for (@Parallel int i = 0; i < count; i++) {
            int row = i / columns;
            int column = i - row * columns;
            int to = y + row * yStride + column;
            memory[to] = memory[to] + alpha * memory[x + row * xStride + column];
        }
    }

    /** z ← x ⊙ y. args: count, x, y, z. */
    public static void multiply(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int y = args[slot + 2];
        int z = args[slot + 3];
        for (@Parallel int i = 0; i < count; i++) {
            memory[z + i] = memory[x + i] * memory[y + i];
        }
    }

    /** y ← GELU(x). args: count, x, y, kind. */
    public static void gelu(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int y = args[slot + 2];
        int kind = args[slot + 3];
        for (@Parallel int i = 0; i < count; i++) {
            memory[y + i] = KernelMath.gelu(memory[x + i], kind);
        }
    }

    /** y ← f(x), of those that {@link KernelMath#activation} knows. args: count, x, y, kind. */
    public static void activate(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int y = args[slot + 2];
        int kind = args[slot + 3];
        for (@Parallel int i = 0; i < count; i++) {
            memory[y + i] = KernelMath.activation(memory[x + i], kind);
        }
    }

    /** dx ← dy ⊙ f′(x). args: count, x, dy, dx, kind. */
    public static void activateBackward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int dy = args[slot + 2];
        int dx = args[slot + 3];
        int kind = args[slot + 4];
        for (@Parallel int i = 0; i < count; i++) {
            memory[dx + i] = memory[dy + i] * KernelMath.activationSlope(memory[x + i], kind);
        }
    }

    /** dx ← dy ⊙ GELU′(x). args: count, x, dy, dx, kind. */
    public static void geluBackward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int dy = args[slot + 2];
        int dx = args[slot + 3];
        int kind = args[slot + 4];
        for (@Parallel int i = 0; i < count; i++) {
            memory[dx + i] = memory[dy + i] * KernelMath.geluSlope(memory[x + i], kind);
        }
    }
}
