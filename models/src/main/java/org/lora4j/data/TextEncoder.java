package org.lora4j.data;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tokenizer.Encoding;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Truncation;

/**
 * Texts and pairs to tokens, for classifiers: with the special tokens that the tokenizer puts around them, and cut where they
 * are too long, the longer of two texts first, at its end. That is what Transformers does with {@code max_seq_length}.
 */
public final class TextEncoder {

    private final Tokenizer tokenizer;
    private final int rows;
    private final int longest;

    /**
     * Encodes texts and pairs for a classifier.
     *
     * @param rows    of the model's token embedding: an id beyond them is an error
     * @param longest tokens that a text may have, special ones among them; at most the model's positions
     */
    public TextEncoder(Tokenizer tokenizer, int rows, int longest) {
        if (longest < 3) {
            throw new LoraException("`maxLength` " + longest + ": expected at least 3, since special tokens stand around a text");
        }
        this.tokenizer = tokenizer;
        this.rows = rows;
        this.longest = longest;
    }

    /** The number that an example's label is. */
    @FunctionalInterface
    public interface LabelNumber {
        /**
         * The number or the label's number of an example.
         *
         * @param index of the example among its like, from 0
         */
        double of(LabelledText text, int index);
    }

    /**
     * What became of a list of texts.
     *
     * @param examples in the order of the texts
     * @param cutAt    where those stand that were cut
     * @param longest  how many tokens a text may have
     */
    public record Result(List<EncodedText> examples, List<Place> cutAt, int longest) {

        /** Keeps its own lists. */
        public Result {
            examples = List.copyOf(examples);
            cutAt = List.copyOf(cutAt);
        }

        /** How many were cut. */
        public int cut() {
            return cutAt.size();
        }

        /** {@code 2 of 7 train texts have more than 128 tokens and were cut: a.jsonl, lines 3 and 5}; none where nothing was cut. */
        public List<String> remarks(String part) {
            CutTexts all = new CutTexts();
            all.add(this);
            return all.remarks(part);
        }
    }

    /** Counts what was cut in one result after the other, and keeps the first places. */
    public static final class CutTexts {

        private final List<Place> places = new ArrayList<>();
        private long texts;
        private long cut;
        private int longest;

        /** Counts these too. */
        public void add(Result result) {
            texts += result.examples.size();
            cut += result.cut();
            longest = result.longest;
            result.cutAt.stream().limit(Place.MOST_SHOWN - places.size()).forEach(places::add);
        }

        /** As {@link Result#remarks}, of all of them. */
        public List<String> remarks(String part) {
            if (cut == 0) {
                return List.of();
            }
            return List.of("%,d of %,d %s text%s ha%s more than %,d tokens and %s cut: %s".formatted(cut, texts, part,
                    texts == 1 ? "" : "s", cut == 1 ? "s" : "ve", longest, cut == 1 ? "was" : "were", Place.some(places, cut)));
        }
    }

    /**
     * Encodes texts that have labels.
     *
     * @throws LoraException if a text is empty, a label is not known, or a token has no row in the model
     */
    public Result encode(List<LabelledText> texts, LabelNumber labels) {
        return encodeAll(texts, (text, index) -> {
            if (text.first().isBlank() && (text.second() == null || text.second().isBlank())) {
                throw new LoraException(text.placeOr(index + 1) + ": has no text, so there is nothing to learn from. Leave it out");
            }
            return labels.of(text, index);
        });
    }

    /** Encodes texts to be judged, whose labels play no part; one may be empty. */
    public Result encode(List<LabelledText> texts) {
        return encodeAll(texts, (text, index) -> Double.NaN);
    }

    private Result encodeAll(List<LabelledText> texts, LabelNumber labels) {
        List<EncodedText> examples = new ArrayList<>(texts.size());
        List<Place> cut = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            LabelledText text = texts.get(i);
            double label = labels.of(text, i);
            Encoding encoding = encode(text);
            tokenizer.requireRows(rows, encoding.ids());
            examples.add(new EncodedText(encoding.ids(), encoding.typeIds(), label));
            if (encoding.cut() > 0) {
                cut.add(text.placeOr(i + 1));
            }
        }
        return new Result(examples, cut, longest);
    }

    private Encoding encode(LabelledText text) {
        Encoding encoding = tokenizer.encodePair(text.first(), text.second(), Truncation.longestFirst(longest));
        if (encoding.length() == 0) { // a tokenizer without special tokens, and an empty text
            throw new LoraException(Names.oneLine("the text \"" + text.first() + "\" gives no token, so nothing can be said of it"));
        }
        return encoding;
    }
}
