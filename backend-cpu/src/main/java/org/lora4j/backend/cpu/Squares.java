package org.lora4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The transpose of a matrix, in squares of 8 × 8 or 4 × 4 that stay in registers: dst[to + j·toStride + i] ← src[from +
 * i·stride + j].
 *
 * <p>A square is turned in steps: at distance d, rows i and i + d change the half of one against the other half of the
 * other, for d = 4, 2, 1. What is to be changed is blended into one vector, so that a single shuffle moves both ways.
 */
final class Squares {

    private static final VectorSpecies<Float> F8 = FloatVector.SPECIES_256;
    private static final VectorSpecies<Float> F4 = FloatVector.SPECIES_128;

    private static final VectorMask<Float> UPPER4_OF_8 = upper(F8, 4);
    private static final VectorShuffle<Float> SWAP4_OF_8 = swap(F8, 4);
    private static final VectorMask<Float> UPPER2_OF_8 = upper(F8, 2);
    private static final VectorShuffle<Float> SWAP2_OF_8 = swap(F8, 2);
    private static final VectorMask<Float> UPPER1_OF_8 = upper(F8, 1);
    private static final VectorShuffle<Float> SWAP1_OF_8 = swap(F8, 1);
    private static final VectorMask<Float> UPPER2_OF_4 = upper(F4, 2);
    private static final VectorShuffle<Float> SWAP2_OF_4 = swap(F4, 2);
    private static final VectorMask<Float> UPPER1_OF_4 = upper(F4, 1);
    private static final VectorShuffle<Float> SWAP1_OF_4 = swap(F4, 1);

    private Squares() {
    }

