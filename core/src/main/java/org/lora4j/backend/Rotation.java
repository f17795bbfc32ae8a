package org.lora4j.backend;

import org.lora4j.tensor.Tensor;

/**
 * Angles of a rotary embedding, as their cosines and sines, for each row of a pass. The first R = 2·half columns of every head
 * turn, column i together with column i + half; the others stay as they are. What a model multiplies its queries and keys with
 * beside the angle is in both tables.
 *
 * @param cosines  (N, half)
 * @param sines    (N, half)
 * @param headSize columns of a head, at least R
 */
public record Rotation(Tensor cosines, Tensor sines, int headSize) {

    /** Pairs of columns that turn. */
    public int half() {
        return cosines.columns();
    }
}
