package org.lora4j.tokenizer;

import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * GPT-2's first cut of a text into words, which BPE never joins again: English contractions, letters, digits, other
 * signs, each with at most one space before it, and white space. The pieces put together are the text.
 *
 * <p>The expression is GPT-2's own. It was written for Python's {@code regex} module, whose {@code \s} is Unicode's
 * property White_Space, as it is in Java with the flag below. Both take letters and digits from Unicode's categories; in
 * Java 25 those of Unicode 16, so that only characters invented later fall otherwise.
 */
final class PreTokenizer {

    private static final Pattern WORD = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    private PreTokenizer() {
    }

    static void forEachWord(CharSequence text, Consumer<String> use) {
        Matcher words = WORD.matcher(text);
        while (words.find()) {
            use.accept(words.group());
        }
    }
}
