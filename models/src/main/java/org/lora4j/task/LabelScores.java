package org.lora4j.task;

import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.lora4j.LoraException;

/**
 * How well labels were predicted: accuracy, F1 and Matthews' correlation, the measures of GLUE's tasks.
 *
 * <pre>
 *   accuracy = right / all
 *   F1 of a label = 2·tp / (2·tp + fp + fn), 0 where the label comes on neither side
 *   Matthews = (right·all - Σₖ pₖ·gₖ) / √((all² - Σ pₖ²)·(all² - Σ gₖ²)),   pₖ and gₖ: how often k was predicted, is gold
 * </pre>
 *
 * Matthews' is Gorodkin's form for any number of labels; with two it is (tp·tn - fp·fn) / √(…). It is 0 where one side has
 * one label only.
 */
public final class LabelScores {

    private final List<String> predicted;
    private final List<String> gold;
    private final SortedSet<String> labels = new TreeSet<>();

    private LabelScores(List<String> predicted, List<String> gold) {
        this.predicted = List.copyOf(predicted);
        this.gold = List.copyOf(gold);
        labels.addAll(predicted);
        labels.addAll(gold);
    }

    /**
     * Counts what was predicted against what is right.
     *
     * @throws LoraException if the two differ in length, or are empty
     */
    public static LabelScores of(List<String> predicted, List<String> gold) {
        requirePairs(predicted.size(), gold.size());
        return new LabelScores(predicted, gold);
    }

    static void requirePairs(int predicted, int gold) {
        if (predicted != gold) {
            throw new LoraException(predicted + " predictions, but " + gold + " gold labels. Give one prediction for each");
        }
        if (predicted == 0) {
            throw new LoraException("nothing to score: there are no predictions");
        }
    }

    /** All labels that come on either side, in alphabetical order. */
    public SortedSet<String> labels() {
        return new TreeSet<>(labels);
    }

    /** The share that is right. */
    public double accuracy() {
        return (double) right() / gold.size();
    }

    /** Of one label against all others, which MRPC and QQP report of the label 1. */
    public double f1(String positive) {
        int both = 0;
        int either = 0;
        for (int i = 0; i < gold.size(); i++) {
            boolean said = predicted.get(i).equals(positive);
            boolean is = gold.get(i).equals(positive);
            both += said && is ? 1 : 0;
            either += (said ? 1 : 0) + (is ? 1 : 0);
        }
        return either == 0 ? 0 : 2.0 * both / either;
    }

    /** The mean of all labels' F1, each counting the same. */
    public double macroF1() {
        return labels.stream().mapToDouble(this::f1).average().orElseThrow();
    }

    /** Matthews' correlation: 0 for guessing, 1 for all right, with any number of labels. */
    public double matthews() {
        double all = gold.size();
        SortedMap<String, Integer> saidCounts = counts(predicted);
        SortedMap<String, Integer> goldCounts = counts(gold);
        double byChance = 0;
        double saidSquares = 0;
        double goldSquares = 0;
        for (String label : labels) {
            double said = saidCounts.getOrDefault(label, 0);
            double is = goldCounts.getOrDefault(label, 0);
            byChance += said * is;
            saidSquares += said * said;
            goldSquares += is * is;
        }
        double spread = (all * all - saidSquares) * (all * all - goldSquares);
        return spread == 0 ? 0 : (right() * all - byChance) / Math.sqrt(spread);
    }

    private int right() {
        int right = 0;
        for (int i = 0; i < gold.size(); i++) {
            right += predicted.get(i).equals(gold.get(i)) ? 1 : 0;
        }
        return right;
    }

    private static SortedMap<String, Integer> counts(List<String> values) {
        SortedMap<String, Integer> counts = new TreeMap<>();
        values.forEach(value -> counts.merge(value, 1, Integer::sum));
        return counts;
    }
}
