package org.lora4j.tokenizer.pipeline;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** The decoders of the library, each under its name there. */
public final class Decoders {

    /** Tokens in GPT-2's alphabet of bytes; what is no UTF-8 becomes U+FFFD. */
    public static final TokenDecoder BYTE_LEVEL = new TokenDecoder() {
        @Override
        public List<String> decode(List<String> tokens) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            tokens.forEach(token -> bytes.writeBytes(ByteAlphabet.bytes(token)));
            return List.of(bytes.toString(StandardCharsets.UTF_8));
        }

        @Override
        public boolean isByteLevel() {
            return true;
        }
    };

    /** One text of all tokens. */
    public static final TokenDecoder FUSE = tokens -> List.of(String.join("", tokens));

    /** Tokens such as {@code <0xE2>} are bytes; where several in a row are no UTF-8, each becomes U+FFFD. */
    public static final TokenDecoder BYTE_FALLBACK = Decoders::byteFallback;

    private Decoders() {
    }

    /** One after the other. */
    public static TokenDecoder sequence(List<TokenDecoder> parts) {
        List<TokenDecoder> all = List.copyOf(parts);
        return tokens -> {
            List<String> result = tokens;
            for (TokenDecoder part : all) {
                result = part.decode(result);
            }
            return result;
        };
    }

    /**
     * Spaces between words; what begins with the prefix goes on with the word before it.
     *
     * @param cleanup whether to take away the spaces before English punctuation and contractions
     */
    public static TokenDecoder wordPiece(String prefix, boolean cleanup) {
        return tokens -> {
            List<String> result = new ArrayList<>(tokens.size());
            for (String token : tokens) {
                String part = result.isEmpty() ? token
                        : token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
                result.add(cleanup ? cleanup(part) : part);
            }
            return result;
        };
    }

    private static String cleanup(String text) {
        if (text.indexOf(' ') < 0) {
            return text;
        }
        return text.replace(" .", ".").replace(" ?", "?").replace(" !", "!").replace(" ,", ",").replace(" ' ", "'")
                .replace(" n't", "n't").replace(" 'm", "'m").replace(" do not", " don't").replace(" 's", "'s")
                .replace(" 've", "'ve").replace(" 're", "'re");
    }

    /** A space for every end of a word but the text's. */
    public static TokenDecoder bpe(String suffix) {
        return tokens -> {
            List<String> result = new ArrayList<>(tokens.size());
            for (String token : tokens) {
                result.add(token.replace(suffix, result.size() + 1 == tokens.size() ? "" : " "));
            }
            return result;
        };
    }

    /** Takes up to so many of a character from either end of every token. */
    public static TokenDecoder strip(int content, int start, int stop) {
        return each(token -> {
            int[] letters = token.codePoints().toArray();
            int from = 0;
            while (from < Math.min(start, letters.length) && letters[from] == content) {
                from++;
            }
            int to = letters.length;
            while (to > from && letters.length - to < stop && letters[to - 1] == content) {
                to--;
            }
            return new String(letters, from, to - from);
        });
    }

    /** For speech: what is said several times in a row counts once, padding goes, a delimiter is a space. */
    public static TokenDecoder ctc(String padding, String delimiter, boolean cleanup) {
        return tokens -> {
            List<String> result = new ArrayList<>();
            String before = null;
            for (String token : tokens) {
                if (!token.equals(before)) {
                    String text = token.replace(padding, "");
                    text = cleanup ? cleanup(text).replace(delimiter, " ") : text;
                    if (!text.isEmpty()) {
                        result.add(text);
                    }
                }
                before = token;
            }
            return result;
        };
    }

    private static TokenDecoder each(UnaryOperator<String> change) {
        return tokens -> tokens.stream().map(change).toList();
    }

    private static List<String> byteFallback(List<String> tokens) {
        List<String> result = new ArrayList<>(tokens.size());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String token : tokens) {
            int value = byteOf(token);
            if (value >= 0) {
                bytes.write(value);
            } else {
                flush(bytes, result);
                result.add(token);
            }
        }
        flush(bytes, result);
        return result;
    }

    /** The byte that {@code <0x41>} stands for, or -1; as the library reads it, one digit with a plus sign before it will do. */
    static int byteOf(String token) {
        boolean spelt = token.length() == 6 && token.startsWith("<0x") && token.endsWith(">")
                && token.substring(3, 5).matches("[+0-9a-fA-F][0-9a-fA-F]");
        return spelt ? Integer.parseInt(token.substring(3, 5), 16) : -1;
    }

    private static void flush(ByteArrayOutputStream bytes, List<String> result) {
        if (bytes.size() == 0) {
            return;
        }
        try {
            result.add(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString());
        } catch (CharacterCodingException e) {
            for (int i = 0; i < bytes.size(); i++) {
                result.add("\uFFFD");
            }
        }
        bytes.reset();
    }
}