    /** Lanes whose number has the bit {@code distance}. */
    private static VectorMask<Float> upper(VectorSpecies<Float> species, int distance) {
        long lanes = 0;
        for (int lane = 0; lane < species.length(); lane++) {
            lanes |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(species, lanes);
    }

    private static VectorShuffle<Float> swap(VectorSpecies<Float> species, int distance) {
        return VectorShuffle.fromOp(species, lane -> lane ^ distance);
    }

    /** Rows and columns are multiples of 8. */
    static void transpose8(float[] src, int from, int stride, int rows, int columns, float[] dst, int to, int toStride) {
        VectorMask<Float> upper4 = UPPER4_OF_8;
        VectorShuffle<Float> swap4 = SWAP4_OF_8;
        VectorMask<Float> upper2 = UPPER2_OF_8;
        VectorShuffle<Float> swap2 = SWAP2_OF_8;
        VectorMask<Float> upper1 = UPPER1_OF_8;
        VectorShuffle<Float> swap1 = SWAP1_OF_8;
        for (int i = 0; i < rows; i += 8) {
            for (int j = 0; j < columns; j += 8) {
                square8(src, from + i * stride + j, stride, dst, to + j * toStride + i, toStride, upper4, swap4, upper2, swap2, upper1, swap1);
            }
        }
    }

    private static void square8(
            float[] src, int from, int stride, float[] dst, int to, int toStride, VectorMask<Float> upper4, VectorShuffle<Float> swap4, VectorMask<Float> upper2, VectorShuffle<Float> swap2, VectorMask<Float> upper1, VectorShuffle<Float> swap1) {
        FloatVector x0 = FloatVector.fromArray(F8, src, from);
        FloatVector x1 = FloatVector.fromArray(F8, src, from + stride);
        FloatVector x2 = FloatVector.fromArray(F8, src, from + 2 * stride);
        FloatVector x3 = FloatVector.fromArray(F8, src, from + 3 * stride);
        FloatVector x4 = FloatVector.fromArray(F8, src, from + 4 * stride);
        FloatVector x5 = FloatVector.fromArray(F8, src, from + 5 * stride);
        FloatVector x6 = FloatVector.fromArray(F8, src, from + 6 * stride);
        FloatVector x7 = FloatVector.fromArray(F8, src, from + 7 * stride);
        FloatVector t = x4.blend(x0, upper4).rearrange(swap4);
        x0 = x0.blend(t, upper4);
        x4 = t.blend(x4, upper4);
        t = x5.blend(x1, upper4).rearrange(swap4);
        x1 = x1.blend(t, upper4);
        x5 = t.blend(x5, upper4);
        t = x6.blend(x2, upper4).rearrange(swap4);
        x2 = x2.blend(t, upper4);
        x6 = t.blend(x6, upper4);
        t = x7.blend(x3, upper4).rearrange(swap4);
        x3 = x3.blend(t, upper4);
        x7 = t.blend(x7, upper4);
        t = x2.blend(x0, upper2).rearrange(swap2);
        x0 = x0.blend(t, upper2);
        x2 = t.blend(x2, upper2);
        t = x3.blend(x1, upper2).rearrange(swap2);
        x1 = x1.blend(t, upper2);
        x3 = t.blend(x3, upper2);
        t = x6.blend(x4, upper2).rearrange(swap2);
        x4 = x4.blend(t, upper2);
        x6 = t.blend(x6, upper2);
        t = x7.blend(x5, upper2).rearrange(swap2);
        x5 = x5.blend(t, upper2);
        x7 = t.blend(x7, upper2);
        t = x1.blend(x0, upper1).rearrange(swap1);
        x0 = x0.blend(t, upper1);
        x1 = t.blend(x1, upper1);
        t = x3.blend(x2, upper1).rearrange(swap1);
        x2 = x2.blend(t, upper1);
        x3 = t.blend(x3, upper1);
        t = x5.blend(x4, upper1).rearrange(swap1);
        x4 = x4.blend(t, upper1);
        x5 = t.blend(x5, upper1);
        t = x7.blend(x6, upper1).rearrange(swap1);
        x6 = x6.blend(t, upper1);
        x7 = t.blend(x7, upper1);
        x0.intoArray(dst, to);
        x1.intoArray(dst, to + toStride);
        x2.intoArray(dst, to + 2 * toStride);
        x3.intoArray(dst, to + 3 * toStride);
        x4.intoArray(dst, to + 4 * toStride);
        x5.intoArray(dst, to + 5 * toStride);
        x6.intoArray(dst, to + 6 * toStride);
        x7.intoArray(dst, to + 7 * toStride);
    }

    /** Rows and columns are multiples of 4. */
    static void transpose4(float[] src, int from, int stride, int rows, int columns, float[] dst, int to, int toStride) {
        VectorMask<Float> upper2 = UPPER2_OF_4;
        VectorShuffle<Float> swap2 = SWAP2_OF_4;
        VectorMask<Float> upper1 = UPPER1_OF_4;
        VectorShuffle<Float> swap1 = SWAP1_OF_4;
        for (int i = 0; i < rows; i += 4) {
            for (int j = 0; j < columns; j += 4) {
                square4(src, from + i * stride + j, stride, dst, to + j * toStride + i, toStride, upper2, swap2, upper1, swap1);
            }
        }
    }

    private static void square4(
            float[] src, int from, int stride, float[] dst, int to, int toStride, VectorMask<Float> upper2, VectorShuffle<Float> swap2, VectorMask<Float> upper1, VectorShuffle<Float> swap1) {
        FloatVector x0 = FloatVector.fromArray(F4, src, from);
        FloatVector x1 = FloatVector.fromArray(F4, src, from + stride);
        FloatVector x2 = FloatVector.fromArray(F4, src, from + 2 * stride);
        FloatVector x3 = FloatVector.fromArray(F4, src, from + 3 * stride);
        FloatVector t = x2.blend(x0, upper2).rearrange(swap2);
        x0 = x0.blend(t, upper2);
        x2 = t.blend(x2, upper2);
        t = x3.blend(x1, upper2).rearrange(swap2);
        x1 = x1.blend(t, upper2);
        x3 = t.blend(x3, upper2);
        t = x1.blend(x0, upper1).rearrange(swap1);
        x0 = x0.blend(t, upper1);
        x1 = t.blend(x1, upper1);
        t = x3.blend(x2, upper1).rearrange(swap1);
        x2 = x2.blend(t, upper1);
        x3 = t.blend(x3, upper1);
        x0.intoArray(dst, to);
        x1.intoArray(dst, to + toStride);
        x2.intoArray(dst, to + 2 * toStride);
        x3.intoArray(dst, to + 3 * toStride);
    }
}
