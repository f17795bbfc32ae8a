package org.lora4j.tensor;

/**
 * Whole numbers on a backend: token ids, target ids, attention masks, row numbers. Like {@link Tensor} it may occupy
 * only the beginning of its buffer.
 */
public final class IntTensor extends Held {

    /** For backends; everyone else calls {@code Backend.allocateInts}. */
    public IntTensor(Shape shape, Buffer buffer) {
        super(shape, buffer);
    }

    /** How many numbers it has. */
    public int size() {
        return Math.toIntExact(shape().size());
    }

    /** The same memory from its start under another shape, which may be smaller. Nothing is copied. */
    public IntTensor as(Shape other) {
        return new IntTensor(other, buffer());
    }

    @Override
    public String toString() {
        return "IntTensor" + shape();
    }
}
