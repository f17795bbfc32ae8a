package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * BLEU, METEOR and TER of WebNLG and DART, the paper's Table 14 and 13, as its authors get them from GenerationEval:
 *
 * <ul>
 *   <li>texts in small letters, split at each character that is no letter, digit or underscore;
 *   <li>the first {@value #MAX_REFERENCES} references of an input; where it has fewer, the authors' files repeat the first,
 *       which changes none of the three;
 *   <li>BLEU as {@link Bleu}, but 0 where no n-gram of some n matches (Moses's multi-bleu-detok);
 *   <li>METEOR as {@link Meteor}, on these texts with their punctuation;
 *   <li>TER as the mean over inputs of the least over references of edits / words of the reference, with {@link #edits};
 *       a hypothesis counts 1 for an empty reference.
 * </ul>
 *
 * All between 0 and 1 (TER may be more); the paper prints 100 times BLEU. GenerationEval counts the end of its files as one
 * more input, with a TER of 1: on WebNLG's 1,862 test inputs that raises TER by less than 0.0004, and is left out here.
 *
 * @param bleu   0 to 1
 * @param meteor {@link Meteor}: without paraphrases
 * @param ter    0 is perfect
 */
public record GenerationEval(double bleu, double meteor, double ter) {

    /** How many references of an input count, in the authors' calls. */
    public static final int MAX_REFERENCES = 6;

    private static final Pattern BEFORE_OR_AFTER_NO_WORD = Pattern.compile("([^\\p{L}\\p{N}_])");
    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    /** What NLTK's word_tokenize still splits in such a text. */
    private static final Pattern WRITTEN_TOGETHER = Pattern.compile("(?<= |^)(can(?=not( |$))|(?:gim|lem)(?=me( |$))|(?:gon|wan)(?=na( |$))|got(?=ta( |$)))");

    /**
     * Scores one hypothesis for each input.
     *
     * @throws org.lora4j.LoraException if the two differ in length or an input has no reference
     */
    public static GenerationEval of(List<String> hypotheses, List<List<String>> references) {
        Corpus corpus = each(new Corpus(hypotheses, references), GenerationEval::prepare);
        Corpus words = each(corpus, GenerationEval::splitAsNltk);
        return new GenerationEval(
                new Bleu(true, false).score(corpus).value(),
                new Meteor().scorePrepared(words).value(),
                ter(words));
    }

    private static Corpus each(Corpus corpus, UnaryOperator<String> change) {
        return new Corpus(corpus.hypotheses().stream().map(change).toList(),
                corpus.references().stream().map(texts -> texts.stream().limit(MAX_REFERENCES).map(change).toList()).toList());
    }

    private static String prepare(String text) {
        String split = BEFORE_OR_AFTER_NO_WORD.matcher(text.toLowerCase(Locale.ROOT)).replaceAll(" $1 ");
        return WHITE_SPACE.matcher(split).replaceAll(" ").strip();
    }

    private static String splitAsNltk(String prepared) {
        return WRITTEN_TOGETHER.matcher(prepared).replaceAll("$1 ");
    }

    private static double ter(Corpus corpus) {
        double sum = 0;
        for (int i = 0; i < corpus.size(); i++) {
            List<String> hypothesis = words(corpus.hypotheses().get(i));
            double least = Double.POSITIVE_INFINITY;
            for (String reference : corpus.references().get(i)) {
                List<String> words = words(reference);
                least = Math.min(least, words.isEmpty() ? 1 : (double) edits(hypothesis, words) / words.size());
            }
            sum += least;
        }
        return sum / corpus.size();
    }

    private static List<String> words(String prepared) {
        return prepared.isEmpty() ? List.of() : List.of(prepared.split(" "));
    }

    /**
     * The edits that pyter counts, by a simpler search than {@link TerEdits}: a sequence is moved to where its match in the
     * reference begins, and of the moves with the greatest gain the one whose result comes last in alphabetical order is made.
     */
    static int edits(List<String> hypothesis, List<String> reference) {
        List<String> words = hypothesis;
        int distance = distance(words, reference);
        for (int shifts = 0; ; shifts++) {
            int least = distance;
            List<String> best = null;
            for (List<String> moved : moves(words, reference)) {
                int after = distance(moved, reference);
                if (after < least || after == least && best != null && Arrays.compare(moved.toArray(String[]::new), best.toArray(String[]::new)) > 0) {
                    least = after;
                    best = moved;
                }
            }
            if (best == null) {
                return shifts + distance;
            }
            words = best;
            distance = least;
        }
    }

    private static List<List<String>> moves(List<String> words, List<String> reference) {
        List<List<String>> moves = new ArrayList<>();
        for (int from = 0; from < words.size(); from++) {
            for (int to = 0; to < reference.size(); to++) {
                int length = 0;
                while (from != to && from + length < words.size() && to + length < reference.size()
                        && words.get(from + length).equals(reference.get(to + length))) {
                    length++;
                }
                if (length > 0) {
                    List<String> moved = new ArrayList<>(words);
                    List<String> sequence = List.copyOf(words.subList(from, from + length));
                    moved.subList(from, from + length).clear();
                    moved.addAll(Math.min(to, moved.size()), sequence);
                    moves.add(moved);
                }
            }
        }
        return moves;
    }

    /** Levenshtein's, in words. */
    private static int distance(List<String> a, List<String> b) {
        int[] before = new int[b.size() + 1];
        Arrays.setAll(before, j -> j);
        for (int i = 1; i <= a.size(); i++) {
            int[] now = new int[b.size() + 1];
            now[0] = i;
            for (int j = 1; j <= b.size(); j++) {
                int replaced = before[j - 1] + (a.get(i - 1).equals(b.get(j - 1)) ? 0 : 1);
                now[j] = Math.min(replaced, 1 + Math.min(before[j], now[j - 1]));
            }
            before = now;
        }
        return before[b.size()];
    }
}
