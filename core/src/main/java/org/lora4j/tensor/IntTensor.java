package org.lora4j.tensor;

/**
 * Whole numbers on a backend: token ids, target ids, attention masks, row numbers. Like {@link Tensor} it may occupy
 * only the beginning of its buffer.
 */
public final class IntTensor {

    private final Shape shape;
    private final Buffer buffer;

    /** For backends; everyone else calls {@code Backend.allocateInts}. */
    public IntTensor(Shape shape, Buffer buffer) {
        if (shape.size() > buffer.capacity()) {
            throw new IllegalArgumentException(
                    "a tensor of shape " + shape + " needs " + shape.size() + " elements, its buffer holds " + buffer.capacity());
        }
        this.shape = shape;
        this.buffer = buffer;
    }

    public Shape shape() {
        return shape;
    }

    public Buffer buffer() {
        return buffer;
    }

    public int size() {
        return Math.toIntExact(shape.size());
    }

    /** The same memory from its start under another shape, which may be smaller. Nothing is copied. */
    public IntTensor as(Shape other) {
        return new IntTensor(other, buffer);
    }

    @Override
    public String toString() {
        return "IntTensor" + shape;
    }
}
