package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * Keys and values that lie anywhere, and for each of N queries the list of those it sees.
 *
 * @param k    (R, keyWidth)
 * @param v    (R, keyWidth)
 * @param rows (N, S), each in 0 … R − 1, those of hidden keys too
 * @param mask (N, S), 1 for a key that may be seen and 0 for one that is hidden; null if all may
 * @param window a query sees no key that stands so many places or more before its last visible one;
 *               {@link AttentionShape#NO_WINDOW} for none
 */
public record GatheredKeys(Tensor k, Tensor v, IntTensor rows, @Nullable IntTensor mask, int window) {

    /** Requires a positive window. */
    public GatheredKeys {
        if (window < 1) {
            throw new IllegalArgumentException("a window of " + window + " keys: expected a positive number");
        }
    }

    /** Without a window. */
    public GatheredKeys(Tensor k, Tensor v, IntTensor rows, @Nullable IntTensor mask) {
        this(k, v, rows, mask, AttentionShape.NO_WINDOW);
    }
}
