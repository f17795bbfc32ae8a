package org.lora4j.tokenizer.pipeline;

import java.lang.Character.UnicodeScript;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The small pre-tokenizers of the library that are not a {@link Cutting} at a pattern. */
public final class WordCuts {

    /** GPT-2's words: contractions, letters, digits, other signs, each with at most one space before it, and white space. */
    private static final Splitter GPT2_WORDS = new Cutting(TextPattern.regex(Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS)), Cutting.Behavior.ISOLATED);

    /** Runs of letters, digits and underscores, and runs of what is neither these nor white space. */
    public static final Splitter WHITESPACE = new Cutting(TextPattern.regex(Pattern.compile("\\w+|[^\\w\\s]+",
            Pattern.UNICODE_CHARACTER_CLASS)).inverted(), Cutting.Behavior.REMOVED);

    /** Cuts where the script changes; Japanese syllables count as Chinese, and a space as whatever stands before it. */
    public static final Splitter SCRIPTS = WordCuts::scripts;

    private WordCuts() {
    }

    /**
     * Words as bytes, spelt in GPT-2's alphabet.
     *
     * @param prefixSpace whether a text that begins without a space gets one
     * @param words       whether to cut into GPT-2's words
     */
    public record ByteLevel(boolean prefixSpace, boolean words) implements Splitter {

        @Override
        public void split(String text, boolean begins, Words use) {
            String spaced = prefixSpace && !text.startsWith(" ") ? " " + text : text;
            if (words) {
                GPT2_WORDS.split(spaced, begins, (word, first) -> use.accept(Rewriting.toByteLetters(word), first));
            } else if (!spaced.isEmpty()) {
                use.accept(Rewriting.toByteLetters(spaced), begins);
            }
        }
    }

    /** Cuts into pieces of so many characters. */
    public record FixedLength(int length) implements Splitter {

        @Override
        public void split(String text, boolean begins, Words use) {
            for (int from = 0; from < text.length(); ) {
                int to = from;
                for (int i = 0; i < length && to < text.length(); i++) {
                    to += Character.charCount(text.codePointAt(to));
                }
                use.accept(text.substring(from, to), begins && from == 0);
                from = to;
            }
        }
    }

    private static void scripts(String text, boolean begins, Splitter.Words use) {
        UnicodeScript last = null;
        int from = -1; // before the first character that has a script there is no word
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            UnicodeScript script = script(c);
            if (script != null && script != last) {
                if (from >= 0) {
                    use.accept(text.substring(from, i), begins && from == 0);
                }
                from = i;
                last = script;
            }
            i += Character.charCount(c);
        }
        if (from >= 0) {
            use.accept(text.substring(from), begins && from == 0);
        }
    }

    private static @Nullable UnicodeScript script(int c) {
        UnicodeScript script = c == 0x30FC ? UnicodeScript.HAN : Characters.script(c);
        return script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA ? UnicodeScript.HAN : script;
    }
}
