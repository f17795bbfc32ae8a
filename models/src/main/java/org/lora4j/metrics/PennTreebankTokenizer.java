package org.lora4j.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Words as in the Penn Treebank: {@code It's £20, isn't it?} is {@code it 's # 20 , is n't it ?}
 *
 * <p>Made to give what the Stanford tokenizer of CoreNLP 3.4.1 gives with {@code -preserveLines -lowerCase}, since
 * published ROUGE-L and CIDEr rest on it: brackets are {@code -lrb-} and the like, quotes {@code ``} and {@code ''}, the
 * pound sign is {@code #}, dots are {@code ...}, contractions are split, and abbreviations keep their point. It works on
 * lines together: whether a letter with a point ends a sentence can depend on how the next line begins.
 *
 * <p>At each place the longest of {@link PennTreebankRules} wins, and among equally long ones the first.
 */
final class PennTreebankTokenizer {

    private static final Set<String> WRITTEN_TOGETHER = Set.of("cannot", "gonna", "gotta", "lemme", "gimme", "wanna");
    private static final int ASCII = 128;

    private PennTreebankTokenizer() {
    }

    /** The words of each line; none for a blank one. */
    static List<List<String>> tokenize(List<String> lines) {
        String text = lines.stream().map(PennTreebankTokenizer::withoutBreaks).collect(Collectors.joining("\n"));
        return lines.isEmpty() ? List.of() : new Run(text).words();
    }

    /** What the tokenizer takes for the end of a line would shift all lines after it. */
    private static String withoutBreaks(String line) {
        return line.replaceAll("[\\r\\n\\u000B\\u000C\\u0085\\u2028\\u2029]", " ");
    }

    /** One text and how far it is read. */
    private static final class Run {

        private final String text;
        private final List<Matcher> matchers = new ArrayList<>();
        private final int[][] rulesByFirst = new int[ASCII + 1][];
        private int at;

        Run(String text) {
            this.text = text;
            for (PennTreebankRules.Rule rule : PennTreebankRules.ALL) {
                matchers.add(rule.pattern().matcher(text));
            }
        }

        List<List<String>> words() {
            List<List<String>> byLine = new ArrayList<>();
            List<String> words = new ArrayList<>();
            while (at < text.length()) {
                if (text.charAt(at) == '\n') {
                    byLine.add(words);
                    words = new ArrayList<>();
                    at++;
                } else {
                    String word = next();
                    if (!word.isEmpty()) {
                        words.add(word.toLowerCase(Locale.ROOT));
                    }
                }
            }
            byLine.add(words);
            return byLine;
        }

        /** The next word, or nothing where what is next is no word. */
        private String next() {
            int end = endOfPlainWord();
            if (end > at) {
                String word = text.substring(at, end);
                at = end;
                return word;
            }
            int longest = 0;
            int best = -1;
            for (int rule : rules(text.charAt(at))) {
                Matcher matcher = matchers.get(rule);
                matcher.region(at, text.length());
                if (matcher.lookingAt() && matcher.end() - at > longest) {
                    longest = matcher.end() - at;
                    best = rule;
                }
            }
            if (best < 0) {
                at++; // no rule knows the character: the tokenizer drops it
                return "";
            }
            Matcher matcher = matchers.get(best);
            matcher.region(at, text.length()).lookingAt();
            at = matcher.end(PennTreebankRules.TOKEN);
            return PennTreebankRules.ALL.get(best).written(matcher.group(PennTreebankRules.TOKEN));
        }

        /** The usual case, without rules: ASCII letters with a space after them, or a comma and a space. */
        private int endOfPlainWord() {
            int end = at;
            while (end < text.length() && isAsciiLetter(text.charAt(end))) {
                end++;
            }
            boolean plain = end < text.length() && (text.charAt(end) == ' '
                    || text.charAt(end) == ',' && end + 1 < text.length() && text.charAt(end + 1) == ' ');
            return plain && !WRITTEN_TOGETHER.contains(text.substring(at, end).toLowerCase(Locale.ROOT)) ? end : at;
        }

        private static boolean isAsciiLetter(char c) {
            return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
        }

        /** The rules that a token beginning with this character can follow. */
        private int[] rules(char first) {
            int index = Math.min(first, ASCII);
            if (rulesByFirst[index] == null) {
                rulesByFirst[index] = IntStream.range(0, matchers.size())
                        .filter(rule -> first >= ASCII || PennTreebankRules.ALL.get(rule).mayBeginWith(first)).toArray();
            }
            return rulesByFirst[index];
        }
    }
}
