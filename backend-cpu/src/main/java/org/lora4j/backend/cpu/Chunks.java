package org.lora4j.backend.cpu;

/**
 * Cuts an operation whose elements or rows do not depend on each other into tasks. The cut depends on the number of
 * threads, so a body must compute the same whatever its range is.
 */
final class Chunks {

    /** Tasks per thread: enough that a core which is held up does not hold up the others. */
    private static final int TASKS_PER_THREAD = 4;

    /** Elements of simple arithmetic that make a task worth handing to another thread. */
    static final int ELEMENTS = 8192;

    private Chunks() {
    }

    /** What is done with the range from … to − 1. */
    @FunctionalInterface
    interface Body {
        void run(int from, int to);
    }

    /**
     * Runs the body over 0 … count − 1 in ranges of at least {@code least} and a multiple of {@code multiple}, but for
     * the last.
     */
    static void run(Workers workers, int count, int least, int multiple, Body body) {
        if (count <= 0) {
            return;
        }
        long even = -Math.floorDiv(-(long) count, (long) workers.threads() * TASKS_PER_THREAD);
        long size = Math.max(Math.max(even, least), 1);
        int step = (int) Math.min(Integer.MAX_VALUE, (size + multiple - 1) / multiple * multiple);
        if (step >= count) {
            body.run(0, count);
            return;
        }
        int tasks = (int) ((count + (long) step - 1) / step);
        workers.run(tasks, task -> {
            int from = task * step;
            body.run(from, (int) Math.min(count, (long) from + step));
        });
    }

    /** Ranges of elements, whole vectors but for the last range. */
    static void elements(Workers workers, int count, Body body) {
        run(workers, count, ELEMENTS, 64, body);
    }

    /** Ranges of rows of {@code columns} elements each. */
    static void rows(Workers workers, int rows, int columns, Body body) {
        run(workers, rows, ELEMENTS / Math.max(1, columns), 1, body);
    }
}
