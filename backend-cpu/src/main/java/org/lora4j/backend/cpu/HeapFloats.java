package org.lora4j.backend.cpu;

import org.lora4j.tensor.Buffer;

/**
 * A tensor's memory on this backend: one Java array.
 *
 * @param values the elements, row-major
 */
record HeapFloats(float[] values) implements Buffer {

    @Override
    public long capacity() {
        return values.length;
    }
}
