package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * CIDEr (Vedantam et al. 2015) as the E2E scorer (coco-caption) computes it, which is the paper's CIDEr-D without its
 * stemming. With g(x) the vector of tf·idf of a text's n-grams of n words, the mean over segments of
 *
 * <pre>
 *   10/4 · Σₙ₌₁..₄ mean over references r of exp(-(l(h)-l(r))² / 2σ²) · min(g(h), g(r))·g(r) / (‖g(h)‖·‖g(r)‖)
 *   idf = ln(segments) - ln(max(1, segments with the n-gram in a reference))      σ = 6      l = number of word pairs
 * </pre>
 *
 * Texts are prepared by {@link CaptionTokenizer}. Between 0 and 10. A corpus of one segment scores 0: every idf is 0.
 */
public record Cider() implements Metric {

    private static final int MAX_ORDER = 4;
    private static final double SIGMA = 6;

    /** What Python's split() takes for white space; numbers and fractions may hold a no-break space. */
    private static final Pattern WHITE_SPACE = Pattern.compile("[\\s\\x1C-\\x1F]+", Pattern.UNICODE_CHARACTER_CLASS);

    @Override
    public String name() {
        return "CIDEr";
    }

    @Override
    public Score score(Corpus corpus) {
        return scorePrepared(CaptionTokenizer.tokenize(corpus));
    }

    /** @param corpus of texts that {@link CaptionTokenizer} prepared */
    Score scorePrepared(Corpus corpus) {
        List<NgramCounts> hypotheses = corpus.hypotheses().stream().map(Cider::count).toList();
        List<List<NgramCounts>> references = corpus.references().stream()
                .map(texts -> texts.stream().map(Cider::count).toList()).toList();
        Weights weights = new Weights(references);
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            Vectors hypothesis = weights.vectors(hypotheses.get(i));
            double sum = 0;
            for (NgramCounts reference : references.get(i)) {
                sum += hypothesis.similarity(weights.vectors(reference));
            }
            segments.add(10 * sum / MAX_ORDER / references.get(i).size());
        }
        return new Score(segments.stream().mapToDouble(cider -> cider).sum() / corpus.size(), segments);
    }

    private static NgramCounts count(String text) {
        List<String> words = WHITE_SPACE.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
        return NgramCounts.of(words, MAX_ORDER);
    }

    /** idf of all n-grams of the references. */
    private static final class Weights {

        private final Map<String, Integer> segmentsWith = new HashMap<>();
        private final double logSegments;

        Weights(List<List<NgramCounts>> references) {
            logSegments = Math.log(references.size());
            for (List<NgramCounts> segment : references) {
                Set<String> ngrams = new HashSet<>();
                for (NgramCounts reference : segment) {
                    for (int n = 1; n <= MAX_ORDER; n++) {
                        ngrams.addAll(reference.ofOrder(n).keySet());
                    }
                }
                ngrams.forEach(ngram -> segmentsWith.merge(ngram, 1, Integer::sum));
            }
        }

        Vectors vectors(NgramCounts counts) {
            Vectors vectors = new Vectors();
            for (int n = 1; n <= MAX_ORDER; n++) {
                Map<String, Double> vector = new HashMap<>();
                double squares = 0;
                for (Map.Entry<String, Integer> ngram : counts.ofOrder(n).entrySet()) {
                    double idf = logSegments - Math.log(Math.max(1, segmentsWith.getOrDefault(ngram.getKey(), 0)));
                    double weight = ngram.getValue() * idf;
                    vector.put(ngram.getKey(), weight);
                    squares += weight * weight;
                }
                vectors.byOrder.add(vector);
                vectors.norms.add(Math.sqrt(squares));
            }
            vectors.pairs = counts.ofOrder(2).values().stream().mapToInt(count -> count).sum();
            return vectors;
        }
    }

    /** A text's n-grams, weighted, by n - 1. */
    private static final class Vectors {

        private final List<Map<String, Double>> byOrder = new ArrayList<>();
        private final List<Double> norms = new ArrayList<>();
        private int pairs;

        /** Of this hypothesis with a reference, summed over n. */
        double similarity(Vectors reference) {
            double longer = pairs - reference.pairs;
            double penalty = Math.exp(-longer * longer / (2 * SIGMA * SIGMA));
            double sum = 0;
            for (int n = 0; n < MAX_ORDER; n++) {
                Map<String, Double> other = reference.byOrder.get(n);
                double product = 0;
                for (Map.Entry<String, Double> mine : byOrder.get(n).entrySet()) {
                    double theirs = other.getOrDefault(mine.getKey(), 0.0);
                    product += Math.min(mine.getValue(), theirs) * theirs;
                }
                double norm = norms.get(n) * reference.norms.get(n);
                sum += norm == 0 ? 0 : product / norm * penalty;
            }
            return sum;
        }
    }
}
