package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.FLOATS;
import static org.lora4j.backend.cpu.Gemm.LANES;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loops of the matrix product: a tile of 12 or 6 rows × 2 vectors of c stays in registers while k runs.
 *
 * <pre>
 *   tile[i, j] ← Σ over p = 0 … depth − 1, in this order, of a[i, p]·b[p, j]      each step one fma
 * </pre>
 *
 * <p>12 × 2 accumulators, two vectors of b and one broadcast element of a fill 27 of the 32 registers that 512-bit
 * machines have; 6 × 2 fits the 16 of the others. Each step loads 14 (8) times for 24 (12) fma, and there are enough
 * independent sums to hide the latency of the fma units.
 *
 * <p>Both operands lie k-major: b is read as {@code b[bo + p·bStride]} and the next 2·LANES − 1 elements, element (i, p) of
 * a at {@code ao + p·aStride + i}. In {@link Panels} the distances are constants, which saves the loop some arithmetic. The
 * tile is written to {@code tile[to]} onward, row i at {@code to + i·tStride}.
 *
 * <p>The statements are written out because the compiler keeps only local variables in registers.
 */
final class Tiles {

    /** Rows of the smaller tile. */
    static final int HALF = 6;

    private Tiles() {
    }

    static void rows12(
            int depth, float[] a, int ao, int aStride, float[] b, int bo, int bStride, float[] tile, int to, int tStride) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector t0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector t1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector t2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector t3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector t4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector t5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        FloatVector t6 = FloatVector.zero(FLOATS);
        FloatVector s7 = FloatVector.zero(FLOATS);
        FloatVector t7 = FloatVector.zero(FLOATS);
        FloatVector s8 = FloatVector.zero(FLOATS);
        FloatVector t8 = FloatVector.zero(FLOATS);
        FloatVector s9 = FloatVector.zero(FLOATS);
        FloatVector t9 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector t10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector t11 = FloatVector.zero(FLOATS);
        for (int p = 0; p < depth; p++) {
            int bi = bo + p * bStride;
            int ai = ao + p * aStride;
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bi);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bi + LANES);
            FloatVector x0 = FloatVector.broadcast(FLOATS, a[ai]);
            s0 = x0.fma(b0, s0);
            t0 = x0.fma(b1, t0);
            FloatVector x1 = FloatVector.broadcast(FLOATS, a[ai + 1]);
            s1 = x1.fma(b0, s1);
            t1 = x1.fma(b1, t1);
            FloatVector x2 = FloatVector.broadcast(FLOATS, a[ai + 2]);
            s2 = x2.fma(b0, s2);
            t2 = x2.fma(b1, t2);
            FloatVector x3 = FloatVector.broadcast(FLOATS, a[ai + 3]);
            s3 = x3.fma(b0, s3);
            t3 = x3.fma(b1, t3);
            FloatVector x4 = FloatVector.broadcast(FLOATS, a[ai + 4]);
            s4 = x4.fma(b0, s4);
            t4 = x4.fma(b1, t4);
            FloatVector x5 = FloatVector.broadcast(FLOATS, a[ai + 5]);
            s5 = x5.fma(b0, s5);
            t5 = x5.fma(b1, t5);
            FloatVector x6 = FloatVector.broadcast(FLOATS, a[ai + 6]);
            s6 = x6.fma(b0, s6);
            t6 = x6.fma(b1, t6);
            FloatVector x7 = FloatVector.broadcast(FLOATS, a[ai + 7]);
            s7 = x7.fma(b0, s7);
            t7 = x7.fma(b1, t7);
            FloatVector x8 = FloatVector.broadcast(FLOATS, a[ai + 8]);
            s8 = x8.fma(b0, s8);
            t8 = x8.fma(b1, t8);
            FloatVector x9 = FloatVector.broadcast(FLOATS, a[ai + 9]);
            s9 = x9.fma(b0, s9);
            t9 = x9.fma(b1, t9);
            FloatVector x10 = FloatVector.broadcast(FLOATS, a[ai + 10]);
            s10 = x10.fma(b0, s10);
            t10 = x10.fma(b1, t10);
            FloatVector x11 = FloatVector.broadcast(FLOATS, a[ai + 11]);
            s11 = x11.fma(b0, s11);
            t11 = x11.fma(b1, t11);
        }
        s0.intoArray(tile, to);
        t0.intoArray(tile, to + LANES);
        s1.intoArray(tile, to + tStride);
        t1.intoArray(tile, to + tStride + LANES);
        s2.intoArray(tile, to + 2 * tStride);
        t2.intoArray(tile, to + 2 * tStride + LANES);
        s3.intoArray(tile, to + 3 * tStride);
        t3.intoArray(tile, to + 3 * tStride + LANES);
        s4.intoArray(tile, to + 4 * tStride);
        t4.intoArray(tile, to + 4 * tStride + LANES);
        s5.intoArray(tile, to + 5 * tStride);
        t5.intoArray(tile, to + 5 * tStride + LANES);
        s6.intoArray(tile, to + 6 * tStride);
        t6.intoArray(tile, to + 6 * tStride + LANES);
        s7.intoArray(tile, to + 7 * tStride);
        t7.intoArray(tile, to + 7 * tStride + LANES);
        s8.intoArray(tile, to + 8 * tStride);
        t8.intoArray(tile, to + 8 * tStride + LANES);
        s9.intoArray(tile, to + 9 * tStride);
        t9.intoArray(tile, to + 9 * tStride + LANES);
        s10.intoArray(tile, to + 10 * tStride);
        t10.intoArray(tile, to + 10 * tStride + LANES);
        s11.intoArray(tile, to + 11 * tStride);
        t11.intoArray(tile, to + 11 * tStride + LANES);
    }

    static void rows12OfPanels(
            int depth, float[] a, int ao, float[] b, int bo, float[] tile, int to, int tStride) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector t0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector t1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector t2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector t3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector t4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector t5 = FloatVector.zero(FLOATS);
        FloatVector s6 = FloatVector.zero(FLOATS);
        FloatVector t6 = FloatVector.zero(FLOATS);
        FloatVector s7 = FloatVector.zero(FLOATS);
        FloatVector t7 = FloatVector.zero(FLOATS);
        FloatVector s8 = FloatVector.zero(FLOATS);
        FloatVector t8 = FloatVector.zero(FLOATS);
        FloatVector s9 = FloatVector.zero(FLOATS);
        FloatVector t9 = FloatVector.zero(FLOATS);
        FloatVector s10 = FloatVector.zero(FLOATS);
        FloatVector t10 = FloatVector.zero(FLOATS);
        FloatVector s11 = FloatVector.zero(FLOATS);
        FloatVector t11 = FloatVector.zero(FLOATS);
        for (int p = 0; p < depth; p++) {
            int bi = bo + p * COLUMNS;
            int ai = ao + p * ROWS;
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bi);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bi + LANES);
            FloatVector x0 = FloatVector.broadcast(FLOATS, a[ai]);
            s0 = x0.fma(b0, s0);
            t0 = x0.fma(b1, t0);
            FloatVector x1 = FloatVector.broadcast(FLOATS, a[ai + 1]);
            s1 = x1.fma(b0, s1);
            t1 = x1.fma(b1, t1);
            FloatVector x2 = FloatVector.broadcast(FLOATS, a[ai + 2]);
            s2 = x2.fma(b0, s2);
            t2 = x2.fma(b1, t2);
            FloatVector x3 = FloatVector.broadcast(FLOATS, a[ai + 3]);
            s3 = x3.fma(b0, s3);
            t3 = x3.fma(b1, t3);
            FloatVector x4 = FloatVector.broadcast(FLOATS, a[ai + 4]);
            s4 = x4.fma(b0, s4);
            t4 = x4.fma(b1, t4);
            FloatVector x5 = FloatVector.broadcast(FLOATS, a[ai + 5]);
            s5 = x5.fma(b0, s5);
            t5 = x5.fma(b1, t5);
            FloatVector x6 = FloatVector.broadcast(FLOATS, a[ai + 6]);
            s6 = x6.fma(b0, s6);
            t6 = x6.fma(b1, t6);
            FloatVector x7 = FloatVector.broadcast(FLOATS, a[ai + 7]);
            s7 = x7.fma(b0, s7);
            t7 = x7.fma(b1, t7);
            FloatVector x8 = FloatVector.broadcast(FLOATS, a[ai + 8]);
            s8 = x8.fma(b0, s8);
            t8 = x8.fma(b1, t8);
            FloatVector x9 = FloatVector.broadcast(FLOATS, a[ai + 9]);
            s9 = x9.fma(b0, s9);
            t9 = x9.fma(b1, t9);
            FloatVector x10 = FloatVector.broadcast(FLOATS, a[ai + 10]);
            s10 = x10.fma(b0, s10);
            t10 = x10.fma(b1, t10);
            FloatVector x11 = FloatVector.broadcast(FLOATS, a[ai + 11]);
            s11 = x11.fma(b0, s11);
            t11 = x11.fma(b1, t11);
        }
        s0.intoArray(tile, to);
        t0.intoArray(tile, to + LANES);
        s1.intoArray(tile, to + tStride);
        t1.intoArray(tile, to + tStride + LANES);
        s2.intoArray(tile, to + 2 * tStride);
        t2.intoArray(tile, to + 2 * tStride + LANES);
        s3.intoArray(tile, to + 3 * tStride);
        t3.intoArray(tile, to + 3 * tStride + LANES);
        s4.intoArray(tile, to + 4 * tStride);
        t4.intoArray(tile, to + 4 * tStride + LANES);
        s5.intoArray(tile, to + 5 * tStride);
        t5.intoArray(tile, to + 5 * tStride + LANES);
        s6.intoArray(tile, to + 6 * tStride);
        t6.intoArray(tile, to + 6 * tStride + LANES);
        s7.intoArray(tile, to + 7 * tStride);
        t7.intoArray(tile, to + 7 * tStride + LANES);
        s8.intoArray(tile, to + 8 * tStride);
        t8.intoArray(tile, to + 8 * tStride + LANES);
        s9.intoArray(tile, to + 9 * tStride);
        t9.intoArray(tile, to + 9 * tStride + LANES);
        s10.intoArray(tile, to + 10 * tStride);
        t10.intoArray(tile, to + 10 * tStride + LANES);
        s11.intoArray(tile, to + 11 * tStride);
        t11.intoArray(tile, to + 11 * tStride + LANES);
    }

    static void rows6(
            int depth, float[] a, int ao, int aStride, float[] b, int bo, int bStride, float[] tile, int to, int tStride) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector t0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector t1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector t2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector t3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector t4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector t5 = FloatVector.zero(FLOATS);
        for (int p = 0; p < depth; p++) {
            int bi = bo + p * bStride;
            int ai = ao + p * aStride;
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bi);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bi + LANES);
            FloatVector x0 = FloatVector.broadcast(FLOATS, a[ai]);
            s0 = x0.fma(b0, s0);
            t0 = x0.fma(b1, t0);
            FloatVector x1 = FloatVector.broadcast(FLOATS, a[ai + 1]);
            s1 = x1.fma(b0, s1);
            t1 = x1.fma(b1, t1);
            FloatVector x2 = FloatVector.broadcast(FLOATS, a[ai + 2]);
            s2 = x2.fma(b0, s2);
            t2 = x2.fma(b1, t2);
            FloatVector x3 = FloatVector.broadcast(FLOATS, a[ai + 3]);
            s3 = x3.fma(b0, s3);
            t3 = x3.fma(b1, t3);
            FloatVector x4 = FloatVector.broadcast(FLOATS, a[ai + 4]);
            s4 = x4.fma(b0, s4);
            t4 = x4.fma(b1, t4);
            FloatVector x5 = FloatVector.broadcast(FLOATS, a[ai + 5]);
            s5 = x5.fma(b0, s5);
            t5 = x5.fma(b1, t5);
        }
        s0.intoArray(tile, to);
        t0.intoArray(tile, to + LANES);
        s1.intoArray(tile, to + tStride);
        t1.intoArray(tile, to + tStride + LANES);
        s2.intoArray(tile, to + 2 * tStride);
        t2.intoArray(tile, to + 2 * tStride + LANES);
        s3.intoArray(tile, to + 3 * tStride);
        t3.intoArray(tile, to + 3 * tStride + LANES);
        s4.intoArray(tile, to + 4 * tStride);
        t4.intoArray(tile, to + 4 * tStride + LANES);
        s5.intoArray(tile, to + 5 * tStride);
        t5.intoArray(tile, to + 5 * tStride + LANES);
    }

    static void rows6OfPanels(
            int depth, float[] a, int ao, float[] b, int bo, float[] tile, int to, int tStride) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector t0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        FloatVector t1 = FloatVector.zero(FLOATS);
        FloatVector s2 = FloatVector.zero(FLOATS);
        FloatVector t2 = FloatVector.zero(FLOATS);
        FloatVector s3 = FloatVector.zero(FLOATS);
        FloatVector t3 = FloatVector.zero(FLOATS);
        FloatVector s4 = FloatVector.zero(FLOATS);
        FloatVector t4 = FloatVector.zero(FLOATS);
        FloatVector s5 = FloatVector.zero(FLOATS);
        FloatVector t5 = FloatVector.zero(FLOATS);
        for (int p = 0; p < depth; p++) {
            int bi = bo + p * COLUMNS;
            int ai = ao + p * ROWS;
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, bi);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, bi + LANES);
            FloatVector x0 = FloatVector.broadcast(FLOATS, a[ai]);
            s0 = x0.fma(b0, s0);
            t0 = x0.fma(b1, t0);
            FloatVector x1 = FloatVector.broadcast(FLOATS, a[ai + 1]);
            s1 = x1.fma(b0, s1);
            t1 = x1.fma(b1, t1);
            FloatVector x2 = FloatVector.broadcast(FLOATS, a[ai + 2]);
            s2 = x2.fma(b0, s2);
            t2 = x2.fma(b1, t2);
            FloatVector x3 = FloatVector.broadcast(FLOATS, a[ai + 3]);
            s3 = x3.fma(b0, s3);
            t3 = x3.fma(b1, t3);
            FloatVector x4 = FloatVector.broadcast(FLOATS, a[ai + 4]);
            s4 = x4.fma(b0, s4);
            t4 = x4.fma(b1, t4);
            FloatVector x5 = FloatVector.broadcast(FLOATS, a[ai + 5]);
            s5 = x5.fma(b0, s5);
            t5 = x5.fma(b1, t5);
        }
        s0.intoArray(tile, to);
        t0.intoArray(tile, to + LANES);
        s1.intoArray(tile, to + tStride);
        t1.intoArray(tile, to + tStride + LANES);
        s2.intoArray(tile, to + 2 * tStride);
        t2.intoArray(tile, to + 2 * tStride + LANES);
        s3.intoArray(tile, to + 3 * tStride);
        t3.intoArray(tile, to + 3 * tStride + LANES);
        s4.intoArray(tile, to + 4 * tStride);
        t4.intoArray(tile, to + 4 * tStride + LANES);
        s5.intoArray(tile, to + 5 * tStride);
        t5.intoArray(tile, to + 5 * tStride + LANES);
    }
}
