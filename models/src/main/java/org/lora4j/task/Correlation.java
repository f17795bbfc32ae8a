package org.lora4j.task;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.DoubleStream;
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
 * NaN where all numbers of one side are equal, since nothing then follows anything; where one is NaN; and Pearson's where
 * one is infinite.
 */
public final class Correlation {

    private final double[] predicted;
    private final double[] gold;

    private Correlation(double[] predicted, double[] gold) {
        this.predicted = predicted.clone();
        this.gold = gold.clone();
    }

    /**
     * Both correlations of what was predicted with what is right.
     *
     * @throws LoraException if the two differ in length, or are empty
     */
    public static Correlation of(double[] predicted, double[] gold) {
        LabelScores.requirePairs(predicted.length, gold.length);
        return new Correlation(predicted, gold);
    }

    /** Pearson's r: of the numbers themselves; NaN if one side does not vary. */
    public double pearson() {
        return pearson(predicted, gold);
    }

    /** Spearman's ρ: of their ranks, equal numbers having the mean of theirs. */
    public double spearman() {
        boolean ordered = DoubleStream.concat(Arrays.stream(predicted), Arrays.stream(gold)).noneMatch(Double::isNaN);
        return ordered ? pearson(ranks(predicted), ranks(gold)) : Double.NaN;
    }

    private static double pearson(double[] valuesX, double[] valuesY) {
        if (areEqual(valuesX) || areEqual(valuesY)) {
            return Double.NaN; // by rounding, the mean of equal numbers may differ from them
        }
        double[] x = scaled(valuesX);
        double[] y = scaled(valuesY);
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
        return Math.clamp(products / (Math.sqrt(squaresX) * Math.sqrt(squaresY)), -1.0, 1.0);
    }

    /**
     * The numbers over the power of two below the largest, which changes no digit and not the correlation: squares of numbers
     * such as 1e-170 would vanish, and those of 1e170 overflow.
     */
    private static double[] scaled(double[] values) {
        double largest = Arrays.stream(values).map(Math::abs).max().orElseThrow();
        return Arrays.stream(values).map(value -> Math.scalb(value, -Math.getExponent(largest))).toArray();
    }

    private static boolean areEqual(double[] values) {
        return Arrays.stream(values).allMatch(value -> value == values[0]);
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
