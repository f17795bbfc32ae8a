package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Scalar products of rows with rows: x·yᵀ where one of the two has few rows. Both are read once, in place, as they lie in
 * memory, which is what a decoding step (one row of x, all of W) and the way down to a small rank need.
 *
 * <p>Order of summation: lane l sums the products with p ≡ l (mod LANES) by a chain of fma; the lanes are then added
 * pairwise at distance LANES/2, …, 2, 1. The lanes are shuffled by hand because {@code reduceLanes} may add in another
 * order once it is compiled. |error| ≤ (k/LANES + 1 + log₂ LANES)·u·Σ|xᵢ·yᵢ|.
 */
final class Dots {

    /** Rows of x and of y in one block. */
    static final int BLOCK = 4;
    /** Rows of y in one block when x has one row. */
    static final int LONG_BLOCK = 8;

    private static final VectorShuffle<Float> DISTANCE_8 = distance(8);
    private static final VectorShuffle<Float> DISTANCE_4 = distance(4);
    private static final VectorShuffle<Float> DISTANCE_2 = distance(2);
    private static final VectorShuffle<Float> DISTANCE_1 = distance(1);

    private static final VectorMask<Float> UPPER_8 = upper(8);
    private static final VectorMask<Float> UPPER_4 = upper(4);
    private static final VectorMask<Float> UPPER_2 = upper(2);
    private static final VectorMask<Float> UPPER_1 = upper(1);

    private Dots() {
    }

