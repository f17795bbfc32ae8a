package org.lora4j.tokenizer.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.function.IntPredicate;

/** The small normalizers of the library, each under its name there. */
public final class Rewriting {

    /** Small letters for capital ones. */
    public static final Normalizer LOWERCASE = Characters::lowercase;

    /** Each byte of the text's UTF-8 as a letter of GPT-2's alphabet. */
    public static final Normalizer BYTE_LEVEL = Rewriting::toByteLetters;

    /** What SentencePiece's rule "nmt" does with control characters and rare spaces. */
    public static final Normalizer NMT = new Nmt();

    private Rewriting() {
    }

    /** Takes white space from either end. */
    public record Strip(boolean left, boolean right) implements Normalizer {

        @Override
        public String normalize(String text) {
            int from = 0;
            int to = text.length();
            while (left && from < to && Characters.isWhitespace(text.charAt(from))) {
                from++;
            }
            while (right && to > from && Characters.isWhitespace(text.charAt(to - 1))) {
                to--;
            }
            return text.substring(from, to);
        }

        @Override
        public boolean dropsBeginning(String text) {
            return left && !text.isEmpty() && Characters.isWhitespace(text.charAt(0));
        }
    }

    /** Puts something before a text that is not empty. */
    public record Prepend(String prefix) implements Normalizer {

        @Override
        public String normalize(String text) {
            return text.isEmpty() ? text : prefix + text;
        }
    }

    private static final class Nmt implements Normalizer {

        private static final IntPredicate GOES = c -> c >= 1 && c <= 8 || c == 0xB || c >= 0xE && c <= 0x1F || c == 0x7F
                || c == 0x8F || c == 0x9F;

        @Override
        public String normalize(String text) {
            String kept = Filter.without(text, GOES);
            StringBuilder result = new StringBuilder(kept.length());
            for (int i = 0; i < kept.length(); i++) {
                result.append(isSpace(kept.charAt(i)) ? ' ' : kept.charAt(i));
            }
            return result.toString();
        }

        private static boolean isSpace(char c) {
            return c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 || c >= 0x200B && c <= 0x200F || c == 0x2028
                    || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
        }

        @Override
        public boolean dropsBeginning(String text) {
            return !text.isEmpty() && GOES.test(text.codePointAt(0));
        }
    }

    static String toByteLetters(String text) {
        int visible = 0;
        while (visible < text.length() && text.charAt(visible) > ' ' && text.charAt(visible) <= '~') {
            visible++;
        }
        if (visible == text.length()) {
            return text;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        StringBuilder letters = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            letters.append(ByteAlphabet.letterOf(b & 0xFF));
        }
        return letters.toString();
    }
}
