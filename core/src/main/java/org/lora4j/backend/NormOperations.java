package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/** The normalisations of a {@link Backend}, with their gradient. */
public interface NormOperations {

    /**
     * Normalises each row, see {@link NormKind} for the formulas.
     *
     * @param norm γ and β; read
     * @param x    (N, C); read
     * @param y    (N, C); written; may be x itself
     * @param rows μ, where the kind has one, and rstd of each row; written, for backward
     */
    void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows);

    /**
     * With x̂ = (x − μ)·rstd, or x·rstd where no mean is taken out, w = γ or 1 + γ, and d = dy ⊙ w:
     *
     * <pre>
     *   LAYER                dx ← dx + rstd·(d − mean(d) − x̂·mean(d ⊙ x̂))
     *   RMS, RMS_ONE_PLUS    dx ← dx + rstd·(d − x̂·mean(d ⊙ x̂))
     *   dgamma ← dgamma + Σ dy ⊙ x̂     dbeta ← dbeta + Σ dy
     * </pre>
     *
     * <p>It adds to dx because in a residual network the gradient of the skip connection is there already.
     *
     * @param rows   what forward wrote; read
     * @param x      (N, C); read
     * @param dy     (N, C); read
     * @param dx     (N, C); added to
     * @param dgamma (C), or null where gamma is frozen; added to
     * @param dbeta  (C), or null where beta is frozen or there is none; added to
     */
    void normBackward(Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx,
            @Nullable Tensor dgamma, @Nullable Tensor dbeta);
}
