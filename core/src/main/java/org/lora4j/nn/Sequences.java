package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;

/**
 * How the rows of an activation (N, C) are sequences: row {@code b·length + t} is position t of sequence b.
 *
 * @param batch  B
 * @param length T; N = B·T
 * @param mask   (B, T), 1 for a token and 0 for padding, or null where there is no padding
 */
public record Sequences(int batch, int length, @Nullable IntTensor mask) {

    /** B·T. */
    public int rows() {
        return Math.multiplyExact(batch, length);
    }
}
