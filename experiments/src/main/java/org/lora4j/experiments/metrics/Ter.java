package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * TER, the translation edit rate (Snover et al. 2006), as tercom and sacrebleu compute it:
 *
 * <pre>
 *   TER = Σ over segments of the least edits to one reference / Σ of the references' mean length, in words
 * </pre>
 *
 * An edit inserts, deletes or replaces a word, or shifts a sequence of words: {@link TerEdits}. The less the better; 0 is a
 * perfect match, and more than 1 is possible. Words are what stands between white space; case does not count. The paper
 * prints the value as it is here, sacrebleu 100 times it.
 *
 * <p>A segment's score is the same rate of the segment alone.
 */
public record Ter() implements Metric {

    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    @Override
    public String name() {
        return "TER";
    }

    @Override
    public Score score(Corpus corpus) {
        long edits = 0;
        double length = 0;
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            List<String> hypothesis = words(corpus.hypotheses().get(i));
            List<String> references = corpus.references().get(i);
            int least = Integer.MAX_VALUE;
            int lengths = 0;
            for (String reference : references) {
                List<String> referenceWords = words(reference);
                least = Math.min(least, TerEdits.count(hypothesis, referenceWords));
                lengths += referenceWords.size();
            }
            double meanLength = (double) lengths / references.size();
            edits += least;
            length += meanLength;
            segments.add(rate(least, meanLength));
        }
        return new Score(rate(edits, length), segments);
    }

    /** Where all references are empty, 1 if there is something to delete. */
    private static double rate(long edits, double length) {
        return length > 0 ? edits / length : Math.min(1, edits);
    }

    static List<String> words(String text) {
        return Arrays.stream(WHITE_SPACE.split(text.toLowerCase(Locale.ROOT))).filter(word -> !word.isEmpty()).toList();
    }
}
