package org.lora4j.backend.cpu;

import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * The rows that some heads side by side write in one task. A head's part of a row is a short piece of a long one, and a core
 * waits for each such piece of memory before it can write there; so they write to scratch, and whole pieces are copied.
 */
final class HeadRows {

    /** What several heads write has its place in the second-level cache beside what they read. */
    private static final int MOST_FLOATS = 1 << 16;
    private static final int TASKS_PER_THREAD = 16;
    /** Floats that come from memory at once. */
    private static final int LINE = 16;

    private final float[] to;
    private final int toOffset;
    private final int toStride;
    private final int rows;
    private final int width;
    private final float[] values;

    /**
     * For rows of {@code to}.
     *
     * @param width of all heads together
     * @param slot  where they write first; null for straight to their place
     */
    HeadRows(float[] to, int toOffset, int toStride, int rows, int width, Slot slot) {
        this.to = to;
        this.toOffset = toOffset;
        this.toStride = toStride;
        this.rows = rows;
        this.width = width;
        values = slot == null ? to : Scratch.local().floats(slot, rows * width);
    }

    /**
     * How many of a sequence's heads one task does: as many as leave enough tasks to share out, in parts of about one size.
     *
     * @param floats what one head writes
     */
    static int together(Workers workers, int sequences, int heads, int floats) {
        long tasks = (long) sequences * heads;
        int most = (int) Math.min(tasks / ((long) TASKS_PER_THREAD * workers.threads()), MOST_FLOATS / Math.max(1, floats));
        if (most <= 1) {
            return 1;
        }
        int groups = (heads + most - 1) / most;
        return (heads + groups - 1) / groups;
    }

    /** Where the heads write. */
    float[] values() {
        return values;
    }

    int offset() {
        return values == to ? toOffset : 0;
    }

    int stride() {
        return values == to ? toStride : width;
    }

    /**
     * Reads one number of each piece of memory that some heads are about to read, row after row, so that these pieces come one
     * behind the other; heads that fetch them for themselves jump from row to row and wait for each.
     *
     * @return a number that says nothing, but has to be asked for
     */
    static float fetch(float[] x, int offset, int stride, int rows, int width) {
        float sum = 0;
        for (int row = 0; row < rows; row++) {
            int from = offset + row * stride;
            for (int at = from; at < from + width; at += LINE) {
                sum += x[at];
            }
        }
        return sum;
    }

    /** Brings what was written to its place. */
    void write() {
        if (values == to) {
            return;
        }
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * width, to, toOffset + row * toStride, width);
        }
    }
}
