package org.lora4j.data;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * The order of training: random, yet with examples of about one length together, so that little is computed on padding.
 *
 * <pre>
 *   shuffle the examples → windows of 50 batches → sort each window by length → cut into batches → shuffle the batches
 * </pre>
 *
 * An epoch holds every example once; its last batch in the unshuffled order may be smaller. The order is a pure function
 * of (seed, epoch), so a {@link Cursor} is all that a checkpoint needs: there is no random state to save.
 *
 * @param <E> the examples
 */
public final class LengthGroupedBatches<E> {

    private static final int WINDOW = 50;
    private static final int EXAMPLES_SITE = Philox.site("data.examples");
    private static final int BATCHES_SITE = Philox.site("data.batches");

    private final List<E> examples;
    private final ToIntFunction<? super E> length;
    private final int batchSize;
    private final Philox random;
    private int orderedEpoch = -1;
    private int @Nullable [][] order; // of orderedEpoch

    /** @param length the tokens of an example */
    public LengthGroupedBatches(List<E> examples, ToIntFunction<? super E> length, int batchSize, long seed) {
        if (examples.isEmpty() || batchSize < 1) {
            throw new LoraException("batches of " + batchSize + " from " + examples.size()
                    + " examples: both must be at least 1");
        }
        this.examples = List.copyOf(examples);
        this.length = length;
        this.batchSize = Math.min(batchSize, examples.size());
        this.random = new Philox(seed);
    }

    /** Of encoded text. */
    public static LengthGroupedBatches<EncodedExample> of(List<EncodedExample> examples, int batchSize, long seed) {
        return new LengthGroupedBatches<>(examples, EncodedExample::length, batchSize, seed);
    }

    /**
     * A place in training.
     *
     * @param epoch how many epochs are behind
     * @param batch how many batches of this epoch are behind
     */
    public record Cursor(int epoch, int batch) {

        public static final Cursor START = new Cursor(0, 0);
    }

    public int batchesPerEpoch() {
        return Math.ceilDiv(examples.size(), batchSize);
    }

    /** The tokens of the longest example: no batch is longer. */
    public int maxLength() {
        return examples.stream().mapToInt(length).max().orElseThrow();
    }

    /**
     * B·T of no batch is larger.
     *
     * @param special positions of every sequence that are none of its tokens
     */
    public int maxTokensPerBatch(int special) {
        return Math.multiplyExact(batchSize, Math.addExact(maxLength(), special));
    }

    /** The examples of the batch at a place. */
    public List<E> at(Cursor cursor) {
        requireInside(cursor);
        int[] members = order(cursor.epoch)[cursor.batch];
        return Arrays.stream(members).mapToObj(examples::get).toList();
    }

    /** The next place; after an epoch's last batch comes the next epoch. There is no end. */
    public Cursor after(Cursor cursor) {
        requireInside(cursor);
        boolean last = cursor.batch + 1 == batchesPerEpoch();
        return last ? new Cursor(cursor.epoch + 1, 0) : new Cursor(cursor.epoch, cursor.batch + 1);
    }

    private void requireInside(Cursor cursor) {
        if (cursor.epoch < 0 || cursor.batch < 0 || cursor.batch >= batchesPerEpoch()) {
            throw new LoraException("batch " + cursor.batch + " of epoch " + cursor.epoch + ": these " + examples.size()
                    + " examples make " + batchesPerEpoch() + " batches. Was the run begun with other data or another batch size?");
        }
    }

    /** Which examples each batch of an epoch holds. */
    private synchronized int[][] order(int epoch) {
        if (epoch != orderedEpoch) {
            order = newOrder(epoch);
            orderedEpoch = epoch;
        }
        return order;
    }

    private int[][] newOrder(int epoch) {
        Integer[] shuffled = Arrays.stream(random.permutation(examples.size(), epoch, EXAMPLES_SITE))
                .boxed().toArray(Integer[]::new);
        int window = WINDOW * batchSize;
        for (int from = 0; from < shuffled.length; from += window) {
            // a stable sort: examples of one length stay in their random order
            Arrays.sort(shuffled, from, Math.min(from + window, shuffled.length),
                    Comparator.comparingInt(index -> length.applyAsInt(examples.get(index))));
        }
        return Arrays.stream(random.permutation(batchesPerEpoch(), epoch, BATCHES_SITE))
                .mapToObj(batch -> IntStream.range(batch * batchSize, Math.min((batch + 1) * batchSize, shuffled.length))
                        .map(i -> shuffled[i]).toArray())
                .toArray(int[][]::new);
    }
}
