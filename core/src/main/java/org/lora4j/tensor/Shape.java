package org.lora4j.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The extents of a tensor, outermost first; data is row-major, so the last extent is contiguous.
 *
 * <p>A matrix is (rows, columns), a weight (out, in), an activation (B·T, C) with the batch and time axes folded into
 * its rows.
 */
public final class Shape {

    private final int[] extents;
    private final long size;

    private Shape(int[] extents) {
        this.extents = extents;
        long product = 1;
        for (int extent : extents) {
            if (extent < 0) {
                throw new IllegalArgumentException("a shape's extents are not negative, found " + Arrays.toString(extents));
            }
            product = Math.multiplyExact(product, (long) extent);
        }
        this.size = product;
    }

    /** The shape with these extents, outermost first; none at all is a scalar of size 1. */
    public static Shape of(int... extents) {
        return new Shape(extents.clone());
    }

    /** How many extents it has. */
    public int rank() {
        return extents.length;
    }

    /** The extent of one axis; negative axes count from the last, so {@code dim(-1)} is the contiguous one. */
    public int dim(int axis) {
        return extents[axis < 0 ? axis + extents.length : axis];
    }

    /** The number of elements, the product of all extents. */
    public long size() {
        return size;
    }

    /** All extents but the last, multiplied: the rows of this shape seen as a matrix. */
    public int rows() {
        return extents.length == 0 ? 1 : extents[extents.length - 1] == 0 ? 0 : Math.toIntExact(size / dim(-1));
    }

    /** The last extent: the columns of this shape seen as a matrix. */
    public int columns() {
        return extents.length == 0 ? 1 : dim(-1);
    }

    /** The extents, in an array of their own. */
    public int[] toArray() {
        return extents.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(extents);
    }

    /** As the field writes it: {@code (768, 3072)}. */
    @Override
    public String toString() {
        return Arrays.stream(extents).mapToObj(Integer::toString).collect(Collectors.joining(", ", "(", ")"));
    }
}
