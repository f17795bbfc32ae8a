package org.lora4j.tokenizer.pipeline;

import java.text.Normalizer.Form;

/**
 * What BERT does with a text before it is cut into words (Devlin et al. 2019), in this order:
 *
 * <pre>
 *   clean        control characters, U+0000 and U+FFFD go, every white space becomes a space
 *   Chinese      a space on either side of every Chinese character
 *   accents      é → e: decomposed (NFD), then without marks that take no room
 *   lower case   character by character
 * </pre>
 *
 * @param accents whether accents go
 */
public record BertCleaning(boolean clean, boolean chinese, boolean accents, boolean lowercase) implements Normalizer {

    @Override
    public String normalize(String text) {
        String result = clean && !isPlain(text) ? clean(text) : text;
        if (chinese) {
            result = apart(result);
        }
        if (accents) {
            result = withoutAccents(result);
        }
        return lowercase ? Characters.lowercase(result) : result;
    }

    @Override
    public boolean dropsBeginning(String text) {
        if (text.isEmpty()) {
            return false;
        }
        int first = text.codePointAt(0);
        return clean && goes(first) || accents && Characters.isNonspacingMark(first);
    }

    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                return false;
            }
        }
        return true;
    }

    private static boolean goes(int c) {
        return c == 0 || c == 0xFFFD || c != '\t' && c != '\n' && c != '\r' && Characters.isOther(c);
    }

    private static String clean(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (!goes(c)) {
                kept.appendCodePoint(Characters.isWhitespace(c) ? ' ' : c);
            }
        }
        return kept.toString();
    }

    private static String apart(String text) {
        int first = 0;
        while (first < text.length() && text.charAt(first) < 0x3400) {
            first++;
        }
        if (first == text.length()) {
            return text;
        }
        StringBuilder result = new StringBuilder(text.length() * 2).append(text, 0, first);
        for (int i = first; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (isChinese(c)) {
                result.append(' ').appendCodePoint(c).append(' ');
            } else {
                result.appendCodePoint(c);
            }
        }
        return result.toString();
    }

    /** The blocks as the library has them; in its sixth range it begins a little late, and so do we. */
    private static boolean isChinese(int c) {
        return c >= 0x4E00 && c <= 0x9FFF || c >= 0x3400 && c <= 0x4DBF || c >= 0x20000 && c <= 0x2A6DF
                || c >= 0x2A700 && c <= 0x2B73F || c >= 0x2B740 && c <= 0x2B81F || c >= 0x2B920 && c <= 0x2CEAF
                || c >= 0xF900 && c <= 0xFAFF || c >= 0x2F800 && c <= 0x2FA1F;
    }

    private static String withoutAccents(String text) {
        String decomposed = UnicodeForm.normalize(text, Form.NFD);
        for (int i = 0; i < decomposed.length(); i++) {
            if (decomposed.charAt(i) >= 0x300) {
                return Filter.without(decomposed, Characters::isNonspacingMark);
            }
        }
        return decomposed;
    }
}
