package org.lora4j.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.WeightType;
import org.lora4j.nn.FusedPart;

/**
 * What one family's tensors are called, here, at Hugging Face and at llama.cpp, and how they lie in files. Readers and
 * writers of models and adapters ask this and know no name of their own, so that an adapter can be converted or merged
 * without a model in memory.
 *
 * <p>Names are those in memory: complete, as Transformers saves them, such as {@code transformer.h.0.attn.c_attn.weight}.
 * Found by {@link ServiceLoader}, so a family brings its own.
 */
public interface ModelNames {

    /** The names of all that the family knows by several {@code model_type}s; these alone where there is one. */
    default List<ModelNames> variants() {
        return List.of(this);
    }

    /** The family's {@code model_type} in a {@code config.json}. */
    String modelType();

    /** What to call such a model in a sentence: {@code GPT-2}. */
    String title();

    /** PEFT's {@code task_type} of the model as it was pretrained, such as {@code CAUSAL_LM}; empty where PEFT has none. */
    Optional<String> taskType();

    /** llama.cpp's {@code general.architecture}; empty where llama.cpp has none. */
    Optional<String> ggufArchitecture();

    /** What llama.cpp calls this module, such as {@code blk.0.attn_qkv}; empty where it takes no update of it. */
    Optional<String> toGguf(String module);

    /** The inverse of {@link #toGguf}. */
    Optional<String> fromGguf(String ggufName);

    /** The complete name of a tensor of a model in llama.cpp's format; empty where it has no place here. */
    default Optional<String> tensorFromGguf(String ggufTensor) {
        int dot = ggufTensor.lastIndexOf('.');
        return dot < 0 ? Optional.empty() : fromGguf(ggufTensor.substring(0, dot)).map(module -> module + ggufTensor.substring(dot));
    }

    /** Whether a model in llama.cpp's format may carry this tensor though it is no parameter, such as frequencies. */
    default boolean isGgufBuffer(String ggufTensor) {
        return ggufTensor.startsWith("rope_");
    }

    /**
     * Rows of a head that llama.cpp has in pairs in this tensor, the i-th of the lower half beside the i-th of the upper; 0 where
     * rows lie as here. It is so for the queries and keys of some architectures that turn them by their positions.
     *
     * @param tensor complete; that of an update's B has its module's name before it
     * @param config the model's {@code config.json}
     */
    default int pairedRows(String tensor, ObjectNode config) {
        return 0;
    }

    /** Whether {@link #pairedRows} can be other than 0. */
    default boolean pairsRows() {
        return false;
    }

    /** What llama.cpp's converter adds to every element of this tensor, such as 1 to the weights of norms. */
    default double ggufShift(String tensor) {
        return 0;
    }

    /** The prefix that a file of the whole model has before the body's names and a file of the body alone lacks. */
    String bodyPrefix();

    /** Whether the weight lies in files as in × out; in memory it is out × in always. */
    boolean isInByOut(String weight);

    /** Whether this is one of the large matrices, which may be held in a smaller type. */
    boolean isMatrix(String weight);

    /** Whether this is the table of the tokens or the head. */
    default boolean isTable(String weight) {
        return weight.equals(tokenTable()) || weight.equals(headWeight());
    }

    /** How this weight is held where matrices are held in {@code type}: tables and heads as that has them, vectors as floats. */
    default WeightType typeOf(String weight, WeightType type) {
        return !isMatrix(weight) ? WeightType.FLOAT32 : isTable(weight) ? type.ofTables() : type;
    }

    /** Whether a file may carry this tensor though it is no parameter, such as a causal mask. */
    boolean isBuffer(String tensor);

    /**
     * The names of the parts of a fused map, such as q, k, v, in their order; empty for any other module. Decided by the end
     * of the name, since files of adapters may lack what stands before it or have more there; so is {@link #isEmbedding}, and
     * {@link #isInByOut}.
     */
    List<String> parts(String module);

