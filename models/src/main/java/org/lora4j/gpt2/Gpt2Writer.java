package org.lora4j.gpt2;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.family.BodyClassifier;
import org.lora4j.family.ParameterReader;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;

/**
 * Writes a GPT-2 as {@link Gpt2Files} and Transformers read it: {@code model.safetensors} in float32 and
 * {@code config.json}, each in one step. A tied head is not written twice; Conv1D weights are turned around again.
 */
public final class Gpt2Writer {

    private Gpt2Writer() {
    }

    /**
     * Writes the model as Transformers reads it.
     *
     * @param folder made if it is missing; other files in it, such as the tokenizer's, are left alone
     */
    public static void write(Gpt2 model, Path folder) {
        write(model, folder, Map.of());
    }

    /** @param metadata what else the tensor file says of itself */
    static void write(Gpt2 model, Path folder, Map<String, String> metadata) {
        Map<String, Object> json = json("GPT2LMHeadModel", model.config());
        for (String dropout : List.of("attn_pdrop", "embd_pdrop", "resid_pdrop")) {
            json.put(dropout, 0.0);
        }
        write(model, json, folder, metadata);
    }

    /** The same of a classifier. */
    static void write(BodyClassifier model, Path folder, Map<String, String> metadata) {
        Map<String, Object> json = json(Gpt2Classifiers.ARCHITECTURE, (Gpt2Config) model.config());
        json.putAll(model.fields());
        write(model, json, folder, metadata);
    }

    private static void write(Model model, Map<String, Object> json, Path folder, Map<String, String> metadata) {
        Backend backend = model.backend();
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        metadata.forEach(writer::metadata);
        for (Parameter parameter : model.parameters()) {
            Shape shape = parameter.shape();
            if (Gpt2Family.NAMES.isInByOut(parameter.name())) {
                int rows = shape.dim(0);
                int columns = shape.dim(1);
                writer.addLater(parameter.name(), DType.F32, Shape.of(columns, rows),
                        () -> ParameterReader.transposed(backend.readFloats(parameter.value()), rows, columns));
            } else {
                writer.addLater(parameter.name(), DType.F32, shape, () -> backend.readFloats(parameter.value()));
            }
        }
        writer.write(folder.resolve("model.safetensors"));
        byte[] config = text(json).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve("config.json"), out -> out.write(config));
    }

    private static Map<String, Object> json(String architecture, Gpt2Config config) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture));
        json.put("model_type", "gpt2");
        json.put("vocab_size", config.vocabSize());
        json.put("n_positions", config.nPositions());
        json.put("n_embd", config.nEmbd());
        json.put("n_layer", config.nLayer());
        json.put("n_head", config.nHead());
        json.put("n_inner", config.nInner());
        json.put("activation_function", config.activation().names().getFirst());
        json.put("layer_norm_epsilon", config.layerNormEpsilon());
        json.put("scale_attn_weights", config.scaleAttention());
        json.put("scale_attn_by_inverse_layer_idx", config.scaleByInverseLayer());
        json.put("tie_word_embeddings", config.tieWordEmbeddings());
        return json;
    }

    private static String text(Map<String, Object> json) {
        try {
            return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
