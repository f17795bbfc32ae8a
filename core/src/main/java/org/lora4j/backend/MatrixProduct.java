package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/**
 * What {@link ProductOperations#matmul} is asked, c ← alpha·op(a)·op(b) + beta·c, as one of several.
 *
 * @param a (m, k) after op; read
 * @param b (k, n) after op; read
 * @param c (m, n), not transposed; written
 */
public record MatrixProduct(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
}
