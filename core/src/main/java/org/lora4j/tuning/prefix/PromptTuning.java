package org.lora4j.tuning.prefix;

import org.lora4j.model.ModelSizes;

/**
 * Prompt tuning (Lester et al. 2021), as PEFT has it: {@link PrefixEmbedding} without an infix, whose files PEFT reads.
 *
 * <pre>
 *   sequence    p₁ … p_n   tokens          embeddings of p  S: (n, d), trained          |Θ| = n·d
 * </pre>
 *
 * <p>A classifier that takes its answer from the first position takes it from p₁, as there.
 *
 * @param prefix n, PEFT's {@code num_virtual_tokens}
 * @param init   what S begins as
 */
public record PromptTuning(int prefix, TokenInit init) implements SpecialTokenMethod {

    /** The word for it. */
    public static final String NAME = "prompt-tuning";

    public PromptTuning {
        SpecialTokenMethod.requireLengths(prefix, 0);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String title() {
        return "prompt tuning";
    }

    @Override
    public long parameterCount(ModelSizes sizes) {
        return (long) sizes.width() * prefix;
    }

    @Override
    public String settings() {
        return NAME + " n " + prefix + " from " + init.text();
    }
}
