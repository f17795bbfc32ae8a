package org.lora4j.gpt2;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.ModelTensors;
import org.lora4j.family.ParameterReader;

/**
 * Reads a GPT-2 from a folder in Hugging Face layout: {@code config.json} and {@code model.safetensors}, or its shards
 * with an index.
 *
 * <p>GPT-2's linear layers are stored as Conv1D, in × out. They are turned around here, so that in memory every weight
 * is out × in: {@link ParameterReader} turns them around. What tensors may be called, and whether the head is the token
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
     * Loads a model, its weights as floats.
     *
     * @param dropout on embeddings, attention probabilities and branches in training; the paper's scripts use 0
     * @throws LoraException if the folder is not a GPT-2's, or a tensor is missing, unexpected or has another shape
     */
    public static Gpt2 load(Path folder, Backend backend, double dropout) {
        return load(folder, backend, dropout, WeightType.FLOAT32);
    }

    /**
     * The same, with weights held in another type.
     *
     * @param type how the weight matrices are held in memory; vectors and positions stay floats
     */
    public static Gpt2 load(Path folder, Backend backend, double dropout, WeightType type) {
        return load(folder, backend, dropout, type, remark -> { });
    }

    /**
     * The same, with somebody who hears remarks.
     *
     * @param remarks is told, in a line each, what a user should know of the files although they can be loaded
     */
    public static Gpt2 load(
            Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        Gpt2Config written = config(folder);
        try (ModelTensors source = ModelTensors.open(folder, Gpt2Family.NAMES, written.tieWordEmbeddings())) {
            source.remark().ifPresent(remarks);
            Gpt2Config config = written.withTieWordEmbeddings(source.tied());
            ParameterReader reader = new ParameterReader(source, Gpt2Family.NAMES, config::shapeOf, backend, type);
            Gpt2 model = new Gpt2(config, backend, reader::parameter, dropout);
            reader.requireAllRead("a GPT-2 of this configuration");
            return model;
        }
    }

    // ------------------------------------------------------------------------------------------------ config.json

    /** The configuration of a folder, without its tensors. */
    public static Gpt2Config config(Path folder) {
        return Gpt2ConfigFile.read(folder.resolve("config.json"));
    }
}
