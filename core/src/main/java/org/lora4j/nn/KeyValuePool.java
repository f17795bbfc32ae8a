package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Keys and values of positions, a row for each, in every layer the same. A sequence is a list of rows, its trail; where
 * sequences begin alike their trails name the same rows. So a prompt is computed and kept once for all the beams that go
 * on from it, and a beam that branches off copies a list of numbers and no keys.
 *
 * <p>Rows are given out in order and taken back all at once, by {@link #clear}.
 */
public final class KeyValuePool {

    private final Backend backend;
    private final int capacity;
    private final Tensor[] keys;
    private final Tensor[] values;
    private int used;

    /**
     * @param layers   number of Transformer blocks
     * @param capacity most positions, of all sequences together
     * @param width    features of a key
     */
    public KeyValuePool(Backend backend, int layers, int capacity, int width) {
        this.backend = backend;
        this.capacity = capacity;
        keys = new Tensor[layers];
        values = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++) {
            keys[layer] = backend.allocate(Shape.of(capacity, width));
            values[layer] = backend.allocate(Shape.of(capacity, width));
        }
    }

    /** Bytes that a position takes in {@code float}, in all layers. */
    public static long bytesPerPosition(int layers, int width) {
        return 2L * layers * width * Float.BYTES;
    }

    public int capacity() {
        return capacity;
    }

    /** Forgets everything: all rows are free again. */
    public void clear() {
        used = 0;
    }

    /** The first of {@code count} rows in a row that are given out by this. */
    public int reserve(int count) {
        if (used + count > capacity) {
            throw new IllegalStateException("the pool has " + capacity + " rows, " + (used + count) + " asked");
        }
        used += count;
        return used - count;
    }

    /**
     * For reading prompts: position t of sequence b is row {@code b·length + t} of the pass, sees the sequence up to itself,
     * and is kept in row {@code first[b] + t}, if it is not padding.
     *
     * @param first   where each sequence's rows begin in this pool
     * @param lengths positions of each sequence
     * @param length  positions of each in the pass; those beyond a sequence's own, on its right, are padding
     */
    public Past prompts(int[] first, int[] lengths, int length) {
        return (layer, q, k, v, nHead, scale, y, ws) -> {
            for (int b = 0; b < lengths.length; b++) {
                backend.copy(k.rows(b * length, lengths[b]), keys[layer].rows(first[b], lengths[b]));
                backend.copy(v.rows(b * length, lengths[b]), values[layer].rows(first[b], lengths[b]));
            }
            AttentionShape shape = AttentionShape.self(
                    q.rows() / length, length, AttentionHeads.of(nHead, y.columns() / nHead, scale), true);
            backend.attention(Attention.of(q, k, v, shape), new AttentionOutput(y, null));
        };
    }

    /**
     * For one more position of each of N sequences: the n-th is kept in row {@code first + n} and sees what its trail names.
     *
     * @param trails (N, S) rows of this pool, the new one among them; any row where the mask hides it
     * @param mask   (N, S), 1 for a row of the trail and 0 where it is shorter; null where all are S long
     */
    public Past next(int first, IntTensor trails, @Nullable IntTensor mask) {
        return (layer, q, k, v, nHead, scale, y, ws) -> {
            backend.copy(k, keys[layer].rows(first, k.rows()));
            backend.copy(v, values[layer].rows(first, v.rows()));
            backend.gatheredAttention(q, new GatheredKeys(keys[layer], values[layer], trails, mask),
                    AttentionHeads.of(nHead, y.columns() / nHead, scale), y);
        };
    }
}
