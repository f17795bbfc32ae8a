package org.lora4j.gpt2;

import java.util.function.Function;
import org.lora4j.backend.Backend;
import org.lora4j.family.DecoderModel;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;

/**
 * GPT-2 (Radford et al. 2019) as a language model:
 *
 * <pre>
 *   x₀ = dropout(wte[id] + wpe[position] (+ wte[type]))      xᵢ₊₁ = blockᵢ(xᵢ)      h = LayerNorm(x_L)      logits = h·headᵀ
 * </pre>
 *
 * <p>The model holds parameters and nothing else: passes live in a {@link Workspace}, generation's past in a
 * {@link KeyValuePool}, so any number of them can share one model. A method such as LoRA changes what sits in the
 * {@link Slot}s; nothing is computed for frozen weights' gradients, nor below the lowest parameter that trains.
 *
 * <p>Positions count from 0 at a row's first token, padding included, as Transformers does it unless told otherwise.
 */
public final class Gpt2 extends DecoderModel {

    private final Gpt2Config config;

    /**
     * A model of these parameters.
     *
     * @param parameter gives the parameter of each name in Hugging Face's files (with the prefix {@code transformer.}),
     *                  its weights as out × in
     * @param dropout   on embeddings, attention probabilities and branches in training; the paper's scripts use 0
     */
    public Gpt2(Gpt2Config config, Backend backend, Function<String, Parameter> parameter, double dropout) {
        this(config, new Gpt2Body(config, backend, parameter, Gpt2Body.Rates.everywhere(dropout)), parameter);
    }

    private Gpt2(Gpt2Config config, Gpt2Body body, Function<String, Parameter> parameter) {
        super(body, new LanguageModelHead(new Slot<>(Gpt2Names.HEAD, Role.LANGUAGE_HEAD, new Linear(
                config.tieWordEmbeddings() ? body.table().table() : parameter.apply("lm_head.weight"), null))));
        this.config = config;
    }

    @Override
    public Gpt2Config config() {
        return config;
    }
}
