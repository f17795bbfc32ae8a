package org.lora4j.chat;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Which characters of a text each of its tokens stands for: [from, to) in chars. A character whose bytes are in several tokens
 * belongs to all of them. Found by laying the tokens' bytes along the text's, so it needs no help of the tokenizer.
 */
final class TokenSpans {

    private final int[] from;
    private final int[] to;

    private TokenSpans(int[] from, int[] to) {
        this.from = from;
        this.to = to;
    }

    /** Empty where the tokens are not the text's bytes, beyond white space that is put before it or taken in. */
    static Optional<TokenSpans> of(Tokenizer tokenizer, String text, int[] ids) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] chars = charOfByte(text, bytes.length);
        int[] from = new int[ids.length];
        int[] to = new int[ids.length];
        int at = 0;
        for (int i = 0; i < ids.length; i++) {
            byte[] token = tokenizer.decodeBytesBehind(i == 0 ? -1 : ids[i - 1], ids[i]);
            int begin = at;
            int skip = 0;
            if (!matches(bytes, at, token, 0)) {
                while (begin < bytes.length && isBlank(bytes[begin]) && !matches(bytes, begin, token, 0)) {
                    begin++; // an added token has taken it in
                }
                if (!matches(bytes, begin, token, 0)) {
                    begin = at;
                    skip = token.length > 0 && token[0] == ' ' ? 1 : 0; // put before the text, or before a piece of it
                    if (skip == 0 || !matches(bytes, begin, token, 1)) {
                        return Optional.empty();
                    }
                }
            }
            at = begin + token.length - skip;
            from[i] = chars[begin];
            // a part of a character stands for the whole of it
            int end = at;
            while (end < bytes.length && end > begin && (bytes[end] & 0xc0) == 0x80) {
                end++;
            }
            to[i] = at > begin ? chars[end] : chars[begin];
        }
        for (int rest = at; rest < bytes.length; rest++) {
            if (!isBlank(bytes[rest])) {
                return Optional.empty();
            }
        }
        return Optional.of(new TokenSpans(from, to));
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b >= 9 && b <= 13;
    }

    private static boolean matches(byte[] text, int at, byte[] token, int skip) {
        if (at + token.length - skip > text.length) {
            return false;
        }
        for (int i = skip; i < token.length; i++) {
            if (text[at + i - skip] != token[i]) {
                return false;
            }
        }
        return true;
    }

    /** Of each byte, and of the end, the char that it is of. */
    private static int[] charOfByte(String text, int bytes) {
        int[] chars = new int[bytes + 1];
        int at = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            int width = c < 0x80 || Character.charCount(c) == 1 && Character.isSurrogate((char) c) ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            for (int b = 0; b < width; b++) {
                chars[at++] = i;
            }
            i += Character.charCount(c);
        }
        chars[at] = text.length();
        return chars;
    }

    /** The first token that has a part in the character at an index; −1 where none has. */
    private int tokenAt(int index) {
        for (int i = 0; i < from.length; i++) {
            if (from[i] <= index && index < to[i]) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Marks the tokens of a part of the text, as Transformers does: from the first that has its first character to the first that
     * has its last one. A token that goes over the border is marked.
     */
    void mark(int begin, int end, boolean[] marked) {
        int first = tokenAt(begin);
        int last = tokenAt(end - 1);
        for (int i = first; first >= 0 && i <= (last > 0 ? last : marked.length - 1); i++) {
            marked[i] = true;
        }
    }
}
