package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/**
 * What a normalisation's forward says of each row for its backward.
 *
 * @param mean (N), μ of {@link NormKind#LAYER}; null of the other kinds
 * @param rstd (N)
 */
public record NormStatistics(@Nullable Tensor mean, Tensor rstd) {
}
