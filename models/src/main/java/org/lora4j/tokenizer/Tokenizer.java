package org.lora4j.tokenizer;

import com.google.common.primitives.ImmutableIntArray;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Text to token ids and back, without loss: {@code decode(encode(text))} is the text.
 *
 * <p>One exception, since ids stand for UTF-8 bytes: half of a surrogate pair, which is a Java char but no character,
 * is encoded as U+FFFD. Safe for use by several threads.
 */
public interface Tokenizer {

    /** The ids of the text. What looks like a special token in it is ordinary text: input never ends a sequence. */
    int[] encode(String text);

    /** The ids of the text, where each {@link #endOfTextToken()} written out in it becomes its one id. */
    default int[] encodeWithSpecialTokens(String text) {
        ImmutableIntArray.Builder ids = ImmutableIntArray.builder();
        int from = 0;
        for (int at = text.indexOf(endOfTextToken()); at >= 0; at = text.indexOf(endOfTextToken(), from)) {
            Arrays.stream(encode(text.substring(from, at))).forEach(ids::add);
            ids.add(endOfText());
            from = at + endOfTextToken().length();
        }
        Arrays.stream(encode(text.substring(from))).forEach(ids::add);
        return ids.build().toArray();
    }

    /**
     * The bytes the ids stand for. Between two ids they may break in the middle of a character. Special tokens give
     * their name.
     *
     * @throws org.lora4j.LoraException if an id is not in the vocabulary
     */
    byte[] decodeBytes(int... ids);

    /** {@link #decodeBytes} read as UTF-8; bytes that are none become U+FFFD. */
    default String decode(int... ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    /** One more than the largest id. A model's embedding may have more rows, never fewer. */
    int vocabSize();

    /** The id that ends a text and, in training, separates context and completion. */
    int endOfText();

    /** How the token of {@link #endOfText()} is written: {@code <|endoftext|>} in GPT-2's vocabularies. */
    String endOfTextToken();

    /** SHA-256 over everything that decides which ids come out, in hex: two equal ones encode every text alike. */
    String fingerprint();
}
