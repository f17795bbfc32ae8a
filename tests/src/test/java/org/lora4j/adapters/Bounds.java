package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.lora4j.backend.Backend;

/** How near two ways to the same logits must be where they do not take the same roundings. */
final class Bounds {

    private Bounds() {
    }

    /**
     * Equal but for rounding, in units of u times the largest value. Other kernels and other orders of summation meet in
     * some 20 operations one behind the other; random signs let them add up to some 10 units, and 64 are allowed.
     */
    static void assertClose(double[] actual, double[] expected, Backend backend) {
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(actual).hasSameSizeAs(expected);
        assertThat(largest(actual, expected)).isLessThanOrEqualTo(64 * backend.unitRoundoff() * scale);
    }

    static double largest(double[] actual, double[] expected) {
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
        }
        return largest;
    }
}
