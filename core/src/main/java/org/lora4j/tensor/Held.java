package org.lora4j.tensor;

/** Numbers of a {@link Shape} at the beginning of a {@link Buffer}, which may be larger. */
abstract sealed class Held permits Tensor, IntTensor {

    private final Shape shape;
    private final Buffer buffer;

    Held(Shape shape, Buffer buffer) {
        if (shape.size() > buffer.capacity()) {
            throw new IllegalArgumentException(
                    "a tensor of shape " + shape + " needs " + shape.size() + " elements, its buffer holds " + buffer.capacity());
        }
        this.shape = shape;
        this.buffer = buffer;
    }

    /** Its extents. */
    public final Shape shape() {
        return shape;
    }

    /** Where its numbers are. */
    public final Buffer buffer() {
        return buffer;
    }
}
