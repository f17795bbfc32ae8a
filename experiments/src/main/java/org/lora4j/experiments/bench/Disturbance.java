package org.lora4j.experiments.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether something else took part of the machine while the same work was timed again and again in short slices: an
 * undisturbed core takes nearly the same time for each.
 */
public final class Disturbance {

    /** A median slice this far below the fastest, or two speeds this far apart, are not the work's own. */
    private static final double APART = 0.15;
    /** With fewer slices at one of two speeds, they are stragglers. */
    private static final double SHARE = 0.1;

    private Disturbance() {
    }

    /**
     * What is wrong with these rates, in words; nothing where they agree.
     *
     * @param rates of slices, at least one
     * @param unit  of the rates
     */
    public static Optional<String> of(double[] rates, String unit) {
        double[] sorted = rates.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        double fastest = sorted[n - 1];
        int gap = widestGap(sorted);
        if (gap > 0 && sorted[gap] - sorted[gap - 1] > APART * fastest) {
            double slow = sorted[gap / 2];
            double fast = sorted[gap + (n - gap) / 2];
            return Optional.of(String.format(Locale.ROOT, "two speeds: %.3g in %d of %d slices, %.3g %s in the others",
                    slow, gap, n, fast, unit));
        }
        if (sorted[n / 2] < (1 - APART) * fastest) {
            return Optional.of(String.format(Locale.ROOT, "uneven: half of %d slices were slower than %.3g, the fastest had %.3g %s",
                    n, sorted[n / 2], fastest, unit));
        }
        return Optional.empty();
    }

    /** Where the sorted rates leave the most room, stragglers at either end not counted; 0 for too few slices. */
    private static int widestGap(double[] sorted) {
        int few = Math.max(1, (int) Math.ceil(SHARE * sorted.length));
        int widest = 0;
        for (int i = few; i <= sorted.length - few; i++) {
            if (widest == 0 || sorted[i] - sorted[i - 1] > sorted[widest] - sorted[widest - 1]) {
                widest = i;
            }
        }
        return widest;
    }
}
