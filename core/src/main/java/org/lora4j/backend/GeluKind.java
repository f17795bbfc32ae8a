package org.lora4j.backend;

/**
 * The two forms of the Gaussian error linear unit (Hendrycks and Gimpel 2016).
 *
 * <pre>
 *   ERF   y = x·Φ(x) = ½·x·(1 + erf(x/√2))
 *   TANH  y = ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
 * </pre>
 */
public enum GeluKind {
    /** GPT-2's approximation, {@code gelu_new} or {@code gelu_pytorch_tanh} in Hugging Face's configurations. */
    TANH,
    /** The exact form, {@code gelu}. */
    ERF
}
