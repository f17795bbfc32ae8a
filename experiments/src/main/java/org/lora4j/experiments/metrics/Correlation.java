package org.lora4j.experiments.metrics;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.lora4j.LoraException;

/**
 * How far predicted numbers follow the gold ones, the measure of STS-B: Pearson's correlation, and Spearman's, which is
 * Pearson's of the ranks, equal values sharing the mean of theirs.
 *
 * <pre>
 *   r = Σ (x - x̄)(y - ȳ) / √(Σ (x - x̄)² · Σ (y - ȳ)²)
 * </pre>
 *
 * NaN where all numbers of one side are equal: nothing then follows anything.
 */
public final class Correlation {

    private final double[] predicted;
    private final double[] gold;

    private Correlation(double[] predicted, double[] gold) {
        this.predicted = predicted.clone();
        this.gold = gold.clone();
    }

    /** @throws LoraException if the two differ in length, or are empty */
    public static Correlation of(double[] predicted, double[] gold) {
        Classification.requirePairs(predicted.length, gold.length);
        return new Correlation(predicted, gold);
    }

    public double pearson() {
        return pearson(predicted, gold);
    }

    public double spearman() {
        return pearson(ranks(predicted), ranks(gold));
    }

    private static double pearson(double[] x, double[] y) {
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double products = 0;
        double squaresX = 0;
        double squaresY = 0;
        for (int i = 0; i < x.length; i++) {
            products += (x[i] - meanX) * (y[i] - meanY);
            squaresX += (x[i] - meanX) * (x[i] - meanX);
            squaresY += (y[i] - meanY) * (y[i] - meanY);
        }
        // a root each: their product could vanish or overflow where neither does
        return products / (Math.sqrt(squaresX) * Math.sqrt(squaresY));
    }

    private static double[] ranks(double[] values) {
        int[] order = IntStream.range(0, values.length).boxed()
                .sorted(Comparator.comparingDouble(i -> values[i])).mapToInt(i -> i).toArray();
        double[] ranks = new double[values.length];
        for (int from = 0; from < order.length; ) {
            int to = from;
            while (to < order.length && values[order[to]] == values[order[from]]) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order[i]] = (from + to + 1) / 2.0; // the mean of from + 1, …, to
            }
            from = to;
        }
        return ranks;
    }
}
