package org.lora4j.gpt2;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.backend.GeluKind;
import org.lora4j.backend.WeightType;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorSource;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Reads a GPT-2 from a folder in Hugging Face layout: {@code config.json} and {@code model.safetensors}, or its shards
 * with an index.
 *
 * <p>GPT-2's linear layers are stored as Conv1D, in × out. They are turned around here, so that in memory every weight
 * is out × in; this is the only place that knows of it. Tensor names may have the prefix {@code transformer.}, as
 * Transformers saves them, or lack it, as on the hub; the causal masks that old files carry ({@code attn.bias}) are
 * passed over, as is a tied head that was saved once more.
 */
public final class Gpt2Files {

    private static final String PREFIX = "transformer.";
    private static final String HEAD = "lm_head.weight";

    private Gpt2Files() {
    }

    /** A model for inference, or for training without dropout in the base. */
    public static Gpt2 load(Path folder, Backend backend) {
        return load(folder, backend, 0);
    }

    /**
     * @param dropout on embeddings, attention probabilities and branches in training; the paper's scripts use 0
     * @throws LoraException if the folder is not a GPT-2's, or a tensor is missing, unexpected or has another shape
     */
    public static Gpt2 load(Path folder, Backend backend, double dropout) {
        return load(folder, backend, dropout, WeightType.FLOAT32);
    }

    /** @param type how the weight matrices are held in memory; vectors and positions stay floats */
    public static Gpt2 load(Path folder, Backend backend, double dropout, WeightType type) {
        Gpt2Config config = config(folder);
        try (TensorSource source = TensorFiles.open(folder)) {
            Reader reader = new Reader(source, backend, config, type);
            Gpt2 model = new Gpt2(config, backend, reader::parameter, dropout);
            reader.requireAllRead();
            return model;
        }
    }

    // ------------------------------------------------------------------------------------------------ config.json

    /** The configuration of a folder, without its tensors. */
    public static Gpt2Config config(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new LoraException("--model " + folder + ": "
                    + (Files.exists(folder) ? "is a file" : "there is no such folder") + ". Name a folder in Hugging Face layout "
                    + "(config.json, model.safetensors, vocab.json, merges.txt), or base-6m for the embedded one");
        }
        Path file = folder.resolve("config.json");
        return config(file, JsonFile.read(file));
    }

    /** What the file's JSON says. */
    static Gpt2Config config(Path file, ObjectNode json) {
        String type = json.path("model_type").asText("");
        if (!type.equals("gpt2")) {
            throw new FormatException(file, "model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type))
                    + ", expected \"gpt2\": only GPT-2 can be loaded so far");
        }
        if (json.path("add_cross_attention").asBoolean(false)) {
            throw new FormatException(file, "add_cross_attention is true: only decoders without an encoder can be loaded");
        }
        try {
            return read(file, json);
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) { // sizes that do not go together know nothing of the file they stand in
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    private static Gpt2Config read(Path file, ObjectNode json) {
        int nEmbd = integer(file, json, "n_embd", 768);
        return new Gpt2Config(
                integer(file, json, "vocab_size", 50257), integer(file, json, "n_positions", 1024), nEmbd,
                integer(file, json, "n_layer", 12), integer(file, json, "n_head", 12),
                json.path("n_inner").isNumber() ? integer(file, json, "n_inner", 0) : Math.multiplyExact(4, nEmbd),
                activation(file, json.path("activation_function").asText("gelu_new")),
                json.path("layer_norm_epsilon").asDouble(1e-5), json.path("scale_attn_weights").asBoolean(true),
                json.path("scale_attn_by_inverse_layer_idx").asBoolean(false),
                json.path("tie_word_embeddings").asBoolean(true));
    }

    /** The number of the field; Transformers' default where the file leaves it out. */
    private static int integer(Path file, ObjectNode json, String field, int otherwise) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.canConvertToInt() || !value.isIntegralNumber() || value.asInt() < 1) {
            throw new FormatException(file, field + " is " + Names.quoted(value.toString())
                    + ", expected a positive whole number");
        }
        return value.asInt();
    }

    private static GeluKind activation(Path file, String name) {
        return switch (name) {
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> GeluKind.TANH;
            case "gelu" -> GeluKind.ERF;
            default -> throw new FormatException(file, "activation_function is " + Names.quoted(name)
                    + ", expected gelu_new, gelu_pytorch_tanh or gelu");
        };
    }

    // ------------------------------------------------------------------------------------------------ tensors

    /** Reads the tensors that the model asks for and remembers which they were. */
    private static final class Reader {

        private final TensorSource source;
        private final Backend backend;
        private final Gpt2Config config;
        private final WeightType type;
        private final boolean prefixed;
        private final Set<String> read = new HashSet<>();

        Reader(TensorSource source, Backend backend, Gpt2Config config, WeightType type) {
            this.type = type;
            this.source = source;
            this.backend = backend;
            this.config = config;
            this.prefixed = source.names().stream().anyMatch(name -> name.startsWith(PREFIX));
        }

        /** @param name with the prefix, whatever the file has */
        Parameter parameter(String name) {
            String stored = prefixed || !name.startsWith(PREFIX) ? name : name.substring(PREFIX.length());
            Shape shape = config.shapeOf(name);
            boolean conv1d = Gpt2Family.NAMES.isInByOut(name);
            if (conv1d) {
                source.requireShape(stored, shape.dim(1), shape.dim(0));
            } else {
                source.requireShape(stored, shape.toArray());
            }
            read.add(stored);
            Tensor tensor = backend.allocateWeight(shape, Gpt2Family.NAMES.isMatrix(name) ? type : WeightType.FLOAT32);
            if (conv1d) {
                backend.upload(transpose(source.floats(stored), shape.dim(1), shape.dim(0)), tensor);
            } else {
                GradualUpload.upload(backend, tensor, (from, piece, count) -> source.readFloats(stored, from, piece, 0, count));
            }
            backend.freeze(tensor);
            return new Parameter(name, backend, tensor);
        }

        /** A tensor that nobody asked for belongs to another model, or to a method that would silently be lost. */
        void requireAllRead() {
            List<String> unexpected = new ArrayList<>();
            for (String name : source.names()) {
                if (!read.contains(name) && !isMask(name) && !(name.equals(HEAD) && config.tieWordEmbeddings())) {
                    unexpected.add(name);
                }
            }
            if (!unexpected.isEmpty()) {
                throw new FormatException(source.path(), "has tensors that a GPT-2 of this configuration does not have: "
                        + Names.some(unexpected, 4) + ". Does config.json belong to it?");
            }
        }

        private static boolean isMask(String name) {
            return name.endsWith(".attn.bias") || name.endsWith(".attn.masked_bias");
        }
    }

    /** (rows, columns) → (columns, rows), by tiles that stay in the cache. */
    static float[] transpose(float[] values, int rows, int columns) {
        final int tile = 32;
        float[] transposed = new float[values.length];
        for (int i0 = 0; i0 < rows; i0 += tile) {
            for (int j0 = 0; j0 < columns; j0 += tile) {
                for (int i = i0; i < Math.min(rows, i0 + tile); i++) {
                    for (int j = j0; j < Math.min(columns, j0 + tile); j++) {
                        transposed[j * rows + i] = values[i * columns + j];
                    }
                }
            }
        }
        return transposed;
    }
}
