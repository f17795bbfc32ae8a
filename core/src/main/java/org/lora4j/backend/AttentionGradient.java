package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/**
 * Where an attention's backward puts the gradients of what forward read.
 *
 * @param dq as q; written
 * @param dk as k; written in the rows that take part
 * @param dv as v; written in the rows that take part
 */
public record AttentionGradient(MatrixView dq, MatrixView dk, MatrixView dv) {
}
