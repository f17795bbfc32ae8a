package org.lora4j.backend.tornado;

import java.util.Arrays;
import org.lora4j.tensor.Buffer;

/**
 * Whole numbers of the host's. No operation writes any, so they live here, and what an operation reads of them travels
 * with it. An upload puts a new array in the place of the old one, which operations recorded before it still hold.
 */
final class IntBlock implements Buffer {

    private final DeviceMemory memory;
    private int[] values;

    IntBlock(DeviceMemory memory, int length) {
        this.memory = memory;
        values = new int[length];
    }

    @Override
    public long capacity() {
        return values.length;
    }

    /** The memory of the backend it belongs to. */
    DeviceMemory memory() {
        return memory;
    }

    void upload(int[] src, int from, int count) {
        int[] next = Arrays.copyOf(values, values.length);
        System.arraycopy(src, from, next, 0, count);
        values = next;
    }

    /** The numbers as they are now; this array is never modified. */
    int[] values() {
        return values;
    }
}
