package org.lora4j.golden;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** One folder of golden values; {@code tests/golden/README.md} says what is in it and how it was made. */
final class GoldenCase {

    private static final Path RESOURCES = Path.of("src/test/resources");

    private final Path folder;

    private GoldenCase(Path folder) {
        this.folder = folder;
    }

    static List<GoldenCase> all() {
        return all("golden");
    }

    /** Those of another folder, such as {@code decoders}. */
    static List<GoldenCase> all(String kind) {
        try (Stream<Path> folders = Files.list(RESOURCES.resolve(kind))) {
            return folders.filter(Files::isDirectory).sorted().map(GoldenCase::new).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String name() {
        return folder.getFileName().toString();
    }

    Path model() {
        return folder.resolve("model");
    }

    Path batchFile() {
        return folder.resolve("batch.safetensors");
    }

    /** Null for full fine-tuning. */
    Path adapter() {
        Path adapter = folder.resolve("adapter");
        return Files.exists(adapter) ? adapter : null;
    }

    /** What a model writes behind some tokens; null where that was not recorded. */
    JsonNode greedy() {
        Path file = folder.resolve("greedy.json");
        return Files.exists(file) ? JsonFile.read(file) : null;
    }

    JsonNode losses() {
        return JsonFile.read(folder.resolve("losses.json"));
    }

    Map<String, double[]> expected() {
        Map<String, double[]> tensors = new LinkedHashMap<>();
        try (Safetensors file = Safetensors.open(folder.resolve("expected.safetensors"))) {
            file.names().forEach(name -> tensors.put(name, file.doubles(name)));
        }
        return tensors;
    }

    Batch batch() {
        try (Safetensors file = Safetensors.open(folder.resolve("batch.safetensors"))) {
            Shape shape = file.shape("input_ids");
            return new Batch(
                    shape.dim(0), shape.dim(1), file.ints("input_ids"), ints(file, "attention_mask"),
                    ints(file, "token_type_ids"), ints(file, "labels"));
        }
    }

    private static int[] ints(Safetensors file, String name) {
        return file.has(name) ? file.ints(name) : null;
    }

    /** The model with what trains in it, ready for a pass. */
    Subject on(Backend backend) {
        LanguageModel model = Families.load(folder.resolve("model"), backend);
        Path adapter = folder.resolve("adapter");
        if (!Files.exists(adapter)) {
            model.parameters().forEach(Parameter::trainCopy);
            return new Subject(model, model.parameters(), fullGradients(model));
        }
        LoraAdapter attached = name().equals("merged_qv") ? mergedFromPeft(model, adapter) : PeftFormat.load(model, adapter);
        Map<String, PeftFormat.Entry> entries = new LinkedHashMap<>();
        PeftFormat.entries(attached).forEach(entry -> entries.put(entry.key(), entry));
        return new Subject(model, attached.trainable(), entries);
    }

    /** The file is PEFT's, so it does not say that its zero blocks are meant to stay. */
    private static LoraAdapter mergedFromPeft(LanguageModel model, Path folder) {
        PeftConfig config = PeftConfig.read(folder);
        LoraAdapter adapter =
                LoraAdapter.attach(model, LoraConfig.of(config.r() / 2, config.alpha() / 2).withParts("q", "v"), 1);
        try (Safetensors file = Safetensors.open(folder.resolve("adapter_model.safetensors"))) {
            for (PeftFormat.Entry entry : PeftFormat.entries(adapter)) {
                model.backend().upload(entry.toMemory().apply(file.doubles(entry.key())), entry.parameter().value());
            }
        }
        return adapter;
    }

    private static Map<String, PeftFormat.Entry> fullGradients(LanguageModel model) {
        Map<String, PeftFormat.Entry> entries = new LinkedHashMap<>();
        for (Parameter parameter : model.parameters()) {
            boolean turned = model.names().isInByOut(parameter.name());
            int rows = parameter.value().rows();
            int columns = parameter.value().columns();
            entries.put(parameter.name(), new PeftFormat.Entry(
                    parameter.name(), parameter, parameter.shape(),
                    values -> turned ? transpose(values, rows, columns) : values, values -> values));
        }
        return entries;
    }

    static double[] transpose(double[] values, int rows, int columns) {
        double[] transposed = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            transposed[i % columns * rows + i / columns] = values[i];
        }
        return transposed;
    }

    @Override
    public String toString() {
        return name();
    }

    /**
     * @param model     with its adapter
     * @param trainable what trains
     * @param byKey     the same by the keys of the expected gradients
     */
    record Subject(LanguageModel model, List<Parameter> trainable, Map<String, PeftFormat.Entry> byKey) {
    }
}
