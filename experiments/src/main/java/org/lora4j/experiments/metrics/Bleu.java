package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * BLEU (Papineni et al. 2002) as NIST's mteval-v13a.pl computes it, the E2E scorer's BLEU:
 *
 * <pre>
 *   BLEU = min(1, exp(1 - r/c)) · (p₁·p₂·p₃·p₄)^¼
 *   pₙ   = Σ over segments of min(count in the hypothesis, largest count in one reference), summed over n-grams,
 *          / number of n-grams of all hypotheses
 *   c    = words of all hypotheses      r = Σ of the length of the reference nearest in length, the shorter of two
 * </pre>
 *
 * Between 0 and 1; the paper prints 100 times that. The script's ways with zeros are kept: where no n-gram of n words
 * matches, pₙ counts as 1/(2ᵏ · number of n-grams) at the k-th such n; where there are no n-grams of n words at all, pₙ
 * counts as 1; where nothing was written, BLEU is 0.
 *
 * <p>A segment's score is the same formula over the segment alone.
 *
 * @param keepCase as mteval's {@code -c}: A and a are different letters
 * @param smooth   false as mteval's {@code --no-smoothing} and Moses's multi-bleu-detok: where no n-gram of some n matches,
 *                 or there is none, BLEU is 0
 */
public record Bleu(boolean keepCase, boolean smooth) implements Metric {

    private static final int MAX_ORDER = 4;

    /** Case does not count, and zeros are smoothed: mteval's default, and the E2E scorer's. */
    public Bleu() {
        this(false, true);
    }

    @Override
    public String name() {
        return "BLEU";
    }

    @Override
    public Score score(Corpus corpus) {
        Counts total = new Counts();
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            Counts segment = count(corpus.hypotheses().get(i), corpus.references().get(i));
            total.add(segment);
            segments.add(segment.bleu(smooth));
        }
        return new Score(total.bleu(smooth), segments);
    }

    private Counts count(String hypothesis, List<String> references) {
        List<String> words = MtevalTokenizer.tokenize(hypothesis, keepCase);
        NgramCounts allowed = NgramCounts.none(MAX_ORDER);
        List<Integer> lengths = new ArrayList<>();
        for (String reference : references) {
            List<String> referenceWords = MtevalTokenizer.tokenize(reference, keepCase);
            allowed.raiseTo(NgramCounts.of(referenceWords, MAX_ORDER));
            lengths.add(referenceWords.size());
        }
        NgramCounts written = NgramCounts.of(words, MAX_ORDER);
        Counts counts = new Counts();
        counts.referenceLength = nearest(lengths, words.size());
        for (int n = 1; n <= MAX_ORDER; n++) {
            for (Map.Entry<String, Integer> ngram : written.ofOrder(n).entrySet()) {
                counts.matches[n] += Math.min(ngram.getValue(), allowed.count(n, ngram.getKey()));
            }
            counts.ngrams[n] = NgramCounts.howMany(words.size(), n);
        }
        return counts;
    }

    /** Empty references do not count, but for the first one: the script begins with it, whatever it is. */
    private static int nearest(List<Integer> lengths, int length) {
        int nearest = lengths.getFirst();
        for (int other : lengths) {
            int closer = Integer.compare(Math.abs(other - length), Math.abs(nearest - length));
            if (other > 0 && (closer < 0 || closer == 0 && other < nearest)) {
                nearest = other;
            }
        }
        return nearest;
    }

    /** What the formula needs, summed over segments; index n for n-grams of n words. */
    private static final class Counts {

        private final long[] matches = new long[MAX_ORDER + 1];
        private final long[] ngrams = new long[MAX_ORDER + 1];
        private long referenceLength;

        void add(Counts other) {
            referenceLength += other.referenceLength;
            for (int n = 1; n <= MAX_ORDER; n++) {
                matches[n] += other.matches[n];
                ngrams[n] += other.ngrams[n];
            }
        }

        double bleu(boolean smooth) {
            if (ngrams[1] == 0 || !smooth && Arrays.stream(matches, 1, MAX_ORDER + 1).anyMatch(count -> count == 0)) {
                return 0;
            }
            double logPrecisions = 0;
            double smoothing = 1;
            for (int n = 1; n <= MAX_ORDER; n++) {
                if (ngrams[n] > 0 && matches[n] == 0) {
                    smoothing *= 2;
                    logPrecisions += Math.log(1 / (smoothing * ngrams[n]));
                } else if (ngrams[n] > 0) {
                    logPrecisions += Math.log((double) matches[n] / ngrams[n]);
                }
            }
            double brevity = Math.min(0, 1 - (double) referenceLength / ngrams[1]);
            return Math.exp(logPrecisions / MAX_ORDER) * Math.exp(brevity);
        }
    }
}
