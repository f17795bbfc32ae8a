package org.lora4j.gpt2;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.ModelTensors;
import org.lora4j.io.FormatException;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Reads a GPT-2 from a folder in Hugging Face layout: {@code config.json} and {@code model.safetensors}, or its shards
 * with an index.
 *
 * <p>GPT-2's linear layers are stored as Conv1D, in × out. They are turned around here, so that in memory every weight
 * is out × in; this is the only place that knows of it. What tensors may be called, and whether the head is the token
 * embedding or a table of its own, is {@link ModelTensors}' business; the model's configuration then says which.
 */
public final class Gpt2Files {

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
        return load(folder, backend, dropout, type, remark -> { });
    }

    /** @param remarks is told, in a line each, what a user should know of the files although they can be loaded */
    public static Gpt2 load(
            Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        Gpt2Config written = config(folder);
        try (ModelTensors source = ModelTensors.open(folder, Gpt2Family.NAMES, written.tieWordEmbeddings())) {
            source.remark().ifPresent(remarks);
            Gpt2Config config = written.withTieWordEmbeddings(source.tied());
            Reader reader = new Reader(source, backend, config, type);
            Gpt2 model = new Gpt2(config, backend, reader::parameter, dropout);
            reader.requireAllRead();
            return model;
        }
    }

    // ------------------------------------------------------------------------------------------------ config.json

    /** The configuration of a folder, without its tensors. */
    public static Gpt2Config config(Path folder) {
        return Gpt2ConfigFile.read(folder.resolve("config.json"));
    }

    // ------------------------------------------------------------------------------------------------ tensors

    /** Reads the tensors that the model asks for and remembers which they were. */
    private static final class Reader {

        private final ModelTensors source;
        private final Backend backend;
        private final Gpt2Config config;
        private final WeightType type;
        private final Set<String> read = new HashSet<>();

        Reader(ModelTensors source, Backend backend, Gpt2Config config, WeightType type) {
            this.type = type;
            this.source = source;
            this.backend = backend;
            this.config = config;
        }

        /** @param name with the prefix, whatever the file has */
        Parameter parameter(String name) {
            Shape shape = config.shapeOf(name);
            boolean conv1d = Gpt2Family.NAMES.isInByOut(name);
            if (conv1d) {
                source.requireShape(name, shape.dim(1), shape.dim(0));
            } else {
                source.requireShape(name, shape.toArray());
            }
            read.add(name);
            Tensor tensor = backend.allocateWeight(shape, Gpt2Family.NAMES.isMatrix(name) ? type : WeightType.FLOAT32);
            if (conv1d) {
                backend.upload(transpose(source.floats(name), shape.dim(1), shape.dim(0)), tensor);
            } else {
                GradualUpload.upload(backend, tensor, (from, piece, count) -> source.readFloats(name, from, piece, 0, count));
            }
            backend.freeze(tensor);
            return new Parameter(name, backend, tensor);
        }

        /** A tensor that nobody asked for belongs to another model, or to a method that would silently be lost. */
        void requireAllRead() {
            List<String> unexpected = new ArrayList<>();
            for (String name : source.names()) {
                if (!read.contains(name)) {
                    unexpected.add(source.storedName(name));
                }
            }
            if (!unexpected.isEmpty()) {
                throw new FormatException(source.path(), "has tensors that a GPT-2 of this configuration does not have: "
                        + Names.some(unexpected, 4) + ". Does config.json belong to it?");
            }
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
