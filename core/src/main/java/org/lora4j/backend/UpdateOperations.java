package org.lora4j.backend;

import org.lora4j.tensor.Tensor;

/** The sums over a whole tensor that a {@link Backend} takes, and the update of a parameter. */
public interface UpdateOperations {

    /** Σ x, summed in a fixed order with at least double's care. */
    double sum(Tensor x);

    /** Σ x², summed in a fixed order with at least double's care. */
    double sumOfSquares(Tensor x);

    /**
     * One AdamW update (Loshchilov and Hutter 2019, algorithm 2) with the gradient g:
     *
     * <pre>
     *   m ← β₁·m + (1 − β₁)·g      v ← β₂·v + (1 − β₂)·g²
     *   p ← p − η·(m/c₁) / (√(v/c₂) + ε)      c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ
     *   p ← p − η·λ·p, before that or after it as the step says
     * </pre>
     *
     * @param p parameter; read and written
     * @param g its gradient; read
     * @param m first moment; read and written
     * @param v second moment; read and written
     */
    void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step);
}
