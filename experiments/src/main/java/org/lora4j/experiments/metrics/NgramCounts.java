package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * How often each n-gram of 1 to N words comes, by n. An n-gram is its words with a space between; words have none in them.
 * Iterates in the order in which n-grams came first, so that sums over them have the same bits on every run.
 */
final class NgramCounts {

    private final List<Map<String, Integer>> byOrder;

    private NgramCounts(int maxOrder) {
        byOrder = new ArrayList<>(maxOrder);
        for (int n = 1; n <= maxOrder; n++) {
            byOrder.add(new LinkedHashMap<>());
        }
    }

    static NgramCounts none(int maxOrder) {
        return new NgramCounts(maxOrder);
    }

    static NgramCounts of(List<String> words, int maxOrder) {
        NgramCounts counts = new NgramCounts(maxOrder);
        for (int start = 0; start < words.size(); start++) {
            StringBuilder ngram = new StringBuilder();
            for (int n = 1; n <= maxOrder && start + n <= words.size(); n++) {
                if (n > 1) {
                    ngram.append(' ');
                }
                ngram.append(words.get(start + n - 1));
                counts.byOrder.get(n - 1).merge(ngram.toString(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /** The n-grams of n words and their counts. */
    Map<String, Integer> ofOrder(int n) {
        return Collections.unmodifiableMap(byOrder.get(n - 1));
    }

    int count(int n, String ngram) {
        return byOrder.get(n - 1).getOrDefault(ngram, 0);
    }

    /** Adds another text's counts. */
    void add(NgramCounts other) {
        merge(other, Integer::sum);
    }

    /** Keeps the larger count of each n-gram: what an n-gram of the hypothesis may match at most. */
    void raiseTo(NgramCounts other) {
        merge(other, Math::max);
    }

    private void merge(NgramCounts other, BinaryOperator<Integer> how) {
        for (int order = 0; order < byOrder.size(); order++) {
            Map<String, Integer> mine = byOrder.get(order);
            other.byOrder.get(order).forEach((ngram, count) -> mine.merge(ngram, count, how));
        }
    }

    /** How many n-grams of n words a text has. */
    static int howMany(int words, int n) {
        return Math.max(0, words - n + 1);
    }
}
