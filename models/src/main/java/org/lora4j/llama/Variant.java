package org.lora4j.llama;

import java.util.Arrays;
import java.util.List;
import org.lora4j.backend.Activation;

/**
 * The models that are a Llama (Touvron et al. 2023) with something else in a place or two, by {@code model_type}:
 *
 * <pre>
 *   llama         RMSNorm before the branches, rotary embeddings, a gated perceptron; fewer key heads than heads
 *   mistral       a sliding window
 *   qwen2         biases on q, k and v; in some blocks a window
 *   qwen3         norms over the heads of q and k; heads of a size of their own
 *   gemma         norms times 1 + γ, embeddings times √C, GELU
 *   gemma2        as gemma, and norms behind the branches; every second block with a window; scores and logits capped
 *   gemma3_text   as gemma2 without caps, and norms over heads; local blocks with a window and a base of their own
 *   phi3          q, k and v in one map, gate and up in another
 * </pre>
 */
enum Variant {
    LLAMA("llama", "Llama", "llama", "LlamaForCausalLM",
            new Defaults(32000, 4096, 11008, 32, 32, 0, 0, 2048, 1e-6, Activation.SILU, false)),
    MISTRAL("mistral", "Mistral", "llama", "MistralForCausalLM",
            new Defaults(32000, 4096, 14336, 32, 32, 8, 0, 131072, 1e-6, Activation.SILU, false)),
    QWEN2("qwen2", "Qwen2", "qwen2", "Qwen2ForCausalLM",
            new Defaults(151936, 4096, 22016, 32, 32, 32, 0, 32768, 1e-6, Activation.SILU, false)),
    QWEN3("qwen3", "Qwen3", "qwen3", "Qwen3ForCausalLM",
            new Defaults(151936, 4096, 22016, 32, 32, 32, 128, 32768, 1e-6, Activation.SILU, false)),
    GEMMA("gemma", "Gemma", "gemma", "GemmaForCausalLM",
            new Defaults(256000, 3072, 24576, 28, 16, 16, 256, 8192, 1e-6, Activation.GELU_TANH, true)),
    GEMMA2("gemma2", "Gemma 2", "gemma2", "Gemma2ForCausalLM",
            new Defaults(256000, 2304, 9216, 26, 8, 4, 256, 8192, 1e-6, Activation.GELU_TANH, true)),
    GEMMA3("gemma3_text", "Gemma 3", "gemma3", "Gemma3ForCausalLM",
            new Defaults(262208, 2304, 9216, 26, 8, 4, 256, 131072, 1e-6, Activation.GELU_TANH, true)),
    PHI3("phi3", "Phi-3", "phi3", "Phi3ForCausalLM",
            new Defaults(32064, 3072, 8192, 32, 32, 0, 0, 4096, 1e-5, Activation.SILU, false));

    /**
     * What Transformers takes where {@code config.json} says nothing.
     *
     * @param keyHeads 0 for as many as heads
     * @param headSize 0 for width/heads
     */
    record Defaults(
            int vocabulary, int width, int inner, int blocks, int heads, int keyHeads, int headSize, int positions, double epsilon,
            Activation activation, boolean tied) {
    }

    final String modelType;
    final String title;
    /** llama.cpp's {@code general.architecture}. */
    final String ggufArchitecture;
    /** The class in Transformers. */
    final String architecture;
    final Defaults defaults;
    final LlamaNames names;

    Variant(String modelType, String title, String ggufArchitecture, String architecture, Defaults defaults) {
        this.modelType = modelType;
        this.title = title;
        this.ggufArchitecture = ggufArchitecture;
        this.architecture = architecture;
        this.defaults = defaults;
        names = new LlamaNames(this);
    }

    static List<Variant> all() {
        return Arrays.asList(values());
    }

    /** Whether norms multiply with 1 + γ, and embeddings with √C. */
    boolean isGemma() {
        return this == GEMMA || normsBranches();
    }

    /** Whether a norm stands behind each branch too; such models have local and global blocks, and may cap scores and logits. */
    boolean normsBranches() {
        return this == GEMMA2 || this == GEMMA3;
    }

    /** Whether q and k have norms over their heads. */
    boolean normsHeads() {
        return this == QWEN3 || this == GEMMA3;
    }

    /** Whether q, k and v are one map, and gate and up another. */
    boolean fuses() {
        return this == PHI3;
    }
}
