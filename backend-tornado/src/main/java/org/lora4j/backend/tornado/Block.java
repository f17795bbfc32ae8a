package org.lora4j.backend.tornado;

import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * A tensor's place in the backend's memory.
 *
 * @param memory whose place it is
 * @param offset first element
 * @param length elements
 */
record Block(DeviceMemory memory, int offset, int length) implements Buffer {

    @Override
    public long capacity() {
        return length;
    }

    /** Two blocks are the same only if they are one object: the garbage collector gives the place back when that goes. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    static int offset(Tensor tensor) {
        return ((Block) tensor.buffer()).offset;
    }

    static int offset(MatrixView view) {
        return Math.toIntExact(offset(view.tensor()) + view.offset());
    }
}
