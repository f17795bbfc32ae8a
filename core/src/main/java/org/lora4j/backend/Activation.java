package org.lora4j.backend;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A function of one number that stands between two linear maps. With σ(z) = 1/(1 + e⁻ᶻ), Φ and φ the distribution and the
 * density of the standard normal:
 *
 * <pre>
 *   GELU_TANH    y = ½·x·(1 + t)     y′ = ½·(1 + t) + ½·x·(1 − t²)·k·(1 + 3c·x²)
 *                t = tanh(k·(x + c·x³))     k = √(2/π)     c = 0.044715
 *   GELU_ERF     y = x·Φ(x)          y′ = Φ(x) + x·φ(x)
 *   RELU         y = max(x, 0)       y′ = 1 where x &gt; 0, else 0
 *   SILU         y = x·σ(x)          y′ = σ(x) + x·σ(x)·σ(−x)
 *   TANH         y = tanh(x)         y′ = 1 − tanh²(x) = 4·σ(2x)·σ(−2x)
 *   QUICK_GELU   y = x·σ(f·x)        y′ = σ(f·x) + f·x·σ(f·x)·σ(−f·x)     f = 1.702
 *   SIGMOID      y = σ(x)            y′ = σ(x)·σ(−x)
 * </pre>
 */
public enum Activation {
    /** GPT-2's approximation of GELU (Hendrycks and Gimpel 2016). */
    GELU_TANH("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh"),
    /** GELU by its definition (Hendrycks and Gimpel 2016): BERT's. */
    GELU_ERF("gelu", "gelu_python"),
    /** The positive part (Nair and Hinton 2010). */
    RELU("relu"),
    /** The sigmoid-weighted linear unit (Elfwing et al. 2018), also called Swish: Llama's. */
    SILU("silu", "swish"),
    /** The hyperbolic tangent: what BERT's pooler takes. */
    TANH("tanh"),
    /** GELU's sigmoid approximation: CLIP's. */
    QUICK_GELU("quick_gelu"),
    /** The logistic function σ. */
    SIGMOID("sigmoid");

    private final List<String> names;

    Activation(String... names) {
        this.names = List.of(names);
    }

    /** The activation of that name in a {@code config.json} of Transformers; empty if it is none of these. */
    public static Optional<Activation> named(String name) {
        return Arrays.stream(values()).filter(activation -> activation.names.contains(name)).findFirst();
    }

    /** All names that {@link #named} knows. */
    public static List<String> allNames() {
        return Arrays.stream(values()).flatMap(activation -> activation.names.stream()).toList();
    }

    /** The names that Transformers has for it, the usual one first. */
    public List<String> names() {
        return names;
    }
}
