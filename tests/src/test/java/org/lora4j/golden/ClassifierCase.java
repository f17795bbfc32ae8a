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
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.LoraAdapter;

/** One folder of a classifier's golden values; {@code tests/golden/README.md} says what is in it and how it was made. */
final class ClassifierCase {

    private static final Path FOLDER = Path.of("src/test/resources/classifiers");

    private final Path folder;

    private ClassifierCase(Path folder) {
        this.folder = folder;
    }

    static List<ClassifierCase> all() {
        try (Stream<Path> folders = Files.list(FOLDER)) {
            return folders.filter(Files::isDirectory).sorted().map(ClassifierCase::new).toList();
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

    LabelledBatch batch() {
        try (Safetensors file = Safetensors.open(batchFile())) {
            Shape shape = file.shape("input_ids");
            Batch sequences = new Batch(shape.dim(0), shape.dim(1), file.ints("input_ids"), ints(file, "attention_mask"),
                    ints(file, "token_type_ids"), null);
            double[] labels = new double[shape.dim(0)];
            boolean whole = file.dtype("labels") == DType.I64;
            for (int i = 0; i < labels.length; i++) {
                labels[i] = whole ? file.ints("labels")[i] : file.doubles("labels")[i];
            }
            return new LabelledBatch(sequences, labels);
        }
    }

    private static int[] ints(Safetensors file, String name) {
        return file.has(name) ? file.ints(name) : null;
    }

    /** The model with what trains in it, ready for a pass. Nothing drops, whatever config.json says. */
    Subject on(Backend backend) {
        if (adapter() == null) {
            SequenceClassifier model = load(ClassifierHead.asStored(), backend);
            model.parameters().forEach(Parameter::trainCopy);
            Map<String, PeftFormat.Entry> entries = new LinkedHashMap<>();
            model.parameters().forEach(parameter -> entries.put(parameter.name(), whole(model, parameter)));
            return new Subject(model, model.parameters(), entries);
        }
        SequenceClassifier model = load(ClassifierHead.forAdapter(adapter(), model()), backend);
        LoraAdapter attached = PeftFormat.load(model, adapter());
        Map<String, PeftFormat.Entry> entries = new LinkedHashMap<>();
        PeftFormat.entries(attached).forEach(entry -> entries.put(entry.key(), entry));
        return new Subject(model, attached.trainable(), entries);
    }

    private SequenceClassifier load(ClassifierHead head, Backend backend) {
        return Families.classifier(model(), backend, head, BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
    }

    private static PeftFormat.Entry whole(SequenceClassifier model, Parameter parameter) {
        boolean turned = model.names().isInByOut(parameter.name());
        int rows = parameter.value().rows();
        int columns = parameter.value().columns();
        return new PeftFormat.Entry(parameter.name(), parameter, parameter.shape(),
                values -> turned ? GoldenCase.transpose(values, rows, columns) : values, values -> values);
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
    record Subject(SequenceClassifier model, List<Parameter> trainable, Map<String, PeftFormat.Entry> byKey) {
    }
}
