package org.lora4j.tokenizer.pipeline;

import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;

/** Cuts a text into what a pattern finds and what lies between, from left to right, with nothing left out. */
public abstract class TextPattern {

    /** Takes the parts of a text in order. */
    @FunctionalInterface
    public interface Parts {

        /** @param found whether the pattern has found this part; it may be empty then */
        void accept(int from, int to, boolean found);
    }

    /** Calls for every part of a text; for an empty text once, with nothing found. */
    public abstract void forEach(String text, Parts use);

    /** The text that it finds, and nothing else; null if it finds others too. */
    @Nullable String literal() {
        return null;
    }

    /** Each character of a kind, one by one. */
    public static TextPattern characters(IntPredicate kind) {
        return new TextPattern() {
            @Override
            public void forEach(String text, Parts use) {
                int from = 0;
                for (int i = 0; i < text.length(); ) {
                    int c = text.codePointAt(i);
                    int next = i + Character.charCount(c);
                    if (kind.test(c)) {
                        if (from < i) {
                            use.accept(from, i, false);
                        }
                        use.accept(i, next, true);
                        from = next;
                    }
                    i = next;
                }
                if (from < text.length()) {
                    use.accept(from, text.length(), false);
                }
            }
        };
    }

    /** A text wherever it is written out. */
    public static TextPattern literal(String text) {
        return new Regex(Pattern.compile(Pattern.quote(text)), text);
    }

    public static TextPattern regex(Pattern pattern) {
        return new Regex(pattern, null);
    }

    /** The other way round: what is found counts as lying between. */
    public TextPattern inverted() {
        TextPattern plain = this;
        return new TextPattern() {
            @Override
            public void forEach(String text, Parts use) {
                plain.forEach(text, (from, to, found) -> use.accept(from, to, !found));
            }
        };
    }

    private static final class Regex extends TextPattern {

        private final Pattern pattern;
        private final @Nullable String literal;

        private Regex(Pattern pattern, @Nullable String literal) {
            this.pattern = pattern;
            this.literal = literal;
        }

        @Override
        @Nullable String literal() {
            return literal;
        }

        /** An empty match right behind the one before it is passed over. */
        @Override
        public void forEach(String text, Parts use) {
            if (text.isEmpty()) {
                use.accept(0, 0, false);
                return;
            }
            try {
                Matcher matcher = pattern.matcher(text);
                int done = 0;
                int last = -1; // where the match before ended
                for (int at = 0; at <= text.length() && matcher.find(at); ) {
                    if (matcher.end() == matcher.start() && matcher.end() == last) {
                        at = at < text.length() ? at + Character.charCount(text.codePointAt(at)) : at + 1;
                        continue;
                    }
                    at = matcher.end();
                    last = at;
                    if (done < matcher.start()) {
                        use.accept(done, matcher.start(), false);
                    }
                    use.accept(matcher.start(), at, true);
                    done = at;
                }
                if (done < text.length()) {
                    use.accept(done, text.length(), false);
                }
            } catch (StackOverflowError e) {
                throw new LoraException("the tokenizer's pattern '" + pattern + "' goes too deep on a text of "
                        + text.length() + " characters: cut the text into shorter ones", e);
            }
        }
    }
}