    /** Lanes whose number has the bit {@code distance}. */
    private static VectorMask<Float> upper(int distance) {
        long lanes = 0;
        for (int lane = 0; lane < LANES; lane++) {
            lanes |= (lane & distance) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(FLOATS, lanes);
    }

    private static VectorShuffle<Float> distance(int distance) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane ^ distance) & (LANES - 1));
    }

    /**
     * sums[at + i] ← the sum of the lanes of vector i, for i &lt; count. A method of its own, because the compiler stops
     * inlining in one that has the blocks' many vectors already.
     *
     * <p>LANES vectors are added up together: at distance d, the upper lanes of vector i change places with the lower ones of
     * vector i + d, so that one addition serves both, and in the end lane i has the sum of vector i. What is added to what is
     * the same as for one alone.
     */
    static void addLanes(float[] sums, int at, int count) {
        int done = 0;
        for (; done + LANES <= count; done += LANES) {
            int from = at + done * LANES;
            if (LANES == 16) {
                foldTwice(sums, from, 8, UPPER_8, DISTANCE_8, UPPER_4, DISTANCE_4);
                foldTwice(sums, from, 2, UPPER_2, DISTANCE_2, UPPER_1, DISTANCE_1);
            } else if (LANES == 8) {
                foldTwice(sums, from, 4, UPPER_4, DISTANCE_4, UPPER_2, DISTANCE_2);
                FloatVector x = FloatVector.fromArray(FLOATS, sums, from);
                fold(x, FloatVector.fromArray(FLOATS, sums, from + LANES), UPPER_1, DISTANCE_1).intoArray(sums, from);
            } else {
                foldTwice(sums, from, 2, UPPER_2, DISTANCE_2, UPPER_1, DISTANCE_1);
            }
            FloatVector.fromArray(FLOATS, sums, from).intoArray(sums, at + done);
        }
        for (int i = done; i < count; i++) {
            sums[at + i] = total(FloatVector.fromArray(FLOATS, sums, at + i * LANES));
        }
    }

    /** Vector i ← vectors i and i + distance folded, and this folded with i + ½ distance and i + 1½ distance. */
    private static void foldTwice(
            float[] sums, int from, int distance, VectorMask<Float> upper, VectorShuffle<Float> swap,
            VectorMask<Float> upperOfHalf, VectorShuffle<Float> swapOfHalf) {
        int half = distance / 2;
        for (int i = 0; i < half; i++) {
            int at = from + i * LANES;
            FloatVector x = fold(
                    FloatVector.fromArray(FLOATS, sums, at), FloatVector.fromArray(FLOATS, sums, at + distance * LANES), upper,
                    swap);
            FloatVector y = fold(
                    FloatVector.fromArray(FLOATS, sums, at + half * LANES),
                    FloatVector.fromArray(FLOATS, sums, at + (half + distance) * LANES), upper, swap);
            fold(x, y, upperOfHalf, swapOfHalf).intoArray(sums, at);
        }
    }

    /** At the distance of the swap: the sums of x in the lower lanes and of y in the upper ones. */
    private static FloatVector fold(FloatVector x, FloatVector y, VectorMask<Float> upper, VectorShuffle<Float> swap) {
        return x.blend(y, upper).add(y.blend(x, upper).rearrange(swap));
    }

    private static float total(FloatVector lanes) {
        FloatVector sum = lanes;
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DISTANCE_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DISTANCE_4));
        }
        if (LANES > 2) {
            sum = sum.add(sum.rearrange(DISTANCE_2));
        }
        return sum.add(sum.rearrange(DISTANCE_1)).lane(0);
    }

    /**
     * Vector 4·i + j of sums, from {@code to} on, ← Σ over p of x[xo + i·xStride + p]·y[yo + j·yStride + p], lane by lane:
     * {@link #addLanes} finishes it. Rows past the last one repeat it.
     */
    static void fourByFour(
            int depth, float[] x, int xo, int xStride, int xLast, float[] y, int yo, int yStride, int yLast, float[] sums, int to) {
        int x0 = xo;
        int x1 = xo + Math.min(1, xLast) * xStride;
        int x2 = xo + Math.min(2, xLast) * xStride;
        int x3 = xo + Math.min(3, xLast) * xStride;
        int y0 = yo;
        int y1 = yo + Math.min(1, yLast) * yStride;
        int y2 = yo + Math.min(2, yLast) * yStride;
        int y3 = yo + Math.min(3, yLast) * yStride;
        FloatVector s00 = FloatVector.zero(FLOATS);
        FloatVector s01 = FloatVector.zero(FLOATS);
        FloatVector s02 = FloatVector.zero(FLOATS);
        FloatVector s03 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector s12 = FloatVector.zero(FLOATS);
        FloatVector s13 = FloatVector.zero(FLOATS);
        FloatVector s20 = FloatVector.zero(FLOATS);
        FloatVector s21 = FloatVector.zero(FLOATS);
        FloatVector s22 = FloatVector.zero(FLOATS);
        FloatVector s23 = FloatVector.zero(FLOATS);
        FloatVector s30 = FloatVector.zero(FLOATS);
        FloatVector s31 = FloatVector.zero(FLOATS);
        FloatVector s32 = FloatVector.zero(FLOATS);
        FloatVector s33 = FloatVector.zero(FLOATS);
        int p = 0;
        for (; p <= depth - LANES; p += LANES) {
            FloatVector b0 = FloatVector.fromArray(FLOATS, y, y0 + p);
            FloatVector b1 = FloatVector.fromArray(FLOATS, y, y1 + p);
            FloatVector b2 = FloatVector.fromArray(FLOATS, y, y2 + p);
            FloatVector b3 = FloatVector.fromArray(FLOATS, y, y3 + p);
            FloatVector a0 = FloatVector.fromArray(FLOATS, x, x0 + p);
            s00 = a0.fma(b0, s00);
            s01 = a0.fma(b1, s01);
            s02 = a0.fma(b2, s02);
            s03 = a0.fma(b3, s03);
            FloatVector a1 = FloatVector.fromArray(FLOATS, x, x1 + p);
            s10 = a1.fma(b0, s10);
            s11 = a1.fma(b1, s11);
            s12 = a1.fma(b2, s12);
            s13 = a1.fma(b3, s13);
            FloatVector a2 = FloatVector.fromArray(FLOATS, x, x2 + p);
            s20 = a2.fma(b0, s20);
            s21 = a2.fma(b1, s21);
            s22 = a2.fma(b2, s22);
            s23 = a2.fma(b3, s23);
            FloatVector a3 = FloatVector.fromArray(FLOATS, x, x3 + p);
            s30 = a3.fma(b0, s30);
            s31 = a3.fma(b1, s31);
            s32 = a3.fma(b2, s32);
            s33 = a3.fma(b3, s33);
        }
        s00.intoArray(sums, to);
        s01.intoArray(sums, to + 1 * LANES);
        s02.intoArray(sums, to + 2 * LANES);
        s03.intoArray(sums, to + 3 * LANES);
        s10.intoArray(sums, to + 4 * LANES);
        s11.intoArray(sums, to + 5 * LANES);
        s12.intoArray(sums, to + 6 * LANES);
        s13.intoArray(sums, to + 7 * LANES);
        s20.intoArray(sums, to + 8 * LANES);
        s21.intoArray(sums, to + 9 * LANES);
        s22.intoArray(sums, to + 10 * LANES);
        s23.intoArray(sums, to + 11 * LANES);
        s30.intoArray(sums, to + 12 * LANES);
        s31.intoArray(sums, to + 13 * LANES);
        s32.intoArray(sums, to + 14 * LANES);
        s33.intoArray(sums, to + 15 * LANES);
        if (p < depth) {
            addRest(p, depth, x, xo, xStride, xLast, y, yo, yStride, yLast, BLOCK, sums, to);
        }
    }

    /** Vector j of sums ← Σ over p of x[xo + p]·y[yo + j·yStride + p]: the bits of {@link #fourByFour}, for one row of x. */
    static void oneByEight(int depth, float[] x, int xo, float[] y, int yo, int yStride, int yLast, float[] sums, int to) {
        int y0 = yo;
        int y1 = yo + Math.min(1, yLast) * yStride;
        int y2 = yo + Math.min(2, yLast) * yStride;
        int y3 = yo + Math.min(3, yLast) * yStride;
        int y4 = yo + Math.min(4, yLast) * yStride;
        int y5 = yo + Math.min(5, yLast) * yStride;
        int y6 = yo + Math.min(6, yLast) * yStride;
        int y7 = yo + Math.min(7, yLast) * yStride;
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        FloatVector s7 = FloatVector.zero(FLOATS);
        int p = 0;
        for (; p <= depth - LANES; p += LANES) {
            FloatVector a = FloatVector.fromArray(FLOATS, x, xo + p);
            s0 = a.fma(FloatVector.fromArray(FLOATS, y, y0 + p), s0);
            s1 = a.fma(FloatVector.fromArray(FLOATS, y, y1 + p), s1);
            s2 = a.fma(FloatVector.fromArray(FLOATS, y, y2 + p), s2);
            s3 = a.fma(FloatVector.fromArray(FLOATS, y, y3 + p), s3);
            s4 = a.fma(FloatVector.fromArray(FLOATS, y, y4 + p), s4);
            s5 = a.fma(FloatVector.fromArray(FLOATS, y, y5 + p), s5);
            s6 = a.fma(FloatVector.fromArray(FLOATS, y, y6 + p), s6);
            s7 = a.fma(FloatVector.fromArray(FLOATS, y, y7 + p), s7);
        }
        s0.intoArray(sums, to);
        s1.intoArray(sums, to + 1 * LANES);
        s2.intoArray(sums, to + 2 * LANES);
        s3.intoArray(sums, to + 3 * LANES);
        s4.intoArray(sums, to + 4 * LANES);
        s5.intoArray(sums, to + 5 * LANES);
        s6.intoArray(sums, to + 6 * LANES);
        s7.intoArray(sums, to + 7 * LANES);
        if (p < depth) {
            addRest(p, depth, x, xo, 0, 0, y, yo, yStride, yLast, LONG_BLOCK, sums, to);
        }
    }

    /**
     * Vector width·i + j of sums += the products from {@code p} to {@code depth}, less than a vector of them. Not part of
     * the methods above: with it they would be past what C1 compiles with a profile ("out of virtual registers"), and a
     * method that was compiled without one while C2 had much to do would then stay so for good, its vectors on the heap.
     */
    private static void addRest(
            int p, int depth, float[] x, int xo, int xStride, int xLast, float[] y, int yo, int yStride, int yLast,
            int width, float[] sums, int to) {
        VectorMask<Float> rest = FLOATS.indexInRange(p, depth);
        for (int i = 0; i <= xLast; i++) {
            FloatVector a = FloatVector.fromArray(FLOATS, x, xo + i * xStride + p, rest);
            for (int j = 0; j <= yLast; j++) {
                int at = to + (i * width + j) * LANES;
                FloatVector b = FloatVector.fromArray(FLOATS, y, yo + j * yStride + p, rest);
                a.fma(b, FloatVector.fromArray(FLOATS, sums, at)).intoArray(sums, at);
            }
        }
    }
}
