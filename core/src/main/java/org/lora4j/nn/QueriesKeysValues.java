package org.lora4j.nn;

import org.lora4j.tensor.MatrixView;

/**
 * What attention is made of, for each row; or, in backward, the gradients of the three.
 *
 * @param q (N, heads·size)
 * @param k (N, key heads·size)
 * @param v (N, key heads·size)
 */
public record QueriesKeysValues(MatrixView q, MatrixView k, MatrixView v) {
}
