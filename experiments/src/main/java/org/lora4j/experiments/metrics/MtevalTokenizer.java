package org.lora4j.experiments.metrics;

import com.google.common.base.Ascii;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The tokenisation "13a" of NIST's mteval-v13a.pl, on which published BLEU and NIST scores rest.
 *
 * <pre>
 *   &lt;skipped&gt; is dropped;  &amp;quot; &amp;amp; &amp;lt; &amp;gt; become characters
 *   A to Z become small, and no other letter
 *   each ASCII punctuation mark but ' , - . becomes a word
 *   . and , become words unless a digit stands before, and again unless one stands after
 *   - becomes a word after a digit
 * </pre>
 *
 * The scorer puts texts into SGML without escaping them, and joins all white space of a document first, so a line break
 * inside a text is a space. White space is Unicode's, a no-break space too.
 */
final class MtevalTokenizer {

    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern PUNCTUATION = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern POINT_AFTER_NO_DIGIT = Pattern.compile("([^0-9])([.,])");
    private static final Pattern POINT_BEFORE_NO_DIGIT = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");

    private MtevalTokenizer() {
    }

    /** The words; none for a text that holds nothing but white space. */
    static List<String> tokenize(String text, boolean keepCase) {
        String line = WHITE_SPACE.matcher(text).replaceAll(" ")
                .replace("<skipped>", "")
                .replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        line = " " + (keepCase ? line : Ascii.toLowerCase(line)) + " ";
        line = PUNCTUATION.matcher(line).replaceAll(" $1 ");
        line = POINT_AFTER_NO_DIGIT.matcher(line).replaceAll("$1 $2 ");
        line = POINT_BEFORE_NO_DIGIT.matcher(line).replaceAll(" $1 $2");
        line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ").strip();
        return line.isEmpty() ? List.of() : List.of(WHITE_SPACE.split(line));
    }
}
