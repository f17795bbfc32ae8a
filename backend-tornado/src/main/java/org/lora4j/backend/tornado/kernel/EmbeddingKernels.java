package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/** Rows of a table by their numbers, and sums into them. */
public final class EmbeddingKernels {

    private EmbeddingKernels() {
    }

    /** out[i] ← table[rows[i]] + beta·out[i]. args: count, columns, table, rows, out, whether out is read. factors: beta. */
    public static void gather(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int columns = args[slot + 1];
        int table = args[slot + 2];
        int rows = args[slot + 3];
        int out = args[slot + 4];
        int reads = args[slot + 5];
        float beta = factors[slot >> 3];
        for (@Parallel int i = 0; i < count; i++) {
            int row = i / columns;
            float value = memory[table + tables[rows + row] * columns + i - row * columns];
            if (reads != 0) {
                value += beta * memory[out + i];
            }
            memory[out + i] = value;
        }
    }

    /**
     * table[r] ← table[r] + Σ of the rows of g that go to r, in their order. args: elements of the rows that are added to,
     * their number, columns, g, table, lists of (first occurrence of each and their end; row numbers; occurrences).
     */
    public static void scatterAdd(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int distinct = args[slot + 1];
        int columns = args[slot + 2];
        int g = args[slot + 3];
        int table = args[slot + 4];
        int lists = args[slot + 5];
        int numbers = lists + distinct + 1;
        int occurrences = numbers + distinct;
        for (@Parallel int i = 0; i < count; i++) {
            int which = i / columns;
            int column = i - which * columns;
            int at = table + tables[numbers + which] * columns + column;
            float sum = memory[at];
            for (int o = tables[lists + which]; o < tables[lists + which + 1]; o++) {
                sum += memory[g + tables[occurrences + o] * columns + column];
            }
            memory[at] = sum;
        }
    }
}
