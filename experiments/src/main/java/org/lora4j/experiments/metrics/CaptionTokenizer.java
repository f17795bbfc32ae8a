package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Texts as the E2E scorer (coco-caption) prepares them for ROUGE-L, CIDEr and METEOR: words of
 * {@link PennTreebankTokenizer} in small letters, without these:
 *
 * <pre>
 *   '' ' `` ` . ? ! , : - -- ... ;  and  -LRB- -RRB- -LCB- -RCB-
 * </pre>
 *
 * The names of brackets never go: the scorer looks for capitals after it made them small. So {@code (} stays as the word
 * {@code -lrb-}, and is kept so here.
 */
final class CaptionTokenizer {

    private static final Set<String> PUNCTUATION =
            Set.of("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";");

    private CaptionTokenizer() {
    }

    /** Each text's words with a space between. */
    static List<String> tokenize(List<String> texts) {
        return PennTreebankTokenizer.tokenize(texts).stream()
                .map(words -> String.join(" ", words.stream().filter(word -> !PUNCTUATION.contains(word)).toList()))
                .toList();
    }

    /** All texts of a corpus, prepared: hypotheses among each other and references among each other, as the scorer does it. */
    static Corpus tokenize(Corpus corpus) {
        List<String> flat = tokenize(corpus.flatReferences());
        List<List<String>> references = new ArrayList<>(corpus.size());
        int from = 0;
        for (List<String> segment : corpus.references()) {
            references.add(flat.subList(from, from + segment.size()));
            from += segment.size();
        }
        return new Corpus(tokenize(corpus.hypotheses()), references);
    }
}
