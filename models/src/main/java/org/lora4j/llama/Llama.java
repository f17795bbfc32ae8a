package org.lora4j.llama;

import java.util.function.Function;
import org.lora4j.backend.Backend;
import org.lora4j.family.DecoderModel;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;

/** A Llama, or a model like it, as a language model; the configuration's {@code model_type} says which. */
final class Llama extends DecoderModel {

    private final LlamaConfig config;

    /**
     * @param parameter gives the parameter of each name in Hugging Face's files
     * @param dropout   on the attention's weights in training
     */
    Llama(LlamaConfig config, Backend backend, Function<String, Parameter> parameter, double dropout) {
        this(config, new LlamaBody(config, backend, parameter, dropout), parameter);
    }

    private Llama(LlamaConfig config, LlamaBody body, Function<String, Parameter> parameter) {
        super(body, new LanguageModelHead(new Slot<>(LlamaNames.HEAD, Role.LANGUAGE_HEAD, new Linear(
                config.isTied() ? body.table().table() : parameter.apply(LlamaNames.HEAD + ".weight"), null)),
                config.choices().headCap()));
        this.config = config;
    }

    @Override
    public LlamaConfig config() {
        return config;
    }
}
