package org.lora4j.data;

import com.google.common.primitives.Ints;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Pairs to tokens, as the authors' scripts do it:
 *
 * <pre>
 *   encode(context)  end-of-text  encode(" " + completion)  end-of-text
 * </pre>
 *
 * The space makes the first word the token it is in running text: " Aromi", not "Aromi".
 */
public final class ExampleEncoder {

    private final Tokenizer tokenizer;
    private final int maxPositions;
    private final TooLong tooLong;

    /**
     * @param maxPositions how many tokens the model can take, {@code n_positions} in its configuration
     */
    public ExampleEncoder(Tokenizer tokenizer, int maxPositions, TooLong tooLong) {
        if (maxPositions < 3) {
            throw new IllegalArgumentException("an example is two end-of-texts and something to say,"
                    + " so it takes at least 3 positions; found " + maxPositions);
        }
        this.tokenizer = tokenizer;
        this.maxPositions = maxPositions;
        this.tooLong = tooLong;
    }

    /** An example that is too long is an error. */
    public ExampleEncoder(Tokenizer tokenizer, int maxPositions) {
        this(tokenizer, maxPositions, TooLong.FAIL);
    }

    /**
     * What became of a list of pairs.
     *
     * @param examples  in the order of the pairs, without the dropped ones
     * @param truncated how many lost the beginning of their context
     * @param dropped   how many were left out
     */
    public record Result(List<EncodedExample> examples, int truncated, int dropped) {

        public Result {
            examples = List.copyOf(examples);
        }

        /** Tokens that the loss is taken over, in one epoch. */
        public long targets() {
            return examples.stream().mapToLong(EncodedExample::targets).sum();
        }
    }

    /** @throws LoraException if a pair has no completion, or is too long and {@link TooLong} does not say what else to do */
    public Result encode(List<TextPair> pairs) {
        List<EncodedExample> examples = new ArrayList<>(pairs.size());
        int truncated = 0;
        int dropped = 0;
        for (int i = 0; i < pairs.size(); i++) {
            EncodedExample example = encode(pairs.get(i), i + 1);
            if (example.length() <= maxPositions) {
                examples.add(example);
            } else if (tooLong == TooLong.DROP) {
                dropped++;
            } else if (tooLong == TooLong.TRUNCATE_CONTEXT && example.targets() < maxPositions) {
                examples.add(truncate(example));
                truncated++;
            } else {
                throw tooLong(example, pairs.get(i), i + 1);
            }
        }
        return new Result(examples, truncated, dropped);
    }

    /** What a model is given to continue: the context's tokens and end-of-text. */
    public int[] encodePrompt(String context) {
        return Ints.concat(tokenizer.encode(context.strip()), new int[] {tokenizer.endOfText()});
    }

    private EncodedExample encode(TextPair pair, int number) {
        if (!pair.hasCompletion()) {
            throw new LoraException("example " + number + " (\"" + beginning(pair)
                    + "\") has no completion, so there is nothing to learn from it. Is this a file of inputs only?");
        }
        int[] prompt = encodePrompt(pair.context());
        int[] completion = tokenizer.encodeContinuation(" " + pair.completion());
        return new EncodedExample(Ints.concat(prompt, completion, new int[] {tokenizer.endOfText()}), prompt.length);
    }

    private EncodedExample truncate(EncodedExample example) {
        int surplus = example.length() - maxPositions;
        int[] kept = Arrays.copyOfRange(example.tokens(), surplus, example.length());
        return new EncodedExample(kept, example.completionStart() - surplus);
    }

    private LoraException tooLong(EncodedExample example, TextPair pair, int number) {
        String ways = tooLong == TooLong.TRUNCATE_CONTEXT
                ? "Its completion alone has " + example.targets() + ", so cutting the context does not help: shorten or drop it"
                : "Shorten it, or give --too-long truncate_context (cuts contexts at their beginning) or --too-long drop";
        return new LoraException("example " + number + " (\"" + beginning(pair) + "\") has " + example.length()
                + " tokens, the model has " + maxPositions + " positions. " + ways);
    }

    private static String beginning(TextPair pair) {
        String context = pair.context();
        return context.length() <= 60 ? context : context.substring(0, 59) + "…";
    }
}
