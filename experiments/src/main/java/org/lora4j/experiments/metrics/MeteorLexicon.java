package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tartarus.snowball.SnowballStemmer;
import org.tartarus.snowball.ext.englishStemmer;

/**
 * What METEOR knows of English words: their stems (Snowball's English stemmer, also called Porter 2), their meanings
 * ({@link WordNet}), and which of them are function words.
 */
final class MeteorLexicon {

    /** The words and marks that make up more than a thousandth each of METEOR 1.5's English corpus. */
    private static final Set<String> FUNCTION_WORDS = new HashSet<>(Arrays.asList((
            "the , . to of and a in that for \" is on 's it with was as said at he by be from have has are his but an this not i will"
            + " \u2019 they ) -rrb- ( -lrb- who their had we which were been more or s its would about new one after you : also up when"
            + " there than $ all out her people she year two - can if last first \u201C over other \u201D into some what so -- no time"
            + " years could ? 't \u2014 '").split(" ")));

    /** Endings and what stands in the word's base form, in the order in which they are tried; WordNet's own rules. */
    private static final List<String[]> ENDINGS = List.of(
            new String[] {"s", ""}, new String[] {"ses", "s"}, new String[] {"xes", "x"}, new String[] {"zes", "z"},
            new String[] {"ches", "ch"}, new String[] {"shes", "sh"}, new String[] {"men", "man"}, new String[] {"ies", "y"},
            new String[] {"s", ""}, new String[] {"ies", "y"}, new String[] {"es", "e"}, new String[] {"es", ""},
            new String[] {"ed", "e"}, new String[] {"ed", ""}, new String[] {"ing", "e"}, new String[] {"ing", ""},
            new String[] {"er", ""}, new String[] {"est", ""}, new String[] {"er", "e"}, new String[] {"est", "e"});

    private final SnowballStemmer stemmer = new englishStemmer(); // keeps state: one for each lexicon

    /** A word as it is compared. */
    record Word(String text, String stem, Set<Integer> meanings, boolean isFunctionWord) {
    }

    Word word(String text) {
        stemmer.setCurrent(text);
        stemmer.stem();
        return new Word(text, stemmer.getCurrent(), meanings(text), FUNCTION_WORDS.contains(text));
    }

    /** Those of the word as it stands and of its base form. */
    private static Set<Integer> meanings(String word) {
        WordNet net = WordNet.get();
        Set<Integer> meanings = new HashSet<>(net.meanings(word));
        List<String> bases = net.basesOfIrregular(word);
        for (String base : bases.isEmpty() ? regularBase(word, net) : bases) {
            meanings.addAll(net.meanings(base));
        }
        return meanings;
    }

    private static List<String> regularBase(String word, WordNet net) {
        List<String> base = new ArrayList<>(1);
        if (word.endsWith("ss") || word.length() <= 2) {
            return base; // the word as it stands, which was looked up already
        }
        for (String[] ending : ENDINGS) {
            String candidate = word.substring(0, Math.max(0, word.length() - ending[0].length())) + ending[1];
            if (word.endsWith(ending[0]) && net.has(candidate)) {
                base.add(word.endsWith("ful") ? candidate + "ful" : candidate);
                return base;
            }
        }
        return base;
    }
}
