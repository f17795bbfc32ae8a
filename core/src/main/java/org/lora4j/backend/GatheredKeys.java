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
 */
public record GatheredKeys(Tensor k, Tensor v, IntTensor rows, @Nullable IntTensor mask) {
}
