package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * ROUGE-L (Lin 2004) as the E2E scorer (coco-caption) computes it, the mean over segments of
 *
 * <pre>
 *   F = (1 + β²)·P·R / (R + β²·P)      β = 1.2
 *   P = max over references of LCS(hypothesis, reference) / words of the hypothesis
 *   R = max over references of LCS(hypothesis, reference) / words of the reference
 * </pre>
 *
 * LCS is the length of the longest common subsequence. P and R may come from different references. Texts are prepared by
 * {@link CaptionTokenizer}. Between 0 and 1.
 *
 * <p>A text without a word counts as one with a single empty word, as it does there: it has F = 1 with an empty reference.
 */
public record RougeL() implements Metric {

    private static final double BETA_SQUARED = 1.2 * 1.2;

    @Override
    public String name() {
        return "ROUGE-L";
    }

    @Override
    public Score score(Corpus corpus) {
        return scorePrepared(CaptionTokenizer.tokenize(corpus));
    }

    /** @param corpus of texts that {@link CaptionTokenizer} prepared */
    Score scorePrepared(Corpus corpus) {
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            segments.add(segment(corpus.hypotheses().get(i), corpus.references().get(i)));
        }
        return new Score(segments.stream().mapToDouble(f -> f).sum() / corpus.size(), segments);
    }

    private static double segment(String hypothesis, List<String> references) {
        String[] words = hypothesis.split(" ", -1);
        double precision = 0;
        double recall = 0;
        for (String reference : references) {
            String[] referenceWords = reference.split(" ", -1);
            int common = longestCommonSubsequence(words, referenceWords);
            precision = Math.max(precision, (double) common / words.length);
            recall = Math.max(recall, (double) common / referenceWords.length);
        }
        return precision == 0 ? 0 : (1 + BETA_SQUARED) * precision * recall / (recall + BETA_SQUARED * precision);
    }

    /**
     * The length, by a bit for each word of b (Hyyrö 2004): a zero in v stands where the table's row is one larger than at the
     * word before. A word of a with its places M in b makes v ← (v + (v ∧ M)) ∨ (v ∧ ¬M). Lines of a hundred thousand words
     * take a second.
     */
    static int longestCommonSubsequence(String[] a, String[] b) {
        Map<String, List<Integer>> places = new HashMap<>();
        for (int j = 0; j < b.length; j++) {
            places.computeIfAbsent(b[j], word -> new ArrayList<>()).add(j);
        }
        long[] v = new long[(b.length + 63) / 64];
        long[] m = new long[v.length];
        Arrays.fill(v, -1);
        String last = null;
        for (String word : a) {
            if (!word.equals(last)) {
                Arrays.fill(m, 0);
                places.getOrDefault(word, List.of()).forEach(j -> m[j / 64] |= 1L << j);
                last = word;
            }
            long carry = 0;
            for (int i = 0; i < v.length; i++) {
                long matched = v[i] & m[i];
                long sum = v[i] + matched;
                long total = sum + carry;
                // at most one of the two additions overflows
                carry = Long.compareUnsigned(sum, matched) < 0 || Long.compareUnsigned(total, sum) < 0 ? 1 : 0;
                v[i] = total | v[i] & ~m[i];
            }
        }
        int length = 0;
        for (int j = 0; j < b.length; j++) {
            length += (v[j / 64] >>> j & 1) == 0 ? 1 : 0;
        }
        return length;
    }
}
