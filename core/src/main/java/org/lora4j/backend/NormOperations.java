package org.lora4j.backend;

import org.lora4j.tensor.Tensor;

/** The normalisations of a {@link Backend}, each with its gradient. */
public interface NormOperations {

    /**
     * Layer normalisation over each row (Ba et al. 2016):
     *
     * <pre>
     *   μ = mean(x)   rstd = 1/√(mean((x − μ)²) + eps)   y = (x − μ)·rstd ⊙ gamma + beta
     * </pre>
     *
     * @param x     (N, C); read
     * @param gamma (C); read
     * @param beta  (C); read
     * @param y     (N, C); written; may be x itself
     * @param mean  (N); written: μ of each row, for backward
     * @param rstd  (N); written: rstd of each row, for backward
     */
    void layerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd);

    /**
     * With x̂ = (x − μ)·rstd and d = dy ⊙ gamma:
     *
     * <pre>
     *   dx ← dx + rstd·(d − mean(d) − x̂·mean(d ⊙ x̂))     dgamma ← dgamma + Σ dy ⊙ x̂     dbeta ← dbeta + Σ dy
     * </pre>
     *
     * <p>It adds to dx because in a residual network the gradient of the skip connection is there already.
     *
     * @param dy     (N, C); read
     * @param dx     (N, C); added to
     * @param dgamma (C), or null where gamma is frozen; added to
     * @param dbeta  (C), or null where beta is frozen; added to
     */
    void layerNormBackward(
            Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dgamma, Tensor dbeta);
}
