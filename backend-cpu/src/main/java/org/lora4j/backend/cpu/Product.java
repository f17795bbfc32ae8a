package org.lora4j.backend.cpu;

/**
 * The operands of one matrix product, c ← alpha·op(a)·op(b) + beta·c or alpha·op(a)·op(b) + bias, as arrays, offsets and
 * row strides. One instance is filled again for every product, so that a call allocates nothing.
 */
final class Product {

    /** Rows of op(a) and c. */
    int m;
    /** Columns of op(b) and c. */
    int n;
    /** Columns of op(a), rows of op(b). */
    int k;

    float[] a;
    int aOffset;
    int aStride;
    boolean aTransposed;

    /** The right operand, or null where it is {@link #weights}. */
    float[] b;
    int bOffset;
    int bStride;
    boolean bTransposed;

    /** A weight in a smaller type that is b or, transposed, bᵀ: its rows from this one on. Or null. */
    CompressedWeights weights;
    int weightRow;

    float[] c;
    int cOffset;
    /** From one row of op(a)·op(b) to the next. */
    int cStride;
    /** From one column of op(a)·op(b) to the next: 1 unless the product is computed {@link #flip flipped}. */
    int cColumnStride;

    float alpha;
    float beta;
    /** One number for each column of c, or null. Where there is one, beta is not looked at. */
    float[] bias;

    /** The same product seen as cᵀ ← alpha·op(b)ᵀ·op(a)ᵀ + beta·cᵀ. Not for products with a bias. */
    void flip() {
        float[] array = a;
        int offset = aOffset;
        int stride = aStride;
        boolean transposed = aTransposed;
        a = b;
        aOffset = bOffset;
        aStride = bStride;
        aTransposed = !bTransposed;
        b = array;
        bOffset = offset;
        bStride = stride;
        bTransposed = !transposed;
        int size = m;
        m = n;
        n = size;
        int step = cStride;
        cStride = cColumnStride;
        cColumnStride = step;
    }

    /** Lets go of the arrays. */
    void clear() {
        a = null;
        b = null;
        weights = null;
        c = null;
        bias = null;
    }
}
