package org.lora4j.tuning.prefix;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.MethodWords;

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

    /** Requires at least one token. */
    public PromptTuning {
        SpecialTokenMethod.requireLengths(prefix, 0);
        init = init.upTo(prefix);
    }

    /** From {@code prompt-tuning:20,init=random}. */
    static PromptTuning of(MethodWords typed) {
        MethodWords words = typed.withMain("length", List.of("length", "init"));
        return new PromptTuning(words.whole("length", 1, OptionalInt.empty()), TokenInit.of(words));
    }

    @Override
    public String name() {
        return SpecialTokenMethod.spell(NAME, prefix, 0, init);
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
    public String peftType() {
        return "PROMPT_TUNING";
    }

    @Override
    public Map<String, ? extends Object> fields(Model model) {
        Map<String, Object> fields = PeftPrompts.fields(this, model);
        // that of a text would need the text and its tokenizer, for values that are there
        fields.put("prompt_tuning_init", init.kind() == TokenInit.Kind.VOCABULARY ? "SAMPLE_VOCAB" : "RANDOM");
        fields.put("prompt_tuning_init_text", null);
        fields.put("tokenizer_kwargs", null);
        fields.put("tokenizer_name_or_path", null);
        return fields;
    }

    @Override
    public String key(Parameter parameter) {
        return PeftPrompts.key(parameter);
    }
}
