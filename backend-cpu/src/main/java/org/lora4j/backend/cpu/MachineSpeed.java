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

    /** Chains that do not wait for each other: two units with a latency of 4 or 5 need 10; with 2 constants they fit 16 registers. */
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

    /** x ← x + factor·plus, again and again: the form that the kernels have, so that no register has to be copied. */
    private static float chains(int start) {
        FloatVector factor = FloatVector.broadcast(SPECIES, 0x1p-20f);
        FloatVector plus = FloatVector.broadcast(SPECIES, start + 1);
        FloatVector x0 = plus;
        FloatVector x1 = plus.mul(2);
        FloatVector x2 = plus.mul(3);
        FloatVector x3 = plus.mul(4);
        FloatVector x4 = plus.mul(5);
        FloatVector x5 = plus.mul(6);
        FloatVector x6 = plus.mul(7);
        FloatVector x7 = plus.mul(8);
        FloatVector x8 = plus.mul(9);
        FloatVector x9 = plus.mul(10);
        FloatVector x10 = plus.mul(11);
        FloatVector x11 = plus.mul(12);
        for (int i = 0; i < ITERATIONS; i++) {
            x0 = factor.fma(plus, x0);
            x1 = factor.fma(plus, x1);
            x2 = factor.fma(plus, x2);
            x3 = factor.fma(plus, x3);
            x4 = factor.fma(plus, x4);
            x5 = factor.fma(plus, x5);
            x6 = factor.fma(plus, x6);
            x7 = factor.fma(plus, x7);
            x8 = factor.fma(plus, x8);
            x9 = factor.fma(plus, x9);
            x10 = factor.fma(plus, x10);
            x11 = factor.fma(plus, x11);
        }
        return x0.add(x1).add(x2).add(x3).add(x4).add(x5).add(x6).add(x7).add(x8).add(x9).add(x10).add(x11)
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