    /**
     * The same with their places. Parts are as wide as each other unless a family says otherwise.
     *
     * @param out    the outputs of the map
     * @param config the model's {@code config.json}, null where it is not at hand
     * @return empty if the module has no parts, or how wide they are cannot be told without the configuration or with this one
     */
    default List<FusedPart> fusedParts(String module, int out, @Nullable ObjectNode config) {
        List<String> parts = parts(module);
        return parts.isEmpty() || out % parts.size() != 0 ? List.of() : FusedPart.equal(parts, out);
    }

    /** Whether this module is an embedding. */
    boolean isEmbedding(String module);

    /** The token embedding's table. */
    String tokenTable();

    /** The head's weight, which may be {@link #tokenTable()} under another name. */
    String headWeight();

    /**
     * The modules of the head that classifies sequences, such as {@code classifier}, each of which may hold others; they stand
     * beside the body and not in it. Empty where the family has none.
     */
    default List<String> classifierModules() {
        return List.of();
    }

    /** The weight of the last of {@link #classifierModules}, (labels, C). */
    default Optional<String> classifierWeight() {
        return classifierModules().isEmpty() ? Optional.empty() : Optional.of(classifierModules().getLast() + ".weight");
    }

    /** The number of the block that a module or tensor of this name is in; {@code Slot.NO_BLOCK} outside of them. */
    int blockOf(String name);

    /** Whether this is the complete name of a module of this family that a low-rank update can sit beside. */
    boolean knows(String module);

    /**
     * Whether a tensor of this complete name is in a head that a classifier of sequences does not have, such as that of a
     * language model: it may be in the folder that a classifier is read from.
     */
    default boolean isOfOtherHead(String tensor) {
        return tensor.equals(headWeight()) && !isOfClassifier(tensor);
    }

    /** Today's name of a tensor that older versions of Transformers called otherwise, such as {@code LayerNorm.gamma}. */
    default String modern(String tensor) {
        return tensor;
    }

    // ------------------------------------------------------------------------------------------------ finding

    /** All families on the class path or module path. */
    static List<ModelNames> all() {
        return ServiceLoader.load(ModelNames.class).stream().flatMap(provider -> provider.get().variants().stream()).toList();
    }

    /** The family that llama.cpp calls so. */
    static Optional<ModelNames> ofArchitecture(String architecture) {
        return all().stream().filter(names -> names.ggufArchitecture().filter(architecture::equals).isPresent()).findFirst();
    }

    /** The family of that {@code model_type}. */
    static Optional<ModelNames> ofType(String modelType) {
        return all().stream().filter(names -> names.modelType().equals(modelType)).findFirst();
    }

    /** The families that some of these modules could be of, for files that say neither the family nor complete names. */
    static List<ModelNames> resembling(Collection<String> modules) {
        return all().stream().filter(names -> modules.stream().anyMatch(module -> names.isEmbedding(module)
                || !names.parts(module).isEmpty() || names.isInByOut(module + ".weight")
                || names.knows(names.complete(module)))).toList();
    }

    /** The family that knows all of these modules; empty if none does. */
    static Optional<ModelNames> ofModules(Collection<String> modules) {
        return all().stream().filter(names -> !modules.isEmpty() && modules.stream().allMatch(names::knows)).findFirst();
    }

    /** The complete name of a tensor, whether it comes from a file of the whole model or of the body alone. */
    default String complete(String name) {
        return name.startsWith(bodyPrefix()) || name.equals(headWeight()) || isOfClassifier(name) ? name : bodyPrefix() + name;
    }

    /** Whether a module or tensor of this name is one of {@link #classifierModules} or in one. */
    default boolean isOfClassifier(String name) {
        return classifierModules().stream().anyMatch(module -> name.equals(module) || name.startsWith(module + "."));
    }

    /** The head's module: its weight's name without {@code .weight}. */
    default String head() {
        return module(headWeight());
    }

    /** The token embedding's module. */
    default String tokens() {
        return module(tokenTable());
    }

    private static String module(String weight) {
        if (!weight.endsWith(".weight")) {
            throw new LoraException(weight + ": expected the name of a weight, which ends in .weight");
        }
        return weight.substring(0, weight.length() - ".weight".length());
    }
}
