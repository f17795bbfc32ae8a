package org.lora4j.io;

import org.lora4j.tensor.Shape;

/**
 * What a file says about one tensor.
 *
 * @param name     its key
 * @param dtype    the type of its elements in the file
 * @param shape    its extents, outermost first; data is row-major
 * @param offset   where its bytes begin, counted from the beginning of the file that holds them
 * @param byteSize how many bytes it has there, {@code shape.size() · dtype.bytes()}
 */
public record TensorInfo(String name, DType dtype, Shape shape, long offset, long byteSize) {

    /** The number of elements. */
    public long size() {
        return shape.size();
    }
}
