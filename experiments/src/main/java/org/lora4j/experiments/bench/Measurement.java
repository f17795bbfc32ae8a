package org.lora4j.experiments.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Rates of some runs: how much work a run does in a second.
 *
 * @param unit   of the rates, such as {@code GFLOP/s} or {@code tokens/s}
 * @param median of the runs' rates
 * @param min    of the slowest run; of a ratio, see {@link #ratio}
 * @param max    of the fastest run; of a ratio, see {@link #ratio}
 * @param medianSeconds what the median run took
 */
public record Measurement(String unit, double median, double min, double max, double medianSeconds) {

    private static final String RATIO = "times as long";

    /**
     * How often something is run.
     *
     * @param warmup        runs that do not count, at least
     * @param warmupSeconds how long they last together, at least: Java compiles what it runs while it runs it
     * @param counted       runs that count
     */
    public record Runs(int warmup, double warmupSeconds, int counted) {
    }

    /**
     * Times some runs.
     *
     * @param work what a run does, in units
     */
    public static Measurement of(String unit, double work, Runs runs, Runnable run) {
        return inTurn(unit, work, runs, Map.of("", run)).get("");
    }

    /** What each run took. */
    public static double[] seconds(Runs runs, Runnable run) {
        return secondsInTurn(runs, Map.of("", run)).get("");
    }

    /** Times several kinds of runs, one run of each in turn, so that whatever slows the machine slows all of them. */
    public static Map<String, Measurement> inTurn(String unit, double work, Runs runs, Map<String, Runnable> kinds) {
        Map<String, Measurement> measured = new LinkedHashMap<>();
        secondsInTurn(runs, kinds).forEach((kind, times) -> measured.put(kind, of(unit, work, times)));
        return measured;
    }

    /** What each run took, by its kind; one run of each in turn. */
    static Map<String, double[]> secondsInTurn(Runs runs, Map<String, Runnable> kinds) {
        long begin = System.nanoTime();
        double warmupSeconds = runs.warmupSeconds * kinds.size();
        for (int i = 0; i < runs.warmup || (System.nanoTime() - begin) * 1e-9 < warmupSeconds; i++) {
            kinds.values().forEach(Runnable::run);
        }
        Map<String, double[]> seconds = new LinkedHashMap<>();
        kinds.keySet().forEach(kind -> seconds.put(kind, new double[runs.counted]));
        List<Map.Entry<String, Runnable>> order = new ArrayList<>(kinds.entrySet());
        for (int i = 0; i < runs.counted; i++) {
            for (Map.Entry<String, Runnable> kind : order) {
                long start = System.nanoTime();
                kind.getValue().run();
                seconds.get(kind.getKey())[i] = (System.nanoTime() - start) * 1e-9;
            }
            Collections.rotate(order, 1); // no kind always runs in what the same other one leaves in the caches
        }
        return seconds;
    }

    /**
     * How many times as long a run took as the run of another kind beside it: the median, and as min and max the ends of
     * the interval that holds the median of endlessly many runs with a probability of 95 % or more. That interval needs no
     * assumption on the noise: of n runs, the number below the true median is binomial (n, ½). With fewer than 6 runs there
     * is none, and its ends are those of the runs.
     */
    static Measurement ratio(double[] seconds, double[] others) {
        double[] ratios = new double[seconds.length];
        Arrays.setAll(ratios, i -> seconds[i] / others[i]);
        Arrays.sort(ratios);
        double[] sorted = seconds.clone();
        Arrays.sort(sorted);
        int left = leftOut(ratios.length);
        return new Measurement(
                RATIO, middle(ratios), ratios[left], ratios[ratios.length - 1 - left], middle(sorted));
    }

    /** The largest k with P(at most k of n runs are below the median) ≤ 2.5 %, as counted from 0; 0 if there is none. */
    private static int leftOut(int n) {
        double term = Math.pow(0.5, n);
        double sum = term;
        int k = 0;
        while (sum <= 0.025) {
            term *= (double) (n - k) / (k + 1);
            sum += term;
            k++;
        }
        return Math.max(0, k - 1);
    }

    private static double middle(double[] sorted) {
        int runs = sorted.length;
        return runs % 2 == 1 ? sorted[runs / 2] : (sorted[runs / 2 - 1] + sorted[runs / 2]) / 2;
    }

    /** Of runs that were timed. */
    public static Measurement of(String unit, double work, double[] seconds) {
        int runs = seconds.length;
        double[] sorted = seconds.clone();
        Arrays.sort(sorted);
        double middle = middle(sorted);
        return new Measurement(unit, work / middle, work / sorted[runs - 1], work / sorted[0], middle);
    }

    /** Whether this is how much longer than another kind these runs took, and not a rate. */
    public boolean isRatio() {
        return unit.equals(RATIO);
    }

    /** The same runs counted in another unit, of which there are {@code factor} to one of this. */
    public Measurement in(String otherUnit, double factor) {
        return new Measurement(otherUnit, factor * median, factor * min, factor * max, medianSeconds);
    }

    /** A rate with three digits. */
    public String rateText(double rate) {
        return String.format(Locale.ROOT, rate >= 100 ? "%,.0f" : rate >= 10 ? "%.1f" : "%.2f", rate);
    }
}
