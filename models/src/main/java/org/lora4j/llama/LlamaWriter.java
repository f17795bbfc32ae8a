package org.lora4j.llama;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.backend.AttentionShape;
import org.lora4j.family.BodyClassifier;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/**
 * Writes a model of this family as it is read here and by Transformers: {@code model.safetensors} in float32 and
 * {@code config.json}, each in one step. A tied head is not written twice.
 */
final class LlamaWriter {

    private LlamaWriter() {
    }

    static void write(Llama model, Path folder, Map<String, String> metadata) {
        write(model, json(model.config().variant().architecture, model.config()), folder, metadata);
    }

    static void write(BodyClassifier model, Path folder, Map<String, String> metadata) {
        LlamaConfig config = (LlamaConfig) model.config();
        Map<String, Object> json = json(
                config.variant().architecture.replace("ForCausalLM", "ForSequenceClassification"), config);
        json.putAll(model.fields());
        write(model, json, folder, metadata);
    }

    private static void write(Model model, Map<String, Object> json, Path folder, Map<String, String> metadata) {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        metadata.forEach(writer::metadata);
        for (Parameter parameter : model.parameters()) {
            writer.addLater(parameter.name(), DType.F32, parameter.shape(), () -> model.backend().readFloats(parameter.value()));
        }
        writer.write(folder.resolve("model.safetensors"));
        byte[] config = text(json).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve("config.json"), out -> out.write(config));
    }

    private static Map<String, Object> json(String architecture, LlamaConfig config) {
        Variant variant = config.variant();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture));
        json.put("model_type", variant.modelType);
        json.put("vocab_size", config.counts().vocabulary());
        json.put("hidden_size", config.counts().width());
        json.put("intermediate_size", config.counts().inner());
        json.put("num_hidden_layers", config.counts().blocks());
        json.put("num_attention_heads", config.heads().count());
        json.put("num_key_value_heads", config.heads().keyHeads());
        if (variant != Variant.QWEN2 && variant != Variant.PHI3 || config.heads().size() != config.counts().width() / config.heads().count()) {
            json.put("head_dim", config.heads().size());
        }
        String activation = config.choices().activation().names().getFirst();
        json.put("hidden_act", activation);
        if (variant.isGemma()) {
            json.put("hidden_activation", activation);
        }
        json.put("max_position_embeddings", config.counts().positions());
        json.put("rms_norm_eps", config.choices().epsilon());
        json.put("tie_word_embeddings", config.choices().tied());
        switch (variant) {
            case LLAMA -> {
                json.put("attention_bias", config.choices().attentionBias());
                json.put("mlp_bias", config.choices().mlpBias());
            }
            case QWEN3, GEMMA -> json.put("attention_bias", config.choices().attentionBias());
            case GEMMA2, GEMMA3 -> {
                json.put("attn_logit_softcapping", config.heads().cap() == 0 ? null : config.heads().cap());
                json.put("attention_bias", config.choices().attentionBias());
                json.put("query_pre_attn_scalar", round(1 / (config.heads().scale() * config.heads().scale())));
                json.put("final_logit_softcapping", config.choices().headCap() == 0 ? null : config.choices().headCap());
            }
            case MISTRAL, QWEN2, PHI3 -> {
            }
        }
        putWindows(json, config);
        putRope(json, config);
        return json;
    }

    /** The whole number that it was. */
    private static Object round(double value) {
        return Math.abs(value - Math.rint(value)) < 1e-9 * value ? (Object) (int) Math.rint(value) : (Object) value;
    }

    private static void putWindows(Map<String, Object> json, LlamaConfig config) {
        boolean any = config.windows().window() != AttentionShape.NO_WINDOW;
        Object window = any ? (Object) config.windows().window() : null;
        switch (config.variant()) {
            case MISTRAL, PHI3 -> json.put("sliding_window", window);
            case QWEN2, QWEN3 -> {
                json.put("use_sliding_window", any);
                json.put("sliding_window", window);
            }
            case GEMMA2, GEMMA3 -> json.put("sliding_window", any ? window : 4096);
            case LLAMA, GEMMA -> {
                return;
            }
        }
        if (config.variant() != Variant.MISTRAL && config.variant() != Variant.PHI3) {
            json.put("layer_types", config.windows().local().stream().map(
                    local -> local ? "sliding_attention" : "full_attention").toList());
        }
    }

    private static void putRope(Map<String, Object> json, LlamaConfig config) {
        if (config.localRope() != null) {
            Map<String, Object> each = new LinkedHashMap<>();
            each.put("full_attention", parameters(config.rope(), config));
            each.put("sliding_attention", parameters(config.localRope(), config));
            json.put("rope_parameters", each);
            json.put("rope_theta", config.rope().theta());
            json.put("rope_local_base_freq", config.localRope().theta());
            return;
        }
        json.put("rope_theta", config.rope().theta());
        json.put("rope_parameters", parameters(config.rope(), config));
        Double original = config.rope().numbers().get("original_max_position_embeddings");
        if (config.variant() == Variant.PHI3 && original != null) {
            json.put("original_max_position_embeddings", original.intValue());
        }
        if (!config.rope().kind().equals("default")) { // for Transformers before version 5
            json.put("rope_scaling", parameters(config.rope(), config));
        }
    }

    private static Map<String, Object> parameters(Rope rope, LlamaConfig config) {
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("rope_type", rope.kind());
        parameters.put("rope_theta", rope.theta());
        if (rope.rotated() != config.heads().size()) {
            parameters.put("partial_rotary_factor", (double) rope.rotated() / config.heads().size());
        }
        new TreeMap<>(rope.numbers()).forEach((name, value) -> parameters.put(name, name.equals("truncate") ? (Object) (value != 0)
                : name.equals("original_max_position_embeddings") ? (Object) value.intValue() : value));
        parameters.putAll(new TreeMap<>(rope.lists()));
        return parameters;
    }

    private static String text(Map<String, Object> json) {
        try {
            return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
