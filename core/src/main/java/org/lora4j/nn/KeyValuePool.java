package org.lora4j.nn;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Keys and values of positions, a row for each, in every layer the same. A sequence is a list of rows, its trail; where
 * sequences begin alike their trails name the same rows. So a prompt is computed and kept once for all the beams that go
 * on from it, and a beam that branches off copies a list of numbers and no keys.
 *
 * <p>Rows come from a list of free ones, the smallest first, and each counts how many trails name it: {@link #take} gives
 * it to one, {@link #share} to another one, {@link #release} takes it from one, and the last one frees it. So sequences
 * come and go in any order, and what a row held before is never seen.
 */
public final class KeyValuePool {

    private final Backend backend;
    private final int width;
    private final Tensor[] keys;
    private final Tensor[] values;
    private final BitSet free = new BitSet();
    private int[] users;
    private int capacity;
    private @Nullable Tensor joinedKeys;
    private @Nullable Tensor joinedValues;

    /**
     * Room for the keys and values of all sequences together.
     *
     * @param layers   number of Transformer blocks
     * @param capacity most positions, of all sequences together, until it {@link #grow grows}
     * @param width    features of a key
     */
    public KeyValuePool(Backend backend, int layers, int capacity, int width) {
        this.backend = backend;
        this.width = width;
        this.capacity = capacity;
        users = new int[capacity];
        free.set(0, capacity);
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

    /** How many rows there are: as many tokens as all sequences may have together. */
    public int capacity() {
        return capacity;
    }

    /** Rows that no trail names. */
    public int free() {
        return free.cardinality();
    }

    /** Makes room for more positions; rows keep their numbers and what they hold. */
    public void grow(int capacity) {
        if (capacity <= this.capacity) {
            return;
        }
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer] = grown(keys[layer], capacity);
            values[layer] = grown(values[layer], capacity);
        }
        users = Arrays.copyOf(users, capacity);
        free.set(this.capacity, capacity);
        this.capacity = capacity;
    }

    private Tensor grown(Tensor tensor, int rows) {
        Tensor larger = backend.allocate(Shape.of(rows, width));
        if (capacity > 0) {
            backend.copy(tensor.matrix(), larger.rows(0, capacity));
        }
        return larger;
    }

    /**
     * Free rows, in ascending order, for one trail.
     *
     * @throws IllegalStateException if there are not so many
     */
    public int[] take(int count) {
        int[] rows = new int[count];
        int row = -1;
        for (int i = 0; i < count; i++) {
            row = free.nextSetBit(row + 1);
            if (row < 0) {
                throw new IllegalStateException("the pool has " + free() + " free rows of " + capacity + ", " + count + " asked");
            }
            rows[i] = row;
        }
        for (int taken : rows) {
            free.clear(taken);
            users[taken] = 1;
        }
        return rows;
    }

    /** One trail more names the first {@code count} of these rows. */
    public void share(int[] rows, int count) {
        for (int i = 0; i < count; i++) {
            requireUsed(rows[i]);
            users[rows[i]]++;
        }
    }

    /** One trail less names the first {@code count} of these rows. */
    public void release(int[] rows, int count) {
        for (int i = 0; i < count; i++) {
            requireUsed(rows[i]);
            if (--users[rows[i]] == 0) {
                free.set(rows[i]);
            }
        }
    }

    private void requireUsed(int row) {
        if (users[row] == 0) {
            throw new IllegalStateException("row " + row + " of the pool is free");
        }
    }

    /**
     * For reading prompts: position t of sequence b is row {@code b·length + t} of the pass, sees the sequence up to itself,
     * and is kept in {@code rows[b][t]}, if it is not padding.
     *
     * @param rows   of this pool, for each sequence as many as it has positions
     * @param length positions of each in the pass; those beyond a sequence's own, on its right, are padding
     */
    public Past prompts(int[][] rows, int length) {
        return (rule, in, y) -> {
            requireCausal(rule);
            for (int b = 0; b < rows.length; b++) {
                keep(in.k().rows(b * length, rows[b].length), keys[rule.block()], rows[b]);
                keep(in.v().rows(b * length, rows[b].length), values[rule.block()], rows[b]);
            }
            AttentionShape shape = AttentionShape.self(in.q().rows() / length, length, rule.heads(), true)
                    .withWindow(rule.window());
            backend.attention(Attention.of(in.q(), in.k(), in.v(), shape), new AttentionOutput(y, null));
        };
    }

    /**
     * For reading a prompt whose beginning is kept already: position t of the pass is kept in {@code rows[t]}, and sees the
     * beginning and the pass up to itself. It is computed as in {@link #prompts}, with keys and values of both side by side.
     *
     * @param beginning rows of this pool that hold the first positions, in their order; read
     * @param rows      of this pool, as many as the pass has positions
     */
    public Past behind(int[] beginning, int[] rows) {
        int length = beginning.length + rows.length;
        return (rule, in, y) -> {
            requireCausal(rule);
            int block = rule.block();
            keep(in.k(), keys[block], rows);
            keep(in.v(), values[block], rows);
            if (joinedKeys == null || joinedKeys.rows() < length) {
                joinedKeys = backend.allocate(Shape.of(length + length / 2, width)); // the next one is longer perhaps
                joinedValues = backend.allocate(joinedKeys.shape());
            }
            MatrixView k = joinedKeys.rows(0, length);
            MatrixView v = joinedValues.rows(0, length);
            join(keys[block], beginning, in.k(), k);
            join(values[block], beginning, in.v(), v);
            AttentionShape shape = new AttentionShape(1, rows.length, length, length, rule.heads(), true, rule.window());
            backend.attention(Attention.of(in.q(), k, v, shape), new AttentionOutput(y, null));
        };
    }

    /** The kept rows of a beginning, and behind them those of a pass. */
    private void join(Tensor table, int[] beginning, MatrixView pass, MatrixView joined) {
        int from = 0;
        while (from < beginning.length) {
            int to = neighbours(beginning, from);
            backend.copy(table.rows(beginning[from], to - from), joined.rows(from, to - from));
            from = to;
        }
        backend.copy(pass, joined.rows(beginning.length, pass.rows()));
    }

    /**
     * For one more position of each of N sequences: the n-th is kept in {@code rows[n]} and sees what its trail names.
     *
     * @param rows   of this pool, N
     * @param trails (N, S) rows of this pool, the new one among them; any row where the mask hides it
     * @param mask   (N, S), 1 for a row of the trail and 0 where it is shorter; null where all are S long
     */
    public Past next(int[] rows, IntTensor trails, @Nullable IntTensor mask) {
        return (rule, in, y) -> {
            requireCausal(rule);
            int block = rule.block();
            keep(in.k(), keys[block], rows);
            keep(in.v(), values[block], rows);
            backend.gatheredAttention(
                    in.q(), new GatheredKeys(keys[block], values[block], trails, mask, rule.window()), rule.heads(), y);
        };
    }

    private static void requireCausal(AttentionRule rule) {
        if (rule.sight() != Sight.EARLIER) {
            throw new IllegalArgumentException("block " + rule.block()
                    + " lets a position see later ones, so no past stays as it was computed: give it whole sequences");
        }
    }

    /** Copies row i of x to rows[i], neighbours together. */
    private void keep(MatrixView x, Tensor table, int[] rows) {
        int from = 0;
        while (from < rows.length) {
            int to = neighbours(rows, from);
            backend.copy(x.rows(from, to - from), table.rows(rows[from], to - from));
            from = to;
        }
    }

    /** The end of the run of neighbouring rows that begins at {@code from}. */
    private static int neighbours(int[] rows, int from) {
        int to = from + 1;
        while (to < rows.length && rows[to] == rows[to - 1] + 1) {
            to++;
        }
        return to;
    }
}
