package org.lora4j.backend.cpu;

/**
 * Sums in double. The elements are cut into blocks whose size depends on their number alone; each block is summed into
 * eight running sums, and the blocks' sums are added in order, so any number of threads gives the same bits.
 *
 * <p>Against the exact sum of n floats: |error| ≤ (n/8 + 1100)·2⁻⁵³·Σ|x| for small n, and less than
 * (n/8192 + 1100)·2⁻⁵³·Σ|x| for n above 2²³.
 */
final class Reductions {

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
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i <= length - 8; i += 8) {
            s0 += x[from + i];
            s1 += x[from + i + 1];
            s2 += x[from + i + 2];
            s3 += x[from + i + 3];
            s4 += x[from + i + 4];
            s5 += x[from + i + 5];
            s6 += x[from + i + 6];
            s7 += x[from + i + 7];
        }
        for (; i < length; i++) {
            s0 += x[from + i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    private static double blockOfSquares(float[] x, int from, int length) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i <= length - 8; i += 8) {
            s0 += square(x[from + i]);
            s1 += square(x[from + i + 1]);
            s2 += square(x[from + i + 2]);
            s3 += square(x[from + i + 3]);
            s4 += square(x[from + i + 4]);
            s5 += square(x[from + i + 5]);
            s6 += square(x[from + i + 6]);
            s7 += square(x[from + i + 7]);
        }
        for (; i < length; i++) {
            s0 += square(x[from + i]);
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** Exact: a float's square has at most 48 bits. */
    private static double square(double x) {
        return x * x;
    }
}
