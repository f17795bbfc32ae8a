package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * NIST (Doddington 2002) as mteval-v13a.pl computes it, in the form that the E2E scorer calls, where segments may have
 * different numbers of references:
 *
 * <pre>
 *   NIST = exp(-β·ln²(min(1, c/r))) · Σₙ₌₁..₅ (Σ info(g) over matched n-grams g / number of n-grams of all hypotheses)
 *   info(w₁…wₙ) = log₂(count(w₁…wₙ₋₁) / count(w₁…wₙ)), counts over all references, count() = their words
 *   β makes the penalty ½ at c/r = ⅔      c = words of all hypotheses      r = a mean length of references, see Length
 * </pre>
 *
 * An n-gram matches as often as in BLEU: at most as often as in the one reference that has it most. The script's quirk is
 * kept that a context which is the single word 0 counts as no context, since Perl takes "0" for false.
 *
 * <p>A segment's score is the formula over the segment alone, with the information of all references.
 *
 * @param length   how r is taken
 * @param keepCase as mteval's {@code -c}: A and a are different letters
 */
public record Nist(Length length, boolean keepCase) implements Metric {

    private static final int MAX_ORDER = 5;
    private static final double BETA = Math.log(2) / (Math.log(1.5) * Math.log(1.5));

    /** The length of the references, where segments have several. The two differ if segments have different numbers. */
    public enum Length {
        /** Segments times the mean length of all references: mteval's Perl, as the E2E scorer calls it by itself. */
        MEAN_OF_ALL,
        /** The sum over segments of their references' mean length: the E2E scorer with {@code --python}. */
        MEAN_PER_SEGMENT
    }

    /** The E2E scorer's: case does not count, and the length is that of the Perl script. */
    public Nist() {
        this(Length.MEAN_OF_ALL, false);
    }

    @Override
    public String name() {
        return "NIST";
    }

    @Override
    public Score score(Corpus corpus) {
        List<Segment> segments = new ArrayList<>(corpus.size());
        NgramCounts inReferences = NgramCounts.none(MAX_ORDER);
        long words = 0;
        for (int i = 0; i < corpus.size(); i++) {
            Segment segment = new Segment(corpus.hypotheses().get(i), corpus.references().get(i), inReferences);
            segments.add(segment);
            words += segment.referenceWords;
        }
        Information information = new Information(inReferences, words);
        Sums total = new Sums();
        List<Double> scores = new ArrayList<>(corpus.size());
        for (Segment segment : segments) {
            Sums sums = segment.sums(information);
            total.add(sums);
            scores.add(sums.nist(length));
        }
        return new Score(total.nist(length), scores);
    }

    /** What an n-gram tells beyond the words before its last; each is computed once. */
    private static final class Information {

        private final NgramCounts counts;
        private final long words;
        private final Map<String, Double> known = new HashMap<>();

        Information(NgramCounts counts, long words) {
            this.counts = counts;
            this.words = words;
        }

        double of(int n, String ngram) {
            return known.computeIfAbsent(ngram, g -> {
                String context = n == 1 ? "" : g.substring(0, g.lastIndexOf(' '));
                boolean without = context.isEmpty() || context.equals("0");
                double before = without ? words : counts.count(n - 1, context);
                return Math.log(before / counts.count(n, g)) / Math.log(2);
            });
        }
    }

    /** One segment's n-grams, kept until the information of all references is known. */
    private final class Segment {

        private final NgramCounts written;
        private final NgramCounts allowed = NgramCounts.none(MAX_ORDER);
        private final int length;
        private long referenceWords;
        private int nonEmptyReferences;

        /** @param inReferences gets the references' n-grams added */
        Segment(String hypothesis, List<String> references, NgramCounts inReferences) {
            List<String> words = MtevalTokenizer.tokenize(hypothesis, keepCase);
            written = NgramCounts.of(words, MAX_ORDER);
            length = words.size();
            for (String reference : references) {
                List<String> referenceTokens = MtevalTokenizer.tokenize(reference, keepCase);
                NgramCounts ngrams = NgramCounts.of(referenceTokens, MAX_ORDER);
                allowed.raiseTo(ngrams);
                inReferences.add(ngrams);
                referenceWords += referenceTokens.size();
                nonEmptyReferences += referenceTokens.isEmpty() ? 0 : 1;
            }
        }

        Sums sums(Information information) {
            Sums sums = new Sums();
            for (int n = 1; n <= MAX_ORDER; n++) {
                for (Map.Entry<String, Integer> ngram : written.ofOrder(n).entrySet()) {
                    int matches = Math.min(ngram.getValue(), allowed.count(n, ngram.getKey()));
                    if (matches > 0) {
                        sums.information[n] += matches * information.of(n, ngram.getKey());
                    }
                }
                sums.ngrams[n] = NgramCounts.howMany(length, n);
            }
            sums.segments = 1;
            sums.references = nonEmptyReferences;
            sums.referenceWords = referenceWords;
            sums.meanReferenceWords = nonEmptyReferences == 0 ? 0 : (double) referenceWords / nonEmptyReferences;
            return sums;
        }
    }

    /** What the formula needs, summed over segments; index n for n-grams of n words. */
    private static final class Sums {

        private final double[] information = new double[MAX_ORDER + 1];
        private final long[] ngrams = new long[MAX_ORDER + 1];
        private long segments;
        private long references;
        private long referenceWords;
        private double meanReferenceWords;

        void add(Sums other) {
            for (int n = 1; n <= MAX_ORDER; n++) {
                information[n] += other.information[n];
                ngrams[n] += other.ngrams[n];
            }
            segments += other.segments;
            references += other.references;
            referenceWords += other.referenceWords;
            meanReferenceWords += other.meanReferenceWords;
        }

        double nist(Length length) {
            if (referenceWords == 0) {
                return 0; // nothing can match
            }
            double sum = 0;
            for (int n = 1; n <= MAX_ORDER; n++) {
                sum += information[n] / Math.max(ngrams[n], 1);
            }
            double expected = switch (length) {
                case MEAN_OF_ALL -> (double) referenceWords * segments / references;
                case MEAN_PER_SEGMENT -> meanReferenceWords;
            };
            return sum * penalty(ngrams[1] / expected);
        }

        private static double penalty(double ratio) {
            if (ratio >= 1 || ratio <= 0) {
                return ratio >= 1 ? 1 : 0;
            }
            double log = Math.log(ratio);
            return Math.exp(-BETA * log * log);
        }
    }
}
