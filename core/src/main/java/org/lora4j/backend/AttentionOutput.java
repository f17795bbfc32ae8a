package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * What an attention's forward writes and its backward reads.
 *
 * @param y   (batch·queries, width)
 * @param lse (batch·nHead, queries), the log of each query's sum of exponentials; null if there will be no backward
 */
public record AttentionOutput(MatrixView y, @Nullable Tensor lse) {
}
