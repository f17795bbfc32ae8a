package org.lora4j.tuning.prefix;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.MethodWords;

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

    /** Requires at least one token, and a width that is not negative. */
    public PTuning {
        SpecialTokenMethod.requireLengths(prefix, 0);
        requireWidth(width);
    }

    static void requireWidth(int width) {
        if (width < 0) {
            throw new LoraException("`encoderWidth` " + width + ": expected a positive number, or 0 for the model's width");
        }
    }

    /** From {@code p-tuning:20,width=64}. */
    static PTuning of(MethodWords typed) {
        MethodWords words = typed.withMain("length", List.of("length", "width"));
        return new PTuning(words.whole("length", 1, OptionalInt.empty()), words.whole("width", 1, OptionalInt.of(0)));
    }

    @Override
    public String name() {
        return MethodWords.spell(NAME, prefix, width == 0 ? Map.of() : Map.of("width", width));
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
    public String peftType() {
        return "P_TUNING";
    }

    @Override
    public Map<String, ? extends Object> fields(Model model) {
        Map<String, Object> fields = PeftPrompts.fields(this, model);
        fields.put("encoder_dropout", 0.0);
        fields.put("encoder_hidden_size", width == 0 ? model.sizes().width() : width);
        fields.put("encoder_num_layers", 2);
        fields.put("encoder_reparameterization_type", "MLP");
        return fields;
    }

    @Override
    public String key(Parameter parameter) {
        return PeftPrompts.key(parameter);
    }
}
