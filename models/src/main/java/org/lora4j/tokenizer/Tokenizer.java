package org.lora4j.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Text to token ids and back.
 *
 * <pre>
 *   {@link #encode}               a text: tokens that are written out in it are recognised, and it begins as the files say
 *   {@link #encodeContinuation}   what stands behind other tokens: the same, with nothing put before it
 *   {@link #encodeOrdinary}       a text of which nothing is recognised: for one that must not end a sequence
 *   {@link #encodePair}           a text or two for a model that reads and judges them, with its special tokens around them
 * </pre>
 *
 * <p>{@code decode(encodeOrdinary(text))} is the text. One exception, since ids stand for UTF-8 bytes: half of a surrogate
 * pair, which is a Java char but no character, is encoded as U+FFFD. With {@link #encode} so it is too, but for white space
 * that a token takes in and for what the files put before a text. Safe for use by several threads.
 */
public interface Tokenizer {

    /** The ids of a text, as Transformers gives them: a token such as {@code <|endoftext|>} written out in it is one id. */
    int[] encode(String text);

    /** The ids of a text that goes on where other tokens end: as {@link #encode}, but nothing is put before it. */
    int[] encodeContinuation(String text);

    /** The ids of a text in which nothing is a special or added token, whatever it looks like. */
    int[] encodeOrdinary(String text);

    /**
     * A text, or two, as models that judge texts are given them: with the special tokens that the files put around them,
     * their token types, and cut to a length. What is cut off are tokens of the texts, never special ones.
     *
     * @param second the other text of a pair; null where there is one text only
     * @throws LoraException if the text that may be cut is too short for it, or the special tokens leave no room
     */
    Encoding encodePair(String first, @Nullable String second, Truncation truncation);

    /** What fills shorter texts of a batch up. */
    default Padding padding() {
        return new Padding(endOfText(), 0, Side.RIGHT);
    }

    /** How many tokens a text may have as the tokenizer's files say; empty where they do not. Nothing is cut for it. */
    default OptionalInt maxLength() {
        return OptionalInt.empty();
    }

    /**
     * The bytes the ids stand for. Between two ids they may break in the middle of a character. Special tokens give
     * their name; an id that no token has gives nothing, since a model may have more rows than its tokenizer has tokens.
     *
     * @throws LoraException if an id is negative
     */
    byte[] decodeBytes(int... ids);

    /**
     * The bytes that an id adds behind another: some tokenizers write the first token of a text in another way than the same token
     * further on, without the space before it say.
     *
     * @param before the id before it; negative where it is the first
     */
    default byte[] decodeBytesBehind(int before, int id) {
        if (before >= 0) {
            byte[] first = decodeBytes(before);
            byte[] both = decodeBytes(before, id);
            if (both.length >= first.length && Arrays.equals(first, 0, first.length, both, 0, first.length)) {
                return Arrays.copyOfRange(both, first.length, both.length);
            }
        }
        return decodeBytes(id);
    }

    /** {@link #decodeBytes} read as UTF-8; bytes that are none become U+FFFD. */
    default String decode(int... ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    /** {@link #decode} without the special tokens, for people to read. */
    default String decodeText(int... ids) {
        return decode(Arrays.stream(ids).filter(id -> !isSpecial(id)).toArray());
    }

    /** Whether the id is that of a token that is no text, such as end-of-text or padding. */
    boolean isSpecial(int id);

    /** One more than the largest id. A model's embedding should have as many rows or more. */
    int vocabSize();

    /** The id that ends a text and, in training, separates context and completion. */
    int endOfText();

    /** How the token of {@link #endOfText()} is written: {@code <|endoftext|>} in GPT-2's vocabularies. */
    String endOfTextToken();

    /** The ids at which a model of this tokenizer's folder ends what it writes; {@link #endOfText()} where it does not say. */
    default Set<Integer> stopIds() {
        return Set.of(endOfText());
    }

    /** {@link #stopIds} and the id that a completion ends with in training. */
    default Set<Integer> stopIdsOfPairs() {
        Set<Integer> ids = new LinkedHashSet<>(Set.of(endOfText()));
        ids.addAll(stopIds());
        return ids;
    }

    /** SHA-256 over everything that decides which ids come out, in hex: two equal ones encode every text alike. */
    String fingerprint();

    /**
     * Refuses ids that a model has no row for.
     *
     * @param rows the model's {@code vocab_size}
     * @throws LoraException that names the first such token
     */
    default void requireRows(int rows, int... ids) {
        for (int id : ids) {
            if (id >= rows) {
                throw new LoraException("the tokenizer turns " + Names.quoted(decode(id)) + " into token " + id
                        + ", and the model has " + rows + " tokens (0 to " + (rows - 1) + "): take the tokenizer files that "
                        + "belong to the model, or give it a row for each token (resize_token_embeddings in Transformers)");
            }
        }
    }
}
