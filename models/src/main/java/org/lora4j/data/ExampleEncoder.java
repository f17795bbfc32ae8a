package org.lora4j.data;

import com.google.common.primitives.Ints;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.chat.LossOn;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Examples to tokens. A pair as the authors' scripts do it:
 *
 * <pre>
 *   encode(context)  end-of-text  encode(" " + completion)  end-of-text
 * </pre>
 *
 * The space makes the first word the token it is in running text: " Aromi", not "Aromi". A completion that begins with white
 * space of its own, as code does that is indented, gets no other; {@link #completion} takes back what was added.
 *
 * <p>The others as Transformers and TRL do it:
 *
 * <pre>
 *   a chat                   the text of its template, with nothing put before or behind it; learned as {@link ChatEncoder} says
 *   prompt and completion    encode(prompt + completion + end-of-text); learned from token |encode(prompt)| on, so a token that
 *                            goes over the border counts as one of the prompt where the prompt alone has as many tokens
 *   a text                   encode(text + end-of-text), learned from its second token on
 *   fields                   the text of {@link #withTemplate}, and end-of-text where it does not end so
 * </pre>
 */
public final class ExampleEncoder {

    private final Tokenizer tokenizer;
    private final int maxPositions;
    private final TooLong tooLong;
    private final LossOn lossOn;
    private final @Nullable ChatTemplate template;
    private final @Nullable ChatEncoder chats;

    /**
     * Encodes for a model of so many positions.
     *
     * @param maxPositions how many tokens the model can take, {@code n_positions} in its configuration
     */
    public ExampleEncoder(Tokenizer tokenizer, int maxPositions, TooLong tooLong) {
        this(tokenizer, maxPositions, tooLong, LossOn.COMPLETION, null);
    }

    private ExampleEncoder(
            Tokenizer tokenizer, int maxPositions, TooLong tooLong, LossOn lossOn, @Nullable ChatTemplate template) {
        if (maxPositions < 3) {
            throw new IllegalArgumentException("an example is two end-of-texts and something to say,"
                    + " so it takes at least 3 positions; found " + maxPositions);
        }
        this.tokenizer = tokenizer;
        this.maxPositions = maxPositions;
        this.tooLong = tooLong;
        this.lossOn = lossOn;
        this.template = template;
        this.chats = template == null ? null : new ChatEncoder(tokenizer, template);
    }

    /** The same with a template, which chats and fields need. */
    public ExampleEncoder withTemplate(@Nullable ChatTemplate chosen) {
        return new ExampleEncoder(tokenizer, maxPositions, tooLong, lossOn, chosen);
    }

    /** Whether any of these needs one. */
    public static boolean needsTemplate(List<? extends Example> examples) {
        return examples.stream().anyMatch(example -> example instanceof Example.Talk || example instanceof Example.Fields);
    }

    /** The same with other tokens learned. */
    public ExampleEncoder withLossOn(LossOn which) {
        return new ExampleEncoder(tokenizer, maxPositions, tooLong, which, template);
    }

    /** An example that is too long is an error. */
    public ExampleEncoder(Tokenizer tokenizer, int maxPositions) {
        this(tokenizer, maxPositions, TooLong.FAIL);
    }

    /**
     * What became of a list of pairs.
     *
     * @param examples       in the order of the pairs, without the dropped ones
     * @param truncatedAt    where those stand that lost the beginning of their context
     * @param droppedAt      where those stand that were left out
     * @param maxPositions   how many tokens an example may have
     */
    public record Result(List<EncodedExample> examples, List<Place> truncatedAt, List<Place> droppedAt, int maxPositions) {

        /** Keeps its own lists. */
        public Result {
            examples = List.copyOf(examples);
            truncatedAt = List.copyOf(truncatedAt);
            droppedAt = List.copyOf(droppedAt);
        }

        /** How many lost the beginning of their context. */
        public int truncated() {
            return truncatedAt.size();
        }

        /** How many were left out. */
        public int dropped() {
            return droppedAt.size();
        }

        /**
         * What was done to examples that are too long, a line for each thing that was done:
         * {@code 2 of 7 train examples have more tokens than the model's 64 positions and were dropped: a.jsonl, lines 3 and 5}.
         *
         * @param part which pairs these are: train, dev
         */
        public List<String> remarks(String part) {
            List<String> remarks = new ArrayList<>();
            if (dropped() > 0) {
                remarks.add(remark(part, droppedAt, dropped() == 1 ? "was dropped" : "were dropped"));
            }
            if (truncated() > 0) {
                remarks.add(remark(part, truncatedAt,
                        "lost the beginning of " + (truncated() == 1 ? "its context" : "their contexts")));
            }
            return remarks;
        }

        private String remark(String part, List<Place> places, String done) {
            int all = examples.size() + dropped();
            return "%,d of %,d %s example%s ha%s more tokens than the model's %,d positions and %s: %s".formatted(
                    places.size(), all, part, all == 1 ? "" : "s", places.size() == 1 ? "s" : "ve", maxPositions, done,
                    Place.some(places));
        }

        /** Tokens that the loss is taken over, in one epoch. */
        public long targets() {
            return examples.stream().mapToLong(EncodedExample::targets).sum();
        }
    }

    /** Pairs of no part in particular. */
    public Result encode(List<? extends Example> pairs) {
        return encode(pairs, "");
    }

    /**
     * Encodes all pairs, with what is told of those that do not fit.
     *
     * @param part what messages call these pairs: train, dev; may be empty
     * @throws LoraException if a pair has no completion, or is too long and {@link TooLong} does not say what else to do
     */
    public Result encode(List<? extends Example> pairs, String part) {
        List<EncodedExample> examples = new ArrayList<>(pairs.size());
        List<Place> truncated = new ArrayList<>();
        List<Place> dropped = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i++) {
            Example pair = pairs.get(i);
            Place place = pair.place() != null ? pair.place() : new Place(null, "example", i + 1);
            EncodedExample example = encode(pair, place, part);
            if (example.length() <= maxPositions) {
                examples.add(example);
            } else if (tooLong == TooLong.DROP) {
                dropped.add(place);
            } else if (tooLong == TooLong.TRUNCATE_CONTEXT && example.length() - example.completionStart() < maxPositions) {
                examples.add(truncate(example));
                truncated.add(place);
            } else {
                throw tooLong(example, pair, place, part);
            }
        }
        return new Result(examples, truncated, dropped, maxPositions);
    }

    /** What a model is given to continue: the context's tokens and end-of-text. */
    public int[] encodePrompt(String context) {
        return Ints.concat(tokenizer.encode(context), new int[] {tokenizer.endOfText()});
    }

    /** What a model is given to write what an example teaches; null where it teaches no answer to anything. */
    public int @Nullable [] prompt(Example example) {
        return switch (example) {
            case TextPair pair -> encodePrompt(pair.context());
            case Example.Prompted prompted when !prompted.prompt().isEmpty() -> tokenizer.encode(prompted.prompt());
            case Example.Talk talk when talk.chat().turns().stream().anyMatch(turn -> turn > 0) ->
                    chats().prompt(talk.chat().beforeLastTurn());
            default -> null;
        };
    }

    /** The tokens at which what is written behind such a prompt ends. */
    public Set<Integer> stopIds(Example example) {
        return example instanceof Example.Talk ? chats().stopIds()
                : example instanceof TextPair ? tokenizer.stopIdsOfPairs() : tokenizer.stopIds();
    }

    /** The completion that this text was made of, where a model has learned to write such texts. */
    public static String completion(String decoded) {
        return decoded.startsWith(" ") && decoded.length() > 1 && !isSpace(decoded.codePointAt(1))
                ? decoded.substring(1) : decoded;
    }

    private static String withSpace(String completion) {
        return isSpace(completion.codePointAt(0)) ? completion : " " + completion;
    }

    private static boolean isSpace(int codePoint) {
        return Character.isWhitespace(codePoint) || Character.isSpaceChar(codePoint);
    }

    private EncodedExample encode(Example example, Place place, String part) {
        EncodedExample encoded;
        try {
            encoded = switch (example) {
                case TextPair pair -> encode(pair);
                case Example.Prompted prompted -> encode(prompted);
                case Example.Talk talk -> of(chats().encode(talk.chat(), lossOn));
                case Example.Text text -> text.text().isEmpty() ? nothing() : encodeFrom(withEnd(text.text()), 1);
                case Example.Fields fields -> of(chats().encode(template.renderFields(fields.values()), lossOn));
            };
        } catch (LoraException e) {
            throw new LoraException(shown(example, place, part) + ": " + e.getMessage(), e);
        }
        if (encoded.targets() == 0) {
            throw new LoraException(shown(example, place, part) + " has no "
                    + (example instanceof Example.Talk ? "turn of the assistant's that is learned" : "completion")
                    + ", so there is nothing to learn from it. Is this a file of inputs only?");
        }
        return encoded;
    }

    private static EncodedExample nothing() {
        return new EncodedExample(new int[] {0}, new boolean[1]);
    }

    private ChatEncoder chats() {
        if (chats == null) {
            throw new LoraException("a chat needs a template: give `template`");
        }
        return chats;
    }

    private static EncodedExample of(ChatEncoder.Encoded encoded) {
        if (encoded.ids().length == 0) {
            return nothing();
        }
        boolean[] learned = encoded.learned();
        learned[0] = false;
        return new EncodedExample(encoded.ids(), learned);
    }

    private EncodedExample encode(TextPair pair) {
        if (!pair.hasCompletion()) {
            return nothing();
        }
        int[] prompt = encodePrompt(pair.context());
        int[] completion = tokenizer.encodeContinuation(withSpace(pair.completion()));
        return new EncodedExample(Ints.concat(prompt, completion, new int[] {tokenizer.endOfText()}),
                lossOn == LossOn.ALL ? 1 : prompt.length);
    }

    private EncodedExample encode(Example.Prompted prompted) {
        if (prompted.completion().isEmpty()) {
            return nothing();
        }
        int start = prompted.prompt().isEmpty() ? 0 : tokenizer.encode(prompted.prompt()).length;
        return encodeFrom(withEnd(prompted.prompt() + prompted.completion()), lossOn == LossOn.ALL ? 1 : Math.max(1, start));
    }

    private String withEnd(String text) {
        return text.endsWith(tokenizer.endOfTextToken()) ? text : text + tokenizer.endOfTextToken();
    }

    private EncodedExample encodeFrom(String text, int start) {
        int[] ids = tokenizer.encode(text);
        return ids.length == 0 ? nothing() : new EncodedExample(ids, Math.min(start, ids.length));
    }

    private EncodedExample truncate(EncodedExample example) {
        int surplus = example.length() - maxPositions;
        int[] kept = Arrays.copyOfRange(example.tokens(), surplus, example.length());
        return new EncodedExample(kept, Arrays.copyOfRange(example.learned(), surplus, example.length()));
    }

    private LoraException tooLong(EncodedExample example, Example pair, Place place, String part) {
        String ways = tooLong == TooLong.TRUNCATE_CONTEXT
                ? "Its completion alone has " + (example.length() - example.completionStart()) + ", so cutting the context does not help: shorten or drop it"
                : "Shorten it, or give `tooLong` truncate_context (cuts contexts at their beginning) or `tooLong` drop";
        return new LoraException(shown(pair, place, part) + " has " + example.length()
                + " tokens, the model has " + maxPositions + " positions. " + ways);
    }

    /** As in {@code dev.jsonl, line 3 (dev, "name : Aromi | …")}. */
    private static String shown(Example pair, Place place, String part) {
        String context = pair.beginning();
        return place + " (" + (part.isEmpty() ? "" : part + ", ") + "\""
                + Names.oneLine(context.length() <= 60 ? context : context.substring(0, 59) + "…") + "\")";
    }
}
