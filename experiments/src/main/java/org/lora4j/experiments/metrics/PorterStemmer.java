package org.lora4j.experiments.metrics;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Stems of English words by Porter's algorithm (1980) with the changes that NLTK makes to it, which is what the common scorer of
 * ROUGE uses: words whose stem is listed, {@code ies} of four letters to {@code ie}, {@code y} to {@code i} behind a consonant
 * only, {@code bli} and {@code fulli}, and words of one or two letters left as they are.
 */
final class PorterStemmer {

    private static final Map<String, String> LISTED = Map.ofEntries(
            Map.entry("sky", "sky"), Map.entry("skies", "sky"), Map.entry("dying", "die"), Map.entry("lying", "lie"),
            Map.entry("tying", "tie"), Map.entry("news", "news"), Map.entry("innings", "inning"), Map.entry("inning", "inning"),
            Map.entry("outings", "outing"), Map.entry("outing", "outing"), Map.entry("cannings", "canning"),
            Map.entry("canning", "canning"), Map.entry("howe", "howe"), Map.entry("proceed", "proceed"),
            Map.entry("exceed", "exceed"), Map.entry("succeed", "succeed"));

    /** An ending, what takes its place, and what the rest must be like. */
    private record Rule(String ending, String other, Predicate<String> when) {
    }

    private static final Predicate<String> MEASURED = stem -> measure(stem) > 0;
    private static final Predicate<String> LONG = stem -> measure(stem) > 1;

    private static final List<Rule> STEP_2 = List.of(
            rule("ational", "ate"), rule("tional", "tion"), rule("enci", "ence"), rule("anci", "ance"), rule("izer", "ize"),
            rule("bli", "ble"), rule("alli", "al"), rule("entli", "ent"), rule("eli", "e"), rule("ousli", "ous"),
            rule("ization", "ize"), rule("ation", "ate"), rule("ator", "ate"), rule("alism", "al"), rule("iveness", "ive"),
            rule("fulness", "ful"), rule("ousness", "ous"), rule("aliti", "al"), rule("iviti", "ive"), rule("biliti", "ble"),
            rule("fulli", "ful"));

    private static final List<Rule> STEP_3 = List.of(
            rule("icate", "ic"), rule("ative", ""), rule("alize", "al"), rule("iciti", "ic"), rule("ical", "ic"), rule("ful", ""),
            rule("ness", ""));

    private static final List<Rule> STEP_4 = List.of(
            last("al"), last("ance"), last("ence"), last("er"), last("ic"), last("able"), last("ible"), last("ant"), last("ement"),
            last("ment"), last("ent"), new Rule("ion", "", LONG.and(stem -> stem.endsWith("s") || stem.endsWith("t"))),
            last("ou"), last("ism"), last("ate"), last("iti"), last("ous"), last("ive"), last("ize"));

    private PorterStemmer() {
    }

    private static Rule rule(String ending, String other) {
        return new Rule(ending, other, MEASURED);
    }

    private static Rule last(String ending) {
        return new Rule(ending, "", LONG);
    }

    /** @param word in small letters */
    static String stem(String word) {
        String listed = LISTED.get(word);
        if (listed != null) {
            return listed;
        }
        if (word.length() <= 2) {
            return word;
        }
        String stem = step1c(step1b(step1a(word)));
        stem = step2(stem);
        stem = first(STEP_3, stem);
        stem = first(STEP_4, stem);
        return step5b(step5a(stem));
    }

    // ------------------------------------------------------------------------------------------------ steps

    private static String step1a(String word) {
        if (word.endsWith("ies") && word.length() == 4) {
            return cut(word, 3) + "ie";
        }
        if (word.endsWith("sses") || word.endsWith("ies")) {
            return cut(word, 2);
        }
        return word.endsWith("ss") || !word.endsWith("s") ? word : cut(word, 1);
    }

