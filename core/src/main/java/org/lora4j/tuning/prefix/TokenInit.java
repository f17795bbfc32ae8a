package org.lora4j.tuning.prefix;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.MethodWords;

/**
 * What the embeddings of special tokens begin as: those of words, since embeddings that are near none the model has never seen
 * (Li and Liang 2021, section 7.4; Lester et al. 2021), or numbers at random.
 *
 * @param kind where they come from
 * @param ids  of {@link Kind#TEXT}, its tokens; else empty
 */
public record TokenInit(Kind kind, List<Integer> ids) {

    /** Where the numbers come from. */
    public enum Kind {
        /** The embeddings of tokens drawn from the vocabulary. */
        VOCABULARY,
        /** The embeddings of the tokens of a text, from its beginning and again as often as it takes. */
        TEXT,
        /** N(0, 1), which is far from any word: PEFT's default. */
        RANDOM
    }

    /** Tokens drawn from the vocabulary. */
    public static final TokenInit VOCABULARY = new TokenInit(Kind.VOCABULARY, List.of());
    /** N(0, 1). */
    public static final TokenInit RANDOM = new TokenInit(Kind.RANDOM, List.of());

    /** Requires tokens where they begin as a text, and none elsewhere. */
    public TokenInit {
        ids = List.copyOf(ids);
        if ((kind == Kind.TEXT) == ids.isEmpty()) {
            throw new LoraException(kind == Kind.TEXT ? "`initText` '': a text without tokens, expected some words"
                    : kind + ": expected no tokens, found " + ids);
        }
    }

    /** The tokens of a text. */
    public static TokenInit ofText(int... tokens) {
        return new TokenInit(Kind.TEXT, Arrays.stream(tokens).boxed().toList());
    }

    /** The same without tokens that {@code count} special ones have no use for. */
    TokenInit upTo(int count) {
        return ids.size() <= count ? this : new TokenInit(kind, ids.subList(0, count));
    }

    /** A token for each of {@code count} special ones; empty where they are drawn as numbers. */
    int[] tokens(int count, int vocabulary, long seed) {
        return switch (kind) {
            case RANDOM -> new int[0];
            case TEXT -> IntStream.range(0, count).map(i -> ids.get(i % ids.size())).toArray();
            case VOCABULARY -> {
                Philox random = new Philox(seed);
                int site = Philox.site("prefix.words");
                yield IntStream.range(0, count).map(i -> random.bounded(vocabulary, 0, site, i)).toArray();
            }
        };
    }

    /** As a method's name has it: {@code vocabulary}, {@code random}, or the text's tokens with hyphens between. */
    String word() {
        return kind == Kind.TEXT ? ids.stream().map(String::valueOf).collect(Collectors.joining("-"))
                : kind.name().toLowerCase(Locale.ROOT);
    }

    /** The inverse of {@link #word}; where nothing is said, the vocabulary. */
    static TokenInit of(MethodWords words) {
        String word = words.settings().getOrDefault("init", "vocabulary");
        if (word.matches("[0-9]{1,9}(-[0-9]{1,9})*")) {
            return ofText(Arrays.stream(word.split("-")).mapToInt(Integer::parseInt).toArray());
        }
        return switch (word) {
            case "vocabulary" -> VOCABULARY;
            case "random" -> RANDOM;
            default -> throw words.error("init " + Names.shortened(word) + ", expected vocabulary, random, or tokens such as 12-7-31");
        };
    }
}
