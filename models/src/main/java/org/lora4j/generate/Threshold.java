package org.lora4j.generate;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How large a number must be to belong to the largest ones that together have some mass: the k-th largest where each counts
 * 1, the edge of a nucleus where each counts its probability.
 *
 * <p>Numbers are sorted into buckets by their upper bits, the bucket where the mass is reached by the next ones, and so
 * on: three walks through the numbers whatever they are, no comparison sort and no objects.
 */
final class Threshold {

    private static final int[] SHIFTS = {21, 10, 0};
    private static final int[] WIDTHS = {11, 11, 10};

    private final double[] masses = new double[1 << 11];
    private final boolean[] occupied = new boolean[1 << 11];

    /** An int that is larger where the float is; the two zeros are one. */
    static int key(float value) {
        int bits = Float.floatToIntBits(value + 0f);
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    /**
     * The largest t among the keys for which those of at least t have a mass of at least {@code target}; the smallest key
     * where all together have less, by rounding say.
     *
     * @param weights mass of each, not negative; null where each counts 1
     * @param count   how many keys there are, at least 1
     */
    int find(int[] keys, double @Nullable [] weights, int count, double target) {
        int prefix = 0;
        int known = 0; // mask of the bits of prefix that are decided
        double above = 0;
        for (int level = 0; level < SHIFTS.length; level++) {
            int shift = SHIFTS[level];
            int buckets = 1 << WIDTHS[level];
            Arrays.fill(masses, 0, buckets, 0);
            Arrays.fill(occupied, 0, buckets, false);
            for (int i = 0; i < count; i++) {
                int ordered = keys[i] ^ Integer.MIN_VALUE; // as unsigned
                if ((ordered & known) == prefix) {
                    int bucket = ordered >>> shift & buckets - 1;
                    masses[bucket] += weights == null ? 1 : weights[i];
                    occupied[bucket] = true;
                }
            }
            int chosen = -1;
            for (int bucket = buckets - 1; bucket >= 0; bucket--) {
                if (occupied[bucket]) {
                    if (chosen >= 0) {
                        above += masses[chosen];
                    }
                    chosen = bucket;
                    if (above + masses[bucket] >= target) {
                        break;
                    }
                }
            }
            prefix |= chosen << shift;
            known |= buckets - 1 << shift;
        }
        return prefix ^ Integer.MIN_VALUE;
    }
}
