package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.MatrixView;

/**
 * What attention is made of, for each row; or, in backward, the gradients of it.
 *
 * @param q        (N, heads·size)
 * @param k        (N, key heads·size)
 * @param v        (N, key heads·size)
 * @param relative what distances add to the scores, or in backward the gradients of it that are wanted; null for nothing
 */
public record QueriesKeysValues(MatrixView q, MatrixView k, MatrixView v, @Nullable RelativeScores relative) {

    /** Distances add nothing. */
    public QueriesKeysValues(MatrixView q, MatrixView k, MatrixView v) {
        this(q, k, v, null);
    }
}
