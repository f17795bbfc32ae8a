package org.lora4j.bench;

import java.util.Arrays;
import java.util.Locale;

/**
 * Rates of some runs: how much work a run does in a second.
 *
 * @param unit   of the rates, such as {@code GFLOP/s} or {@code tokens/s}
 * @param median of the runs' rates
 * @param min    of the slowest run
 * @param max    of the fastest run
 * @param medianSeconds what the median run took
 */
public record Measurement(String unit, double median, double min, double max, double medianSeconds) {

    /**
     * Times some runs.
     *
     * @param work what a run does, in units
     */
    static Measurement of(String unit, double work, int warmup, int runs, Runnable run) {
        for (int i = 0; i < warmup; i++) {
            run.run();
        }
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - start) * 1e-9;
        }
        Arrays.sort(seconds);
        double middle = runs % 2 == 1 ? seconds[runs / 2] : (seconds[runs / 2 - 1] + seconds[runs / 2]) / 2;
        return new Measurement(unit, work / middle, work / seconds[runs - 1], work / seconds[0], middle);
    }

    /** A rate with three digits. */
    public String rateText(double rate) {
        return String.format(Locale.ROOT, rate >= 100 ? "%,.0f" : rate >= 10 ? "%.1f" : "%.2f", rate);
    }
}
