package org.lora4j.experiments.metrics;

import com.google.common.io.Resources;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * WordNet 3.0 (Fellbaum 1998; Princeton University 2006), as far as METEOR uses it: which words share a meaning, and the
 * base forms of irregular ones. A meaning is the number of a synset; as in METEOR the numbers of nouns, verbs, adjectives
 * and adverbs are not told apart, so that very few coincide by chance.
 */
final class WordNet {

    private static final String FOLDER = "net/sf/extjwnl/data/wordnet/wn30/";

    private final Map<String, List<Integer>> meanings = new HashMap<>();
    private final Map<String, List<String>> irregular = new HashMap<>();

    private WordNet() throws IOException {
        try (BufferedReader senses = open("index.sense")) {
            for (String line = senses.readLine(); line != null; line = senses.readLine()) {
                int wordEnd = line.indexOf('%');
                int number = line.indexOf(' ') + 1;
                if (line.lastIndexOf('_', wordEnd) < 0) { // of several words, of which METEOR never asks
                    meanings.computeIfAbsent(line.substring(0, wordEnd), word -> new ArrayList<>(2))
                            .add(Integer.parseInt(line, number, line.indexOf(' ', number), 10));
                }
            }
        }
        for (String kind : List.of("adj", "adv", "noun", "verb")) {
            try (BufferedReader exceptions = open(kind + ".exc")) {
                for (String line = exceptions.readLine(); line != null; line = exceptions.readLine()) {
                    String[] words = line.strip().split("\\s+");
                    for (int i = 1; i < words.length; i++) {
                        irregular.computeIfAbsent(words[0], form -> new ArrayList<>(1)).add(words[i]);
                    }
                }
            }
        }
    }

    /** The one there is, read when it is first asked for. */
    static WordNet get() {
        return Holder.INSTANCE;
    }

    boolean has(String word) {
        return meanings.containsKey(word);
    }

    /** None for a word that is not in WordNet. */
    List<Integer> meanings(String word) {
        return Collections.unmodifiableList(meanings.getOrDefault(word, List.of()));
    }

    /** {@code child} for {@code children}; none for a word that follows the rules. */
    List<String> basesOfIrregular(String form) {
        return Collections.unmodifiableList(irregular.getOrDefault(form, List.of()));
    }

    private static BufferedReader open(String file) throws IOException {
        return Resources.asCharSource(Resources.getResource(FOLDER + file), StandardCharsets.UTF_8).openBufferedStream();
    }

    private static final class Holder {

        private static final WordNet INSTANCE = read();

        private static WordNet read() {
            try {
                return new WordNet();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
