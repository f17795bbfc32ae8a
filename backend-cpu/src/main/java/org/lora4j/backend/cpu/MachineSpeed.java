package org.lora4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Precision;

/**
 * The two roofs that every kernel lives under: how many multiply-adds the cores can do when their operands are in
 * registers, and how many bytes they can read when each is used once. Reached with the same vectors as the kernels'.
 */
public final class MachineSpeed implements AutoCloseable {

    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    /** Sums that do not wait for each other: two units with a latency of 4 or 5 need 10. */
    private static final int CHAINS = 12;
    private static final int ITERATIONS = 1 << 18;
    private static final int TASKS_A_THREAD = 8;

    /** 512 MiB in all, several times a large cache; one piece is one task. */
    private static final int PIECES = 64;
    private static final int PIECE = 1 << 21;

    private final Workers workers;
    private float[][] pieces;
    private volatile float sink;

    /** @param threads that work together; 0 for one per core */
    public MachineSpeed(int threads) {
        workers = new Workers(new BackendOptions(threads, Precision.STRICT).effectiveThreads());
    }

    /** Floating-point operations of one {@link #multiplyAdd}; a multiply-add is two. */
    public double operations() {
        return 2.0 * SPECIES.length() * CHAINS * ITERATIONS * TASKS_A_THREAD * workers.threads();
    }

    /** Multiply-adds on registers, on every thread. */
    public void multiplyAdd() {
        workers.run(TASKS_A_THREAD * workers.threads(), task -> sink = chains(task));
    }

    /** Bytes of one {@link #read}. */
    public double bytes() {
        return (double) Float.BYTES * PIECE * PIECES;
    }

    /** Reads {@link #bytes} once, adding them up. */
    public void read() {
        if (pieces == null) {
            pieces = new float[PIECES][PIECE];
        }
        workers.run(PIECES, task -> sink = sum(pieces[task]));
    }

    /**
     * s[i][j] ← s[i][j] + a[i]·b[j], again and again, as the tiles of a product do it. With the same two operands for all sums
     * some processors are slower than the products are.
     */
    private static float chains(int start) {
        FloatVector one = FloatVector.broadcast(SPECIES, start + 1);
        FloatVector b0 = one.mul(0x1p-20f);
        FloatVector b1 = one.mul(0x1p-21f);
        FloatVector a0 = one.mul(1);
        FloatVector a1 = one.mul(2);
        FloatVector a2 = one.mul(3);
        FloatVector a3 = one.mul(4);
        FloatVector a4 = one.mul(5);
        FloatVector a5 = one.mul(6);
        FloatVector s00 = one;
        FloatVector s01 = one;
        FloatVector s10 = one;
        FloatVector s11 = one;
        FloatVector s20 = one;
        FloatVector s21 = one;
        FloatVector s30 = one;
        FloatVector s31 = one;
        FloatVector s40 = one;
        FloatVector s41 = one;
        FloatVector s50 = one;
        FloatVector s51 = one;
        for (int n = 0; n < ITERATIONS; n++) {
            s00 = a0.fma(b0, s00);
            s01 = a0.fma(b1, s01);
            s10 = a1.fma(b0, s10);
            s11 = a1.fma(b1, s11);
            s20 = a2.fma(b0, s20);
            s21 = a2.fma(b1, s21);
            s30 = a3.fma(b0, s30);
            s31 = a3.fma(b1, s31);
            s40 = a4.fma(b0, s40);
            s41 = a4.fma(b1, s41);
            s50 = a5.fma(b0, s50);
            s51 = a5.fma(b1, s51);
        }
        return s00.add(s01).add(s10).add(s11).add(s20).add(s21).add(s30).add(s31).add(s40).add(s41).add(s50).add(s51)
                .reduceLanes(VectorOperators.ADD);
    }

    private static float sum(float[] x) {
        int lanes = SPECIES.length();
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int i = 0; i < x.length; i += 4 * lanes) { // a power of two, as are the lanes
            s0 = s0.add(FloatVector.fromArray(SPECIES, x, i));
            s1 = s1.add(FloatVector.fromArray(SPECIES, x, i + lanes));
            s2 = s2.add(FloatVector.fromArray(SPECIES, x, i + 2 * lanes));
            s3 = s3.add(FloatVector.fromArray(SPECIES, x, i + 3 * lanes));
        }
        return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
    }

    @Override
    public void close() {
        workers.close();
    }
}
