package org.lora4j.tokenizer.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's spelling of bytes in vocabulary files: one visible character for each byte, so that a token is a plain word.
 *
 * <pre>
 *   bytes 21–7E, A1–AC, AE–FF    the Latin-1 character of the same number:   41 → A
 *   the 68 others, in order      the characters from U+0100 on:              20 → Ġ    0A → Ċ
 * </pre>
 */
public final class ByteAlphabet {

    private static final char[] LETTER_OF_BYTE = new char[256];
    private static final int LETTERS = 256 + 68;
    private static final short[] BYTE_OF_LETTER = new short[LETTERS];

    static {
        Arrays.fill(BYTE_OF_LETTER, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean visible = b >= 0x21 && b <= 0x7E || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            LETTER_OF_BYTE[b] = visible ? (char) b : next++;
            BYTE_OF_LETTER[LETTER_OF_BYTE[b]] = (short) b;
        }
    }

    private ByteAlphabet() {
    }

    public static String letter(int unsignedByte) {
        return String.valueOf(LETTER_OF_BYTE[unsignedByte]);
    }

    static char letterOf(int unsignedByte) {
        return LETTER_OF_BYTE[unsignedByte];
    }

    /** The bytes a token stands for. One that is not spelt in this alphabet, such as an added token, is its own text. */
    public static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char letter = token.charAt(i);
            if (letter >= LETTERS || BYTE_OF_LETTER[letter] < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTE_OF_LETTER[letter];
        }
        return bytes;
    }
}
