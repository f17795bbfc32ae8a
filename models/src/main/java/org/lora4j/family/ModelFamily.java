package org.lora4j.family;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Everything that is true of a {@code model_type}: its configuration, its names, its files, its tokenizer, and how a random
 * one is made. A new family is a package with a class that implements this, named in
 * {@code META-INF/services/org.lora4j.family.ModelFamily} and in {@code module-info.java}.
 */
public interface ModelFamily {

    /** How the family calls its tensors and modules. */
    ModelNames names();

    /** A family for each {@code model_type} that this one knows; this alone where there is one. */
    default List<ModelFamily> variants() {
        return List.of(this);
    }

    /**
     * Reads a {@code config.json}.
     *
     * @throws org.lora4j.io.FormatException if it is not such a model's, or asks for what cannot be computed
     */
    ModelConfig config(Path file);

    /**
     * Reads a folder in Hugging Face layout.
     *
     * @param dropout on embeddings, attention probabilities and branches in training; the paper's scripts use 0
     * @param type    how the weight matrices are held in memory; vectors stay floats
     * @param remarks is told what a user should know and no file is wrong about, such as a head of its own
     * @throws org.lora4j.LoraException if a tensor is missing, unexpected or has another shape, or such a model does not write
     */
    LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks);

    /** The {@code config.json} of a model that llama.cpp has in one file; empty where the file does not say enough for one. */
    default Optional<Map<String, Object>> configOf(GgufFields file) {
        return Optional.empty();
    }

    /** The tensors of a folder under the family's names, as files have them; to be closed. */
    default ModelTensors tensors(Path folder) {
        return ModelTensors.open(folder, names(), config(folder.resolve(Families.CONFIG)).isTied());
    }

    /** The class in Transformers that reads such a language model, for a {@code config.json} that does not say. */
    String architecture();

    /** The class in Transformers that reads such a classifier of sequences. */
    default String classifierArchitecture() {
        return writes() ? architecture().replaceFirst("(LMHeadModel|ForCausalLM)$", "") + ClassifierFields.ARCHITECTURE : architecture();
    }

    /**
     * Writes {@code config.json} and the tensors as {@link #load} and Transformers read them.
     *
     * @param metadata what else the tensor file says of itself
     */
    void write(Model model, Path folder, Map<String, String> metadata);

    /** A model that has learnt nothing, the same numbers for the same seed on every backend: for benchmarks and tests. */
    LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type);

    /** A model whose parameters are allocated and nothing more: for counting. */
    LanguageModel empty(ModelConfig config, Backend backend);

    /**
     * Reads a folder in Hugging Face layout as a classifier of sequences: a model with such a head, or one that was pretrained
     * for something else, whose own head is left out with a remark.
     *
     * @param head    which head is wanted
     * @param dropout in training
     * @param type    how the weight matrices of the body are held in memory
     * @param remarks is told what a user should know, such as that the head is new
     * @throws org.lora4j.LoraException if a tensor is missing, unexpected or has another shape, if the labels are others than
     *                                  the folder's, or if this family has no such head
     */
    default SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead head, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        throw noClassifier();
    }

    /** A classifier that has learnt nothing, without dropout; its body is that of {@link #random} where there is one. */
    default SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type) {
        return randomClassifier(config, labels, backend, seed, type, BaseDropout.NONE);
    }

    /** The same with dropout in training. */
    default SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type, BaseDropout dropout) {
        throw noClassifier();
    }

    /** A classifier whose parameters are allocated and nothing more: for counting. */
    default SequenceClassifier emptyClassifier(ModelConfig config, Labels labels, Backend backend) {
        throw noClassifier();
    }

    private LoraException noClassifier() {
        return new LoraException(names().title() + ": has no head here that classifies sequences");
    }

    /** Whether it writes texts: whether {@link #load}, {@link #random} and {@link #empty} give a model. */
    default boolean writes() {
        return true;
    }

    /** What LoRA takes where nobody says otherwise. */
    default TuningDefaults tuningDefaults() {
        return TuningDefaults.USUAL;
    }

    /** The tokenizer beside the model. */
    Tokenizer tokenizer(Path folder);

    /** The sizes that people know by a name, such as {@code gpt2-medium}. */
    Map<String, ModelConfig> shapes();
}
