package org.lora4j.backend.cpu;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;
import org.assertj.core.api.Assertions;

/** What the tests of the kernels share: numbers, teams of threads, comparisons. */
final class Fixtures {

    /** u: the largest relative error of rounding a number to float. */
    static final double UNIT_ROUNDOFF = 0x1p-24;

    static final int[] SIZES = {1, 4, 6, 13, 16, 207, 702, 1024};

    private Fixtures() {
    }

    static float[] normal(long seed, int count, double spread) {
        Random random = new Random(seed);
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = (float) (spread * random.nextGaussian());
        }
        return x;
    }

    static float[] filled(int count, float value) {
        float[] x = new float[count];
        Arrays.fill(x, value);
        return x;
    }

    /** Runs a computation with 1, 2, 3 and 5 threads, asserts that all give the same bits, and returns them. */
    static float[] onAnyNumberOfThreads(Function<Workers, float[]> computation) {
        float[] first = null;
        for (int threads : new int[] {1, 2, 3, 5}) {
            float[] result;
            try (Workers workers = new Workers(threads)) {
                result = computation.apply(workers);
            }
            if (first == null) {
                first = result;
            } else {
                assertSameBits(result, first, threads + " threads");
            }
        }
        return first;
    }

    static void assertSameBits(float[] actual, float[] expected, String what) {
        Assertions.assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            if (Float.floatToIntBits(actual[i]) != Float.floatToIntBits(expected[i])) {
                Assertions.fail("%s: element %d is %s, expected the bits of %s", what, i, actual[i], expected[i]);
            }
        }
    }

    /** Asserts |actual − expected| ≤ bound, naming the element. */
    static void assertWithin(double actual, double expected, double bound, String what) {
        if (!(Math.abs(actual - expected) <= bound) && !(Double.isNaN(actual) && Double.isNaN(expected))
                && actual != expected) {
            Assertions.fail("%s: %s, expected %s ± %s (off by %s)", what, actual, expected, bound, actual - expected);
        }
    }

    static float[] concat(float[]... arrays) {
        int length = 0;
        for (float[] array : arrays) {
            length += array.length;
        }
        float[] all = new float[length];
        int at = 0;
        for (float[] array : arrays) {
            System.arraycopy(array, 0, all, at, array.length);
            at += array.length;
        }
        return all;
    }
}
