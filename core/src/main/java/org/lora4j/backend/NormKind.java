package org.lora4j.backend;

/**
 * How a row of numbers is normalised.
 *
 * <pre>
 *   LAYER          y = (x − μ)·rstd ⊙ γ + β       μ = mean(x)   rstd = 1/√(mean((x − μ)²) + ε)
 *   RMS            y = x·rstd ⊙ γ                               rstd = 1/√(mean(x²) + ε)
 *   RMS_ONE_PLUS   y = x·rstd ⊙ (1 + γ)                         rstd = 1/√(mean(x²) + ε)
 * </pre>
 */
public enum NormKind {
    /** Layer normalisation (Ba et al. 2016): GPT-2's and BERT's. */
    LAYER,
    /** By the root mean square alone (Zhang and Sennrich 2019): Llama's. */
    RMS,
    /** The same with weights that are stored as their distance from 1: Gemma's. */
    RMS_ONE_PLUS;

    /** Whether the row's mean is taken out, and a β put in. */
    public boolean centres() {
        return this == LAYER;
    }

    /** What is added to γ before it multiplies. */
    public double weightShift() {
        return this == RMS_ONE_PLUS ? 1 : 0;
    }
}
