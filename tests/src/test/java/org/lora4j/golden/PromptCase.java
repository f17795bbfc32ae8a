package org.lora4j.golden;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.AdapterTuning;

/** One folder of {@code make_prompts.py}: a model, a prompt as PEFT saves it, and what PEFT computes with it. */
record PromptCase(Path folder) {

    static List<PromptCase> all() {
        try (Stream<Path> folders = Files.list(Path.of("src/test/resources/prompts"))) {
            return folders.filter(Files::isDirectory).sorted().map(PromptCase::new).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path model() {
        return folder.resolve("model");
    }

    Path adapter() {
        return folder.resolve("adapter");
    }

    JsonNode losses() {
        return JsonFile.read(folder.resolve("losses.json"));
    }

    Map<String, double[]> expected() {
        return tensors("expected.safetensors");
    }

    private Map<String, double[]> tensors(String file) {
        Map<String, double[]> tensors = new LinkedHashMap<>();
        try (Safetensors source = Safetensors.open(folder.resolve(file))) {
            source.names().forEach(name -> tensors.put(name, source.doubles(name)));
        }
        return tensors;
    }

    /**
     * The base in a model of its kind, with batches of its kind.
     *
     * @param targets what the mean loss divides by
     */
    record Subject<B>(TrainableModel<B> model, B batch, int targets, AdapterTuning tuning) {

        double loss(Workspace ws, long step) {
            tuning.trainable().forEach(Parameter::clearGradient);
            return model.lossAndGradients(batch, 1.0 / targets, 0, step, ws) / targets;
        }

        double[] logits() {
            Backend backend = model.backend();
            Workspace ws = Workspace.forInference(backend, 64);
            return backend.readDoubles(model instanceof LanguageModel writes ? writes.logits((Batch) batch, ws)
                    : ((SequenceClassifier) model).scores((LabelledBatch) batch, ws));
        }
    }

    /** With the prompt of the folder, as PEFT loads it. */
    Subject<?> saved(Backend backend) {
        return on(backend, false);
    }

    /** With what trains, the network too, in the values of the case. */
    Subject<?> training(Backend backend) {
        return on(backend, true);
    }

    private Subject<?> on(Backend backend, boolean training) {
        try (Safetensors file = Safetensors.open(folder.resolve("batch.safetensors"))) {
            Shape shape = file.shape("input_ids");
            boolean classifies = file.shape("labels").rank() == 1;
            Batch batch = new Batch(shape.dim(0), shape.dim(1), file.ints("input_ids"), ints(file, "attention_mask"),
                    ints(file, "token_type_ids"), classifies ? null : file.ints("labels"));
            if (!classifies) {
                LanguageModel model = Families.load(model(), backend);
                return new Subject<>(model, batch, batch.targets(), tuning(model, training));
            }
            SequenceClassifier model = Families.classifier(model(), backend, training ? ClassifierHead.asStored()
                    : ClassifierHead.forAdapter(adapter(), model()), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
            double[] labels = Arrays.stream(file.ints("labels")).asDoubleStream().toArray();
            return new Subject<>(model, new LabelledBatch(batch, labels), labels.length, tuning(model, training));
        }
    }

    private AdapterTuning tuning(TrainableModel<?> model, boolean training) {
        if (!training) {
            return MethodFolder.attach(model, adapter(), remark -> { }).freeze();
        }
        AdapterTuning tuning = MethodFolder.method(adapter()).orElseThrow().attach(model, 3);
        Map<String, double[]> values = tensors("trained.safetensors");
        for (Parameter parameter : tuning.trainable()) {
            model.backend().upload(values.remove(parameter.name()), parameter.value());
        }
        if (!values.isEmpty()) {
            throw new AssertionError("nothing here trains " + values.keySet());
        }
        return tuning;
    }

    private static int[] ints(Safetensors file, String name) {
        return file.has(name) ? file.ints(name) : null;
    }

    @Override
    public String toString() {
        return folder.getFileName().toString();
    }
}
