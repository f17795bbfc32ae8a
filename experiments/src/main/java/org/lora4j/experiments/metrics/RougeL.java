package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.List;

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

    private static int longestCommonSubsequence(String[] a, String[] b) {
        int[] before = new int[b.length + 1]; // of a's words so far, and b's first j
        for (String word : a) {
            int[] now = new int[b.length + 1];
            for (int j = 1; j <= b.length; j++) {
                now[j] = word.equals(b[j - 1]) ? before[j - 1] + 1 : Math.max(before[j], now[j - 1]);
            }
            before = now;
        }
        return before[b.length];
    }
}
