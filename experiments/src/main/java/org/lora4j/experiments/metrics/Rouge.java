package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * ROUGE (Lin 2004) as the common scorer, {@code rouge_score}, computes it with its stemmer, the mean over segments of
 *
 * <pre>
 *   F = 2·P·R / (P + R)       P = common / of the hypothesis      R = common / of the reference
 * </pre>
 *
 * where common are the n-grams that both have, each as often as it is in both (ROUGE-1, ROUGE-2), or the length of the longest
 * common subsequence of words (ROUGE-L, of the whole text). With several references the largest F counts. Words are runs of a to z
 * and 0 to 9 in small letters; those of more than three letters are stemmed, see {@link PorterStemmer}. Between 0 and 1.
 *
 * <p>{@link RougeL} is another: that of the E2E scorer, with β = 1.2, its words and no stems.
 *
 * @param n 1 or 2 for n-grams, 0 for the subsequence
 */
public record Rouge(int n) implements Metric {

    /** ROUGE-1. */
    public static final Rouge ONE = new Rouge(1);
    /** ROUGE-2. */
    public static final Rouge TWO = new Rouge(2);
    /** ROUGE-L. */
    public static final Rouge LONGEST = new Rouge(0);

    private static final int SHORT = 3;

    /** Requires a length of n-grams that is not negative. */
    public Rouge {
        if (n < 0) {
            throw new IllegalArgumentException("n-grams of " + n + " words");
        }
    }

    @Override
    public String name() {
        return n == 0 ? "ROUGE-L (F1, stems)" : "ROUGE-" + n;
    }

    @Override
    public Score score(Corpus corpus) {
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            String[] hypothesis = words(corpus.hypotheses().get(i));
            segments.add(corpus.references().get(i).stream().mapToDouble(reference -> f(hypothesis, words(reference))).max().orElse(0));
        }
        return new Score(segments.stream().mapToDouble(f -> f).sum() / corpus.size(), segments);
    }

    static String[] words(String text) {
        return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+")).filter(word -> !word.isEmpty())
                .map(word -> word.length() > SHORT ? PorterStemmer.stem(word) : word).toArray(String[]::new);
    }

    private double f(String[] hypothesis, String[] reference) {
        double common = n == 0 ? RougeL.longestCommonSubsequence(hypothesis, reference) : common(grams(hypothesis), grams(reference));
        double precision = common / Math.max(1, count(hypothesis));
        double recall = common / Math.max(1, count(reference));
        return common == 0 ? 0 : 2 * precision * recall / (precision + recall);
    }

    private int count(String[] words) {
        return n == 0 ? words.length : Math.max(0, words.length - n + 1);
    }

    private Map<List<String>, Integer> grams(String[] words) {
        Map<List<String>, Integer> grams = new HashMap<>();
        for (int i = 0; i + n <= words.length; i++) {
            grams.merge(List.of(Arrays.copyOfRange(words, i, i + n)), 1, Integer::sum);
        }
        return grams;
    }

    private static int common(Map<List<String>, Integer> a, Map<List<String>, Integer> b) {
        return a.entrySet().stream().mapToInt(gram -> Math.min(gram.getValue(), b.getOrDefault(gram.getKey(), 0))).sum();
    }
}
