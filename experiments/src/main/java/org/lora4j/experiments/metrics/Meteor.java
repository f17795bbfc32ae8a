package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.experiments.metrics.MeteorAligner.Match;
import org.lora4j.experiments.metrics.MeteorAligner.Module;
import org.lora4j.experiments.metrics.MeteorLexicon.Word;

/**
 * METEOR without paraphrases: METEOR 1.5 (Denkowski and Lavie 2014) for English with its modules exact, stem and synonym,
 * its parameters and its normalisation, and without the module that needs a table of paraphrases. It is therefore not the
 * METEOR that papers print and lies below it: 0.4779 where METEOR 1.5 has 0.4811, on the outputs of one E2E system.
 *
 * <pre>
 *   score = (1 - γ·(chunks/m)^β) · P·R / (α·P + (1-α)·R)      α = 0.85   β = 0.2   γ = 0.6   δ = 0.75
 *   P = Σ over modules wᵢ·(δ·content matches + (1-δ)·function matches) / (δ·content words + (1-δ)·function words),
 *       in the hypothesis;  R the same in the reference;  m = matched words;  w = 1, 0.6, 0.8
 * </pre>
 *
 * A segment takes its reference with the highest score; the corpus's score is that of the counts summed over segments,
 * among which the chunks of perfect matches do not count. Texts are prepared by {@link CaptionTokenizer}, as the E2E scorer
 * does it, then by {@link MeteorWords}. Between 0 and 1.
 */
public record Meteor() implements Metric {

    private static final double ALPHA = 0.85;
    private static final double BETA = 0.2;
    private static final double GAMMA = 0.6;
    private static final double DELTA = 0.75;

    @Override
    public String name() {
        return "METEOR without paraphrases";
    }

    @Override
    public Score score(Corpus corpus) {
        return scorePrepared(CaptionTokenizer.tokenize(corpus));
    }

    /** @param corpus of texts that {@link CaptionTokenizer} prepared */
    Score scorePrepared(Corpus corpus) {
        MeteorLexicon lexicon = new MeteorLexicon();
        Map<String, Word> known = new HashMap<>();
        Counts total = new Counts();
        List<Double> segments = new ArrayList<>(corpus.size());
        for (int i = 0; i < corpus.size(); i++) {
            List<Word> hypothesis = words(corpus.hypotheses().get(i), lexicon, known);
            Counts best = null;
            for (String reference : corpus.references().get(i)) {
                Counts counts = Counts.of(hypothesis, words(reference, lexicon, known));
                if (best == null || counts.score() > best.score()) {
                    best = counts;
                }
            }
            total.add(best);
            segments.add(best.score());
        }
        return new Score(total.score(), segments);
    }

    private static List<Word> words(String text, MeteorLexicon lexicon, Map<String, Word> known) {
        return MeteorWords.of(text).stream().map(word -> known.computeIfAbsent(word, lexicon::word)).toList();
    }

    /** Words and matches of one side, function words apart from the others. */
    private static final class Side {

        private int content;
        private int function;
        private final int[] contentMatches = new int[Module.values().length];
        private final int[] functionMatches = new int[Module.values().length];

        void word(Word word) {
            if (word.isFunctionWord()) {
                function++;
            } else {
                content++;
            }
        }

        void match(Word word, Module module) {
            (word.isFunctionWord() ? functionMatches : contentMatches)[module.ordinal()]++;
        }

        void add(Side other) {
            content += other.content;
            function += other.function;
            for (Module module : Module.values()) {
                contentMatches[module.ordinal()] += other.contentMatches[module.ordinal()];
                functionMatches[module.ordinal()] += other.functionMatches[module.ordinal()];
            }
        }

        int words() {
            return content + function;
        }

        int matches() {
            int matches = 0;
            for (Module module : Module.values()) {
                matches += contentMatches[module.ordinal()] + functionMatches[module.ordinal()];
            }
            return matches;
        }

        /** The share of words that match, weighted; NaN of no words. */
        double share() {
            double weighted = 0;
            for (Module module : Module.values()) {
                int i = module.ordinal();
                weighted += weight(module) * (DELTA * contentMatches[i] + (1 - DELTA) * functionMatches[i]);
            }
            return weighted / (DELTA * content + (1 - DELTA) * function);
        }

        private static double weight(Module module) {
            return switch (module) {
                case EXACT -> 1;
                case STEM -> 0.6;
                case SYNONYM -> 0.8;
            };
        }
    }

    /** Of one segment with one reference, or summed over segments. */
    private static final class Counts {

        private final Side hypothesis = new Side();
        private final Side reference = new Side();
        private int chunks;

        static Counts of(List<Word> hypothesis, List<Word> reference) {
            Counts counts = new Counts();
            hypothesis.forEach(counts.hypothesis::word);
            reference.forEach(counts.reference::word);
            List<Match> matches = MeteorAligner.align(hypothesis, reference);
            for (Match match : matches) {
                counts.hypothesis.match(hypothesis.get(match.hypothesis()), match.module());
                counts.reference.match(reference.get(match.reference()), match.module());
            }
            counts.chunks = MeteorAligner.chunks(matches);
            return counts;
        }

        void add(Counts other) {
            hypothesis.add(other.hypothesis);
            reference.add(other.reference);
            chunks += other.isPerfect() ? 0 : other.chunks;
        }

        private boolean isPerfect() {
            return hypothesis.matches() == hypothesis.words() && reference.matches() == reference.words() && chunks == 1;
        }

        double score() {
            double precision = hypothesis.share();
            double recall = reference.share();
            double mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
            double fragmentation = isPerfect() ? 0 : chunks / ((hypothesis.matches() + reference.matches()) / 2.0);
            double score = mean * (1 - GAMMA * Math.pow(fragmentation, BETA));
            return Double.isNaN(score) ? 0 : Math.max(score, 0);
        }
    }
}
