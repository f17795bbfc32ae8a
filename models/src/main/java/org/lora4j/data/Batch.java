package org.lora4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntBinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Examples of about one length side by side, (B, T) row by row, padded at the right to the longest. The conventions are
 * those of Hugging Face Transformers:
 *
 * <ul>
 *   <li>{@code labels} lie over {@code inputIds}: labels[b, t] is inputIds[b, t] or {@link #IGNORED}. A causal model
 *       shifts: its logits at t are judged by the label at t + 1, so the label at t = 0 never counts.
 *   <li>{@code attentionMask} is 1 for a token and 0 for padding, and null if nothing is padded.
 *   <li>Padding is id {@value #PADDING}, a valid one, since neither mask nor labels let it be seen.
 * </ul>
 *
 * @param size          B, the number of examples
 * @param length        T, the tokens of the longest
 * @param inputIds      B·T ids
 * @param attentionMask B·T ones and zeros, or null
 * @param tokenTypeIds  B·T ids whose embeddings are added to the tokens', rarely used with GPT-2; null for none
 * @param labels        B·T ids or {@link #IGNORED}, or null where there is nothing to compare with
 */
public record Batch(
        int size, int length, int[] inputIds, int @Nullable [] attentionMask, int @Nullable [] tokenTypeIds,
        int @Nullable [] labels) {

    public static final int IGNORED = -100;
    public static final int PADDING = 0;

    public Batch {
        requireSize("input ids", inputIds, size, length);
        if (attentionMask != null) {
            requireSize("attention mask", attentionMask, size, length);
        }
        if (tokenTypeIds != null) {
            requireSize("token type ids", tokenTypeIds, size, length);
        }
        if (labels != null) {
            requireSize("labels", labels, size, length);
        }
    }

    /** A batch without token types. */
    public Batch(int size, int length, int[] inputIds, int @Nullable [] attentionMask, int @Nullable [] labels) {
        this(size, length, inputIds, attentionMask, null, labels);
    }

    private static void requireSize(String what, int[] values, int size, int length) {
        if (size < 1 || length < 1 || values.length != (long) size * length) {
            throw new IllegalArgumentException("a batch of " + size + " × " + length + " with " + values.length + " " + what);
        }
    }

    public static Batch of(List<EncodedExample> examples) {
        int size = examples.size();
        int length = examples.stream().mapToInt(EncodedExample::length).max().orElse(0);
        boolean padded = examples.stream().anyMatch(example -> example.length() < length);
        int[] inputIds = new int[size * length]; // zeros, that is padding
        int @Nullable [] attentionMask = padded ? new int[size * length] : null;
        int[] labels = new int[size * length];
        Arrays.fill(labels, IGNORED);
        for (int b = 0; b < size; b++) {
            EncodedExample example = examples.get(b);
            int row = b * length;
            System.arraycopy(example.tokens(), 0, inputIds, row, example.length());
            for (int t = 0; t < example.length(); t++) {
                labels[row + t] = example.learned()[t] ? example.tokens()[t] : IGNORED;
            }
            if (padded) {
                Arrays.fill(attentionMask, row, row + example.length(), 1);
            }
        }
        return new Batch(size, length, inputIds, attentionMask, labels);
    }

    /**
     * The same with these ids before each row, seen by all of it and no targets themselves: it has the targets that it had.
     * Token types go on to the left as they begin.
     */
    public Batch behind(int[] prefix) {
        int[] mask = attentionMask == null ? null : behind(prefix.length, attentionMask, (row, t) -> 1);
        int[] types = tokenTypeIds == null ? null : behind(prefix.length, tokenTypeIds, (row, t) -> tokenTypeIds[row * length]);
        int[] targets = labels == null ? null : behind(prefix.length, labels, (row, t) -> IGNORED);
        int wider = length + prefix.length;
        for (int b = 0; targets != null && b < size && prefix.length > 0; b++) {
            targets[b * wider + prefix.length] = IGNORED; // the label at t = 0 never counted
        }
        return new Batch(size, wider, behind(prefix.length, inputIds, (row, t) -> prefix[t]), mask, types, targets);
    }

    /**
     * {@link #behind} with these ids within each row too, before the first token that it has to predict and, where it has none,
     * behind its last token: as between the input and the output of a pair. They are no targets, and what is to be predicted
     * behind them is predicted from the last of them.
     */
    public Batch around(int[] prefix, int[] infix) {
        Batch behind = prefix.length == 0 ? this : behind(prefix);
        return infix.length == 0 ? behind : behind.with(infix);
    }

    private Batch with(int[] infix) {
        int count = infix.length;
        int[] places = outputStarts();
        return new Batch(size, length + count, within(count, places, inputIds, (n, before) -> infix[n]),
                attentionMask == null ? null : within(count, places, attentionMask, (n, before) -> 1),
                tokenTypeIds == null ? null : within(count, places, tokenTypeIds, (n, before) -> before),
                labels == null ? null : within(count, places, labels, (n, before) -> IGNORED));
    }

    /** Where the output of each row begins. */
    int[] outputStarts() {
        int[] starts = new int[size];
        Arrays.setAll(starts, this::outputStart);
        return starts;
    }

    /** Where the output of row b begins: its first target, else the place behind its last token. */
    private int outputStart(int b) {
        for (int t = 1; labels != null && t < length; t++) {
            if (labels[b * length + t] != IGNORED) {
                return t;
            }
        }
        int end = length;
        while (attentionMask != null && end > 1 && attentionMask[b * length + end - 1] == 0) {
            end--;
        }
        return end;
    }

    /**
     * The values of all rows with {@code count} more in each.
     *
     * @param places where, in each row
     * @param value  of the n-th of them, and of the one before them
     */
    private int[] within(int count, int[] places, int[] values, IntBinaryOperator value) {
        int wider = length + count;
        int[] result = new int[size * wider];
        for (int b = 0; b < size; b++) {
            int from = b * length;
            int to = b * wider;
            System.arraycopy(values, from, result, to, places[b]);
            for (int n = 0; n < count; n++) {
                result[to + places[b] + n] = value.applyAsInt(n, values[from + places[b] - 1]);
            }
            System.arraycopy(values, from + places[b], result, to + places[b] + count, length - places[b]);
        }
        return result;
    }

    private int[] behind(int count, int[] values, IntBinaryOperator before) {
        int wider = length + count;
        int[] result = new int[size * wider];
        Arrays.setAll(result, i -> i % wider < count
                ? before.applyAsInt(i / wider, i % wider) : values[i / wider * length + i % wider - count]);
        return result;
    }

    /**
     * The rows of {@link #around} whose logits are judged by what comes next in each row of this batch: that of the token itself,
     * and where the infix follows it the infix's last one.
     */
    public int[] shownAround(int prefix, int infix) {
        int wider = length + prefix + infix;
        int[] starts = outputStarts();
        int[] rows = new int[size * length];
        Arrays.setAll(rows, i -> i / length * wider + prefix + i % length + (i % length >= starts[i / length] - 1 ? infix : 0));
        return rows;
    }

    /** All examples once, sorted by length so that little is padded: for evaluation, where order does not matter. */
    public static List<Batch> byLength(List<EncodedExample> examples, int batchSize) {
        List<EncodedExample> sorted = new ArrayList<>(examples);
        sorted.sort(Comparator.comparingInt(EncodedExample::length));
        List<Batch> batches = new ArrayList<>();
        for (int from = 0; from < sorted.size(); from += batchSize) {
            batches.add(of(sorted.subList(from, Math.min(from + batchSize, sorted.size()))));
        }
        return batches;
    }

    /** How many labels the loss of a causal model is taken over, see {@link NextTokens}. */
    public int targets() {
        return NextTokens.count(this);
    }

    /** How many tokens are not padding: what a speed in tokens per second counts. */
    public int tokens() {
        return attentionMask == null ? inputIds.length : Arrays.stream(attentionMask).sum();
    }
}
