package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Between the device's arrays and the small ones that travel: TornadoVM moves whole arrays only, and the memory is too large
 * for that. args: count, offset in the large array, and for sums the number of parts.
 */
public final class TransferKernels {

    private TransferKernels() {
    }

    /** memory[offset … ] ← travelling. */
    public static void store(float[] memory, int[] tables, float[] travelling, int[] args) {
        int count = args[0];
        int offset = args[1];
        for (@Parallel int i = 0; i < count; i++) {
            memory[offset + i] = travelling[i];
        }
    }

    /** travelling ← memory[offset … ]. */
    public static void fetch(float[] memory, int[] tables, float[] travelling, int[] args) {
        int count = args[0];
        int offset = args[1];
        for (@Parallel int i = 0; i < count; i++) {
            travelling[i] = memory[offset + i];
        }
    }

    /** tables[offset … ] ← travelling. */
    public static void storeTables(float[] memory, int[] tables, int[] travelling, int[] args) {
        int count = args[0];
        int offset = args[1];
        for (@Parallel int i = 0; i < count; i++) {
            tables[offset + i] = travelling[i];
        }
    }

    /** Nothing: a graph needs a task, and the first one only takes the memory to the device. */
    public static void touch(float[] memory, int[] tables, int[] args) {
        for (@Parallel int i = 0; i < 1; i++) {
            if (args[0] == Integer.MIN_VALUE) {
                memory[i] = memory[i] + 1f;
                tables[i] = tables[i] + 1;
            }
        }
    }

    /** sums[i] ← Σ x over the i-th of {@code parts} equal stretches, in double. args: count, offset, parts, squares or not. */
    public static void sums(float[] memory, int[] tables, double[] sums, int[] args) {
        int count = args[0];
        int offset = args[1];
        int parts = args[2];
        int squares = args[3];
        int stretch = (count + parts - 1) / parts;
        for (@Parallel int i = 0; i < parts; i++) {
            int from = i * stretch;
            int to = from + stretch < count ? from + stretch : count;
            double sum = 0;
            for (int j = from; j < to; j++) {
                double value = memory[offset + j];
                sum += squares != 0 ? value * value : value;
            }
            sums[i] = sum;
        }
    }
}
