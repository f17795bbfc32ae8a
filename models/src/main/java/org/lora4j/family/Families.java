package org.lora4j.family;

import java.io.IOException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.tokenizer.Tokenizer;

/** Finds the {@link ModelFamily} that a folder belongs to, and asks it. */
public final class Families {

    static final String CONFIG = "config.json";
    private static final String TENSORS = "model.safetensors";

    private Families() {
    }

    /** All families on the class path or module path. */
    public static List<ModelFamily> all() {
        return ServiceLoader.load(ModelFamily.class).stream().flatMap(provider -> provider.get().variants().stream()).toList();
    }

    /** A model for inference, or for training without dropout in the base. */
    public static LanguageModel load(Path folder, Backend backend) {
        return load(folder, backend, 0, WeightType.FLOAT32, remark -> { });
    }

    /** See {@link ModelFamily#load}. */
    public static LanguageModel load(
            Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        return of(folder).load(folder, backend, dropout, type, remarks);
    }

    /** A classifier with dropout as its {@code config.json} says. */
    public static SequenceClassifier classifier(Path folder, Backend backend, ClassifierHead head) {
        return classifier(folder, backend, head, BaseDropout.CONFIGURED, WeightType.FLOAT32, remark -> { });
    }

    /** See {@link ModelFamily#classifier}. */
    public static SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead head, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        return of(folder).classifier(folder, backend, head, dropout, type, remarks);
    }

    /** Whether a folder is of a classifier of sequences: its {@code config.json} says so, or its family does not write texts. */
    public static boolean isClassifier(Path folder) {
        return !of(folder).writes() || ClassifierFields.read(configFile(folder)).saysClassifier();
    }

    /**
     * The same for a base that is used with an adapter: one that brings a head makes a classifier of any.
     *
     * @param adapter its folder; null for none
     */
    public static boolean isClassifier(Path folder, @Nullable Path adapter) {
        return isClassifier(folder) || adapter != null && AdapterHead.of(adapter, of(folder).names()).isPresent();
    }

    /** What LoRA takes for the model of a folder where nobody says otherwise. */
    public static TuningDefaults tuningDefaults(Path folder) {
        ModelSizes sizes = config(folder).sizes();
        return of(folder).tuningDefaults().fitting(Math.min(sizes.width(), sizes.keyWidth()));
    }

    /** The configuration of a folder, without its tensors. */
    public static ModelConfig config(Path folder) {
        return of(folder).config(configFile(folder));
    }

    /** The tokenizer of a folder. */
    public static Tokenizer tokenizer(Path folder) {
        return of(folder).tokenizer(folder);
    }

    /** The family of the model in a folder. */
    public static ModelFamily of(Path folder) {
        Path file = configFile(folder);
        return of(file, JsonFile.read(file));
    }

    /** The family that these names belong to. */
    public static ModelFamily of(ModelNames names) {
        return all().stream().filter(family -> family.names().modelType().equals(names.modelType())).findFirst()
                .orElseThrow(() -> new LoraException(names.title() + ": no such family of models here; there are " + known()));
    }

    /** Writes a model as its family's files. */
    public static void write(Model model, Path folder) {
        write(model, folder, Map.of());
    }

    /** The same, with metadata in its tensor file. */
    public static void write(Model model, Path folder, Map<String, String> metadata) {
        of(model.names()).write(model, folder, metadata);
    }

    /** What a model's tensor file says of itself; empty where it says nothing. */
    public static Map<String, String> metadata(Path folder) {
        Path file = folder.resolve(TENSORS);
        if (!Files.exists(file)) {
            return Map.of();
        }
        try (Safetensors tensors = Safetensors.open(file)) {
            return Map.copyOf(tensors.metadata());
        }
    }

    /** The sizes of all families that people know by a name. */
    public static Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        all().forEach(family -> shapes.putAll(family.shapes()));
        return shapes;
    }

    /**
     * A configuration of a known size, such as {@code gpt2-medium}.
     *
     * @throws LoraException if no family knows a size of that name
     */
    public static ModelConfig shape(String name) {
        ModelConfig config = shapes().get(name);
        if (config == null) {
            throw new LoraException("`shape` " + name + ": expected one of " + String.join(", ", shapes().keySet()));
        }
        return config;
    }

    /** A model of this configuration that has learnt nothing. */
    public static LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        return of(config.names()).random(config, backend, seed, type);
    }

    /** A classifier of this configuration that has learnt nothing. */
    public static SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type) {
        return of(config.names()).randomClassifier(config, labels, backend, seed, type);
    }

    private static Path configFile(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new LoraException(Names.oneLine("`model` " + folder + ": "
                    + (Files.exists(folder) ? "is a file" : FileErrors.absent(folder, "folder")) + ". Name a folder in Hugging "
                    + "Face layout, with a config.json, tensors and a tokenizer"));
        }
        if (Files.exists(folder.resolve(PeftConfig.FILE_NAME)) && !Files.exists(folder.resolve(CONFIG))) {
            throw new LoraException(Names.oneLine("`model` " + folder + ": has no " + CONFIG + " but an " + PeftConfig.FILE_NAME
                    + ", so it is an adapter's folder. Name its base here, and give it as `adapter`"));
        }
        if (!Files.exists(folder.resolve(CONFIG)) && hasGguf(folder)) {
            throw new LoraException(Names.oneLine("`model` " + folder + ": has a GGUF file and no " + CONFIG + ". Put the " + CONFIG
                    + " and the tokenizer.json of the model that it was made of beside it"));
        }
        return folder.resolve(CONFIG);
    }

    private static boolean hasGguf(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.anyMatch(file -> file.toString().endsWith(".gguf"));
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }

    private static ModelFamily of(Path file, ObjectNode json) {
        String type = json.path("model_type").asText("");
        return all().stream().filter(family -> family.names().modelType().equals(type)).findFirst()
                .orElseThrow(() -> new FormatException(file, "model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type))
                        + ", expected one of " + known()));
    }

    private static String known() {
        return all().stream().map(family -> Names.quoted(family.names().modelType())).collect(Collectors.joining(", "));
    }
}
