package org.lora4j.backend.cpu;

import org.lora4j.tensor.Buffer;

/**
 * The memory of whole numbers on this backend: one Java array.
 *
 * @param values the elements, row-major
 */
record HeapInts(int[] values) implements Buffer {

    @Override
    public long capacity() {
        return values.length;
    }
}
