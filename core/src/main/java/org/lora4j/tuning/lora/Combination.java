package org.lora4j.tuning.lora;

/**
 * How adapters become one. With weights wᵢ, and ΔWᵢ = sᵢ·Bᵢ·Aᵢ of rank rᵢ:
 *
 * <pre>
 *   CAT     A = A₁ over A₂ …    B = [w₁·s₁·B₁  w₂·s₂·B₂ …]        ΔW = Σ wᵢ·ΔWᵢ                  rank Σ rᵢ
 *   SVD     the best of rank k:  min ‖B·A − Σ wᵢ·ΔWᵢ‖_F           ΔW ≈ Σ wᵢ·ΔWᵢ                  rank k
 *   LINEAR  A = Σ ±√|wᵢ·sᵢ|·Aᵢ   B = Σ √|wᵢ·sᵢ|·Bᵢ               ΔW = Σ wᵢ·ΔWᵢ + cross-terms     rank r
 * </pre>
 *
 * <p>The cross-terms of {@code LINEAR} are Σ over i ≠ j of ±√|wᵢ·sᵢ·wⱼ·sⱼ|·Bᵢ·Aⱼ: the B of one
 * adapter times the A of another, products that nobody trained. It is here because PEFT has it and files were made with it.
 *
 * <p>Adapters may differ in targets, ranks, scalings and initialisation; a map that one of them does not adapt gets its
 * share from the others. Where all that adapt a fused map adapt the same parts, the sum does too, else it is one of the
 * whole map. Trained biases are summed as ΔW is: b₀ + Σ wᵢ·(bᵢ − b₀). DoRA cannot be combined, since its magnitude is not
 * linear in anything.
 *
 * <p>See {@code docs/adapters.md}.
 */
public enum Combination {
    /** Exact, up to one rounding of each element of B. */
    CAT,
    /** The nearest update of a given rank, in the Frobenius norm (Eckart and Young 1936). */
    SVD,
    /** PEFT's {@code linear}: of the adapters' own rank, which must be the same, and with cross-terms. */
    LINEAR
}
