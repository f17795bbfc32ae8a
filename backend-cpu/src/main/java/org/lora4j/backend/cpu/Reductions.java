package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums in double. The elements are cut into blocks whose size depends on their number alone; each block is summed into
 * the lanes of two vectors, and the blocks' sums are added in order, so any number of threads gives the same bits.
 *
 * <p>A number passes at most block/LANES + LANES + 1024 additions on its way, a block being 8192 numbers or a 1024th of
 * all; the error is at most that many times 2⁻⁵³·Σ|x|.
 */
final class Reductions {

    private static final VectorSpecies<Double> DOUBLES = VectorSpecies.of(double.class, SPECIES.vectorShape());
    private static final int BLOCK = 8192;
    private static final int MAX_BLOCKS = 1024;

    private Reductions() {
    }

    /** Σ x. */
    static double sum(Workers workers, float[] x, int offset, int count) {
        return reduce(workers, x, offset, count, false);
    }

    /** Σ x². */
    static double sumOfSquares(Workers workers, float[] x, int offset, int count) {
        return reduce(workers, x, offset, count, true);
    }

    private static double reduce(Workers workers, float[] x, int offset, int count, boolean squares) {
        int size = Math.max(BLOCK, (count / MAX_BLOCKS + 8) & -8);
        int blocks = (int) ((count + (long) size - 1) / size);
        double[] partial = Scratch.local().doubles(blocks);
        workers.run(blocks, block -> {
            int from = offset + block * size;
            int length = Math.min(size, count - block * size);
            partial[block] = squares ? blockOfSquares(x, from, length) : block(x, from, length);
        });
        double sum = 0;
        for (int block = 0; block < blocks; block++) {
            sum += partial[block];
        }
        return sum;
    }

    private static double block(float[] x, int from, int length) {
        DoubleVector s0 = DoubleVector.zero(DOUBLES);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= length - LANES; i += LANES) {
            FloatVector values = FloatVector.fromArray(SPECIES, x, from + i);
            s0 = s0.add(half(values, 0));
            s1 = s1.add(half(values, 1));
        }
        double sum = sum(s0.add(s1));
        for (; i < length; i++) {
            sum += x[from + i];
        }
        return sum;
    }

    /** A float's square is exact in double: it has at most 48 bits. */
    private static double blockOfSquares(float[] x, int from, int length) {
        DoubleVector s0 = DoubleVector.zero(DOUBLES);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= length - LANES; i += LANES) {
            FloatVector values = FloatVector.fromArray(SPECIES, x, from + i);
            DoubleVector low = half(values, 0);
            DoubleVector high = half(values, 1);
            s0 = low.fma(low, s0);
            s1 = high.fma(high, s1);
        }
        double sum = sum(s0.add(s1));
        for (; i < length; i++) {
            sum = Math.fma((double) x[from + i], x[from + i], sum);
        }
        return sum;
    }

    private static DoubleVector half(FloatVector x, int part) {
        return (DoubleVector) x.convertShape(VectorOperators.F2D, DOUBLES, part);
    }

    /** In the order of the lanes, which reduceLanes does not promise. */
    private static double sum(DoubleVector x) {
        double sum = 0;
        for (int lane = 0; lane < DOUBLES.length(); lane++) {
            sum += x.lane(lane);
        }
        return sum;
    }

    /** Σ of a row in float, in 2·LANES parts, on one thread. */
    static float sumOfRow(float[] x, int offset, int count) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            s0 = s0.add(FloatVector.fromArray(SPECIES, x, offset + i));
            s1 = s1.add(FloatVector.fromArray(SPECIES, x, offset + i + LANES));
        }
        float sum = VectorMath.sum(s0.add(s1));
        for (; i < count; i++) {
            sum += x[offset + i];
        }
        return sum;
    }
}
