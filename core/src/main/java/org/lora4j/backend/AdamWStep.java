package org.lora4j.backend;

/**
 * The numbers of one AdamW update (Loshchilov and Hutter 2019), the same for every parameter of the step.
 *
 * @param learningRate   η
 * @param betas          how fast the moments forget
 * @param epsilon        added to √v̂
 * @param weightDecay    λ, multiplied by η
 * @param step           t, counted from 1
 * @param biasCorrection whether m and v are divided by 1 − βᵗ; the paper's scripts correct
 * @param decayOrder     whether p shrinks before or after the Adam update
 */
public record AdamWStep(
        double learningRate, Betas betas, double epsilon, double weightDecay, long step,
        boolean biasCorrection, DecayOrder decayOrder) {

    /**
     * How much of each moment a step leaves.
     *
     * @param first  β₁, of the gradients' mean
     * @param second β₂, of their squares' mean
     */
    public record Betas(double first, double second) {
    }

    /** Where the decoupled weight decay stands. The two differ by a factor 1 − η·λ on the update. */
    public enum DecayOrder {
        /** p ← p − η·λ·p, then Adam: PyTorch's {@code AdamW}. */
        BEFORE,
        /** Adam, then p ← p − η·λ·p: the authors' scripts (and the early Transformers {@code AdamW}). */
        AFTER
    }

    /** β₁. */
    public double beta1() {
        return betas.first();
    }

    /** β₂. */
    public double beta2() {
        return betas.second();
    }

    /** 1 − β₁ᵗ, or 1 without bias correction. */
    public double firstCorrection() {
        return biasCorrection ? 1 - Math.pow(beta1(), step) : 1;
    }

    /** 1 − β₂ᵗ, or 1 without bias correction. */
    public double secondCorrection() {
        return biasCorrection ? 1 - Math.pow(beta2(), step) : 1;
    }
}
