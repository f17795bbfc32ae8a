package org.lora4j.tokenizer.pipeline;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.Character.UnicodeScript;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What kind of character a code point is, in the words of Hugging Face's tokenizers.
 *
 * <p>Their tables come from several versions of Unicode, some of them ten years old: a punctuation mark or an accent that was
 * invented since is neither there. {@code unicode.txt} has the few hundred code points where Java 25 says otherwise.
 */
public final class Characters {

    private static final Map<String, BitSet> EXCEPTIONS = new HashMap<>();
    private static final Map<Integer, Integer> LOWER = new HashMap<>();
    private static final BitSet PUNCTUATION;
    private static final BitSet NUMERIC;
    private static final BitSet CONTROL;
    private static final BitSet NONSPACING;
    private static final BitSet MARK;
    private static final BitSet UNNORMALIZED;
    private static final BitSet SCRIPTLESS;

    private static final int SMALL_DOTLESS_PAIR = 0x130; // İ: the only one whose small letter is two characters

    static {
        read();
        PUNCTUATION = EXCEPTIONS.get("punctuation");
        NUMERIC = EXCEPTIONS.get("numeric");
        CONTROL = EXCEPTIONS.get("control");
        NONSPACING = EXCEPTIONS.get("nonspacing");
        MARK = EXCEPTIONS.get("mark");
        UNNORMALIZED = EXCEPTIONS.get("unnormalized");
        SCRIPTLESS = EXCEPTIONS.get("scriptless");
    }

    private Characters() {
    }

    private static void read() {
        try (InputStream in = Characters.class.getResourceAsStream("unicode.txt");
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            lines.lines().filter(line -> !line.startsWith("#")).forEach(Characters::readLine);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void readLine(String line) {
        String[] words = line.split(" ");
        if (words[0].equals("lower")) {
            for (int i = 1; i < words.length; i++) {
                String[] pair = words[i].split(">");
                LOWER.put(Integer.parseInt(pair[0], 16), Integer.parseInt(pair[1], 16));
            }
            return;
        }
        BitSet set = EXCEPTIONS.computeIfAbsent(words[0], unused -> new BitSet());
        for (int i = 2; i < words.length; i++) {
            String[] range = words[i].split("-");
            set.set(Integer.parseInt(range[0], 16), Integer.parseInt(range[range.length - 1], 16) + 1);
        }
    }

    /** Unicode's White_Space. */
    public static boolean isWhitespace(int c) {
        return c == ' ' || c >= 9 && c <= 13 || c >= 0x85 && (c == 0x85 || c == 0xA0 || c == 0x1680
                || c >= 0x2000 && c <= 0x200A || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000);
    }

    /** Of Unicode's categories P, or any ASCII sign that is neither letter, digit nor control character. */
    public static boolean isPunctuation(int c) {
        if (c < 128) {
            return c > ' ' && c < 127 && !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z');
        }
        return switch (Character.getType(c)) {
            case Character.DASH_PUNCTUATION, Character.START_PUNCTUATION, Character.END_PUNCTUATION,
                    Character.CONNECTOR_PUNCTUATION, Character.OTHER_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION,
                    Character.FINAL_QUOTE_PUNCTUATION -> !PUNCTUATION.get(c);
            default -> PUNCTUATION.get(c);
        };
    }

    /** Of the categories N: digits, Roman numbers, fractions. */
    public static boolean isNumeric(int c) {
        if (c < 128) {
            return c >= '0' && c <= '9';
        }
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> !NUMERIC.get(c);
            default -> NUMERIC.get(c);
        };
    }

    /** Control, format and private characters. */
    static boolean isOther(int c) {
        if (c < 128) {
            return c < 32 || c == 127;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.PRIVATE_USE -> !CONTROL.get(c);
            default -> CONTROL.get(c);
        };
    }

    /** An accent that takes no room of its own, category Mn. */
    static boolean isNonspacingMark(int c) {
        return c >= 0x300 && (Character.getType(c) == Character.NON_SPACING_MARK) != NONSPACING.get(c);
    }

    /** Any of the categories M. */
    static boolean isMark(int c) {
        if (c < 0x300) {
            return false;
        }
        int type = Character.getType(c);
        boolean mark = type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK
                || type == Character.ENCLOSING_MARK;
        return mark != MARK.get(c);
    }

    /** The script of a character; null for a space and for characters that the tables do not have. */
    static @Nullable UnicodeScript script(int c) {
        if (c == ' ' || SCRIPTLESS.get(c)) {
            return null;
        }
        UnicodeScript script = switch (c) {
            case 0x61C, 0x589 -> UnicodeScript.COMMON;
            case 0x953, 0x954 -> UnicodeScript.DEVANAGARI;
            default -> UnicodeScript.of(c);
        };
        return script == UnicodeScript.UNKNOWN ? null : script;
    }

    /** Whether normal forms pass it over, since it was invented after their tables. */
    static boolean isUnnormalized(int c) {
        return UNNORMALIZED.get(c);
    }

    /**
     * Small letters for capital ones, character by character, whatever stands around them: Σ is always σ, and İ is i with a
     * dot above it.
     */
    static String lowercase(String text) {
        int at = firstToLower(text);
        if (at == text.length()) {
            return text;
        }
        StringBuilder lower = new StringBuilder(text.length() + 8).append(text, 0, at);
        while (at < text.length()) {
            char letter = text.charAt(at);
            if (letter < 128) {
                lower.append(letter >= 'A' && letter <= 'Z' ? (char) (letter + 32) : letter);
                at++;
                continue;
            }
            int c = text.codePointAt(at);
            at += Character.charCount(c);
            if (c == SMALL_DOTLESS_PAIR) {
                lower.append("i\u0307");
            } else {
                int small = Character.toLowerCase(c);
                lower.appendCodePoint(small == c ? LOWER.getOrDefault(c, c) : small);
            }
        }
        return lower.toString();
    }

    private static int firstToLower(String text) {
        int at = 0;
        while (at < text.length() && text.charAt(at) < 128 && (text.charAt(at) < 'A' || text.charAt(at) > 'Z')) {
            at++;
        }
        return at;
    }
}
