package org.lora4j.backend.cpu;

import java.util.Arrays;

/**
 * Memory that a thread reuses from call to call, so that a training step allocates nothing once every size has been
 * seen. Each {@link Slot} is one array; a kernel uses each of its slots for one thing at a time.
 */
final class Scratch {

    /** What the arrays hold. Two of the same name are never needed at once on one thread. */
    enum Slot {
        KEYS, VALUES, KEY_ROWS, D_KEYS, D_VALUES, QUERIES, D_OUTPUT, SCORES, D_SCORES, SLOPES, OUTPUT, MASK, DROPOUT, HEADS,
        D_QUERY_HEADS, D_KEY_HEADS, D_VALUE_HEADS,
        RELATIVE_KEYS, RELATIVE_QUERIES, RELATIVE_KEY_ROWS, RELATIVE_QUERY_ROWS, RELATIVE_SLOPES, D_RELATIVE_KEYS,
        D_RELATIVE_QUERIES, PARTIAL_RELATIVE_KEYS, PARTIAL_RELATIVE_QUERIES,
        TILE, STRIP, ROWS, SUMS, EXPANDED, WEIGHTS, BELLS
    }

    private static final ThreadLocal<Scratch> LOCAL = ThreadLocal.withInitial(Scratch::new);

    private final float[][] arrays = new float[Slot.values().length][];
    private float fetched;
    private double[] partialSums = new double[0];

    private Scratch() {
    }

    /** The calling thread's. */
    static Scratch local() {
        return LOCAL.get();
    }

    /** Takes what {@link HeadRows#fetch} gives: what nobody asked for would not be read. */
    void fetched(float number) {
        fetched = number;
    }

    /** An array of at least {@code size} elements of any content. */
    float[] floats(Slot slot, int size) {
        float[] array = arrays[slot.ordinal()];
        if (array == null || array.length < size) {
            array = new float[size + size / 4];
            arrays[slot.ordinal()] = array;
        }
        return array;
    }

    /** As {@link #floats}, the first {@code size} elements zero. */
    float[] zeros(Slot slot, int size) {
        float[] array = floats(slot, size);
        Arrays.fill(array, 0, size, 0);
        return array;
    }

    /** An array of at least {@code size} doubles of any content. */
    double[] doubles(int size) {
        if (partialSums.length < size) {
            partialSums = new double[size];
        }
        return partialSums;
    }
}