    private static String step1b(String word) {
        if (word.endsWith("ied")) {
            return cut(word, word.length() == 4 ? 1 : 2);
        }
        if (word.endsWith("eed")) {
            return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
        }
        for (String ending : List.of("ed", "ing")) {
            if (word.endsWith(ending) && hasVowel(cut(word, ending.length()))) {
                return behind1b(cut(word, ending.length()));
            }
        }
        return word;
    }

    private static String behind1b(String stem) {
        if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
            return stem + "e";
        }
        int n = stem.length();
        if (n >= 2 && stem.charAt(n - 1) == stem.charAt(n - 2) && isConsonant(stem, n - 1)) {
            return "lsz".indexOf(stem.charAt(n - 1)) >= 0 ? stem : cut(stem, 1);
        }
        return measure(stem) == 1 && endsInCvc(stem) ? stem + "e" : stem;
    }

    private static String step1c(String word) {
        int n = word.length();
        boolean turns = word.endsWith("y") && n - 1 > 1 && isConsonant(word, n - 2);
        return turns ? cut(word, 1) + "i" : word;
    }

    private static String step2(String word) {
        if (word.endsWith("alli") && MEASURED.test(cut(word, 4))) {
            return step2(cut(word, 2));
        }
        String found = first(STEP_2, word);
        boolean others = STEP_2.stream().anyMatch(rule -> word.endsWith(rule.ending));
        return !others && word.endsWith("logi") && measure(cut(word, 3)) > 0 ? cut(word, 1) : found;
    }

    private static String step5a(String word) {
        if (word.endsWith("e")) {
            String stem = cut(word, 1);
            if (measure(stem) > 1 || measure(stem) == 1 && !endsInCvc(stem)) {
                return stem;
            }
        }
        return word;
    }

    private static String step5b(String word) {
        return word.endsWith("ll") && measure(cut(word, 1)) > 1 ? cut(word, 1) : word;
    }

    /** The first rule whose ending the word has decides. */
    private static String first(List<Rule> rules, String word) {
        for (Rule rule : rules) {
            if (word.endsWith(rule.ending)) {
                String stem = cut(word, rule.ending.length());
                return rule.when.test(stem) ? stem + rule.other : word;
            }
        }
        return word;
    }

    // ------------------------------------------------------------------------------------------------ letters

    private static String cut(String word, int letters) {
        return word.substring(0, word.length() - letters);
    }

    /** Not a, e, i, o, u, nor a y behind a consonant. */
    private static boolean isConsonant(String word, int i) {
        boolean consonant = true; // of what is before the run of y
        int y = i;
        while (y > 0 && word.charAt(y) == 'y') {
            y--;
        }
        consonant = "aeiou".indexOf(word.charAt(y)) < 0;
        for (int j = y + 1; j <= i; j++) {
            consonant = !consonant;
        }
        return consonant;
    }

    /** m in [C](VC)^m[V]: how often a vowel is followed by a consonant. */
    private static int measure(String stem) {
        int count = 0;
        boolean vowel = false;
        for (int i = 0; i < stem.length(); i++) {
            boolean consonant = isConsonant(stem, i);
            count += vowel && consonant ? 1 : 0;
            vowel = !consonant;
        }
        return count;
    }

    private static boolean hasVowel(String stem) {
        for (int i = 0; i < stem.length(); i++) {
            if (!isConsonant(stem, i)) {
                return true;
            }
        }
        return false;
    }

    /** Consonant, vowel, consonant that is not w, x, y; or a vowel and a consonant that are the whole word. */
    private static boolean endsInCvc(String stem) {
        int n = stem.length();
        return n >= 3 && isConsonant(stem, n - 3) && !isConsonant(stem, n - 2) && isConsonant(stem, n - 1)
                && "wxy".indexOf(stem.charAt(n - 1)) < 0
                || n == 2 && !isConsonant(stem, 0) && isConsonant(stem, 1);
    }
}
