package org.lora4j.tensor;

/**
 * Floating-point numbers of a {@link Shape}, in a {@link Buffer} that belongs to a backend.
 *
 * <p>The precision is the backend's: {@code double} on {@code reference}, {@code float} on {@code cpu} and
 * {@code tornado}. A tensor occupies the first {@code shape().size()} elements of its buffer, which may be larger and
 * may be shared with other tensors: {@link #as(Shape)} looks at the same memory with another shape.
 */
public final class Tensor extends Held {

    /** For backends; everyone else calls {@code Backend.allocate}. */
    public Tensor(Shape shape, Buffer buffer) {
        super(shape, buffer);
    }

    /** How many numbers it has. */
    public long size() {
        return shape().size();
    }

    /** The rows of this tensor seen as a matrix: every extent but the last. */
    public int rows() {
        return shape().rows();
    }

    /** The columns of this tensor seen as a matrix: its last extent. */
    public int columns() {
        return shape().columns();
    }

    /** The same memory from its start under another shape, which may be smaller. Nothing is copied. */
    public Tensor as(Shape other) {
        return new Tensor(other, buffer());
    }

    /** The whole tensor as a matrix of {@link #rows()} × {@link #columns()}. */
    public MatrixView matrix() {
        return new MatrixView(this, 0, rows(), columns(), columns(), false);
    }

    /** The columns {@code from} to {@code from + count − 1} of every row, without a copy: q, k or v of a fused product. */
    public MatrixView columns(int from, int count) {
        return matrix().columns(from, count);
    }

    /** The rows {@code from} to {@code from + count − 1}, without a copy. */
    public MatrixView rows(int from, int count) {
        return matrix().rows(from, count);
    }

    @Override
    public String toString() {
        return "Tensor" + shape();
    }
}
