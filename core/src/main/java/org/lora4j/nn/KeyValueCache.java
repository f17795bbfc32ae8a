package org.lora4j.nn;

import org.lora4j.backend.Backend;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The keys and values of the positions read so far, for every layer, so that generating a token costs one position and
 * not the whole sequence. It is the state of some sequences, and the only one: the model itself is shared.
 */
public final class KeyValueCache {

    private final int batch;
    private final int capacity;
    private final Tensor[] keys;
    private final Tensor[] values;
    private int length;

    /**
     * @param layers   number of Transformer blocks
     * @param batch    sequences that advance together, B
     * @param capacity most positions of a sequence
     * @param width    features of a key
     */
    public KeyValueCache(Backend backend, int layers, int batch, int capacity, int width) {
        this.batch = batch;
        this.capacity = capacity;
        keys = new Tensor[layers];
        values = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++) {
            keys[layer] = backend.allocate(Shape.of(batch * capacity, width));
            values[layer] = backend.allocate(Shape.of(batch * capacity, width));
        }
    }

    public int batch() {
        return batch;
    }

    public int capacity() {
        return capacity;
    }

    /** Positions read so far. */
    public int length() {
        return length;
    }

    /** Called by the model when {@code count} positions have gone through all layers. */
    public void advance(int count) {
        length += count;
    }

    /** Forgets the positions from {@code length} on. */
    public void truncate(int length) {
        if (length < 0 || length > this.length) {
            throw new IllegalArgumentException("truncate to " + length + " of " + this.length + " positions");
        }
        this.length = length;
    }

    /** Copies the last {@code rows/batch} positions of k and v, (B·T, C) each, behind what is there. */
    void append(Backend backend, int layer, MatrixView k, MatrixView v) {
        int count = k.rows() / batch;
        if (length + count > capacity) {
            throw new IllegalStateException("the cache holds " + capacity + " positions, " + (length + count) + " asked");
        }
        for (int b = 0; b < batch; b++) {
            backend.copy(k.rows(b * count, count), keys[layer].rows(b * capacity + length, count));
            backend.copy(v.rows(b * count, count), values[layer].rows(b * capacity + length, count));
        }
    }

    Tensor keys(int layer) {
        return keys[layer];
    }

    Tensor values(int layer) {
        return values[layer];
    }
}
