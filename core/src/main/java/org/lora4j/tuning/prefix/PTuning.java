package org.lora4j.tuning.prefix;

import org.lora4j.LoraException;
import org.lora4j.model.ModelSizes;

/**
 * P-tuning (Liu et al. 2021), as PEFT has it with its encoder {@code MLP}: {@link PromptTuning} whose embeddings a network makes
 * in training.
 *
 * <pre>
 *   S = W₃·relu(W₂·relu(W₁·E + b₁) + b₂) + b₃          E: (n, d)   W₁: (h, d)   W₂: (h, h)   W₃: (d, h)
 *
 *   |Θ| = n·d + 2·d·h + h² + 2·h + d
 * </pre>
 *
 * <p>Only S is saved, as PEFT does, so what was trained can be used and not trained further in a run of its own; a run's
 * checkpoint has the network too. The encoder {@code LSTM} is not here; its files are, since they hold S.
 *
 * @param prefix n
 * @param width  h, PEFT's {@code encoder_hidden_size}; 0 for d
 */
public record PTuning(int prefix, int width) implements SpecialTokenMethod {

    /** The word for it. */
    public static final String NAME = "p-tuning";

    public PTuning {
        SpecialTokenMethod.requireLengths(prefix, 0);
        requireWidth(width);
    }

    static void requireWidth(int width) {
        if (width < 0) {
            throw new LoraException("`encoderWidth` " + width + ": expected a positive number, or 0 for the model's width");
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String title() {
        return "P-tuning";
    }

    @Override
    public long parameterCount(ModelSizes sizes) {
        long d = sizes.width();
        long h = width == 0 ? d : width;
        return prefix * d + 2 * d * h + h * h + 2 * h + d;
    }

    @Override
    public String settings() {
        return NAME + " n " + prefix + " width " + width;
    }
}
