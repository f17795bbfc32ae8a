package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.fixture.OpenBackends;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.Tuning;

/**
 * Logits, loss and every gradient of methods other than LoRA against PyTorch's float64, from the folders that {@code
 * make_methods.py} wrote, on every backend and on tornado's kernels run as plain Java.
 */
class MethodValuesTest {

    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final OpenBackends BACKENDS = new OpenBackends();

    @TempDir
    private Path folder;

    static List<String> cases() {
        try (Stream<Path> folders = Files.list(RESOURCES.resolve("methods"))) {
            return folders.filter(Files::isDirectory).map(path -> path.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Arguments> casesOnBackends() {
        return cases().stream().flatMap(name -> OpenBackends.names().stream().map(backend -> Arguments.of(name, backend)));
    }

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    private static Path of(String name) {
        return RESOURCES.resolve("methods").resolve(name);
    }

    private static String method(String name) {
        return JsonFile.read(of(name).resolve("case.json")).get("method").asText();
    }

    private static Path base(String name) {
        return RESOURCES.resolve(JsonFile.read(of(name).resolve("case.json")).get("of").asText());
    }

    private static boolean classifies(String name) {
        return base(name).getParent().endsWith("classifiers");
    }

    private static Model model(String name, Backend backend) {
        Path model = base(name).resolve("model");
        return classifies(name)
                ? Families.classifier(model, backend, ClassifierHead.forAdapter(of(name).resolve("adapter"), model), BaseDropout.NONE,
                        WeightType.FLOAT32, remark -> { })
                : Families.load(model, backend);
    }

    private static Map<String, double[]> expected(String name) {
        Map<String, double[]> tensors = new LinkedHashMap<>();
        try (Safetensors file = Safetensors.open(of(name).resolve("expected.safetensors"))) {
            file.names().forEach(tensor -> tensors.put(tensor, file.doubles(tensor)));
        }
        return tensors;
    }

    /** Of a batch: the logits, and the loss with gradients where something trains. */
    private static double[] logits(Model model, String name, Workspace ws) {
        Backend backend = model.backend();
        return backend.readDoubles(model instanceof SequenceClassifier classifier ? classifier.scores(labelled(name), ws)
                : ((LanguageModel) model).logits(batch(name), ws));
    }

    private static double gradients(Model model, String name, Workspace ws) {
        if (model instanceof SequenceClassifier classifier) {
            LabelledBatch batch = labelled(name);
            return classifier.lossAndGradients(batch, 1.0 / batch.size(), 0, 0, ws) / batch.size();
        }
        Batch batch = batch(name);
        return ((LanguageModel) model).lossAndGradients(batch, 1.0 / batch.targets(), 0, 0, ws) / batch.targets();
    }

    private static Batch batch(String name) {
        try (Safetensors file = Safetensors.open(base(name).resolve("batch.safetensors"))) {
            Shape shape = file.shape("input_ids");
            return new Batch(shape.dim(0), shape.dim(1), file.ints("input_ids"),
                    file.has("attention_mask") ? file.ints("attention_mask") : null,
                    file.has("token_type_ids") ? file.ints("token_type_ids") : null,
                    classifies(name) ? null : file.ints("labels"));
        }
    }

    private static LabelledBatch labelled(String name) {
        try (Safetensors file = Safetensors.open(base(name).resolve("batch.safetensors"))) {
            assertThat(file.dtype("labels")).isEqualTo(DType.I64);
            return new LabelledBatch(batch(name), Arrays.stream(file.ints("labels")).asDoubleStream().toArray());
        }
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void logitsLossAndGradientsArePyTorchs(String name, String backendName) {
        Backend backend = BACKENDS.get(backendName);
        double bound = backendName.equals("reference") ? 1e-12 : 2e-5;
        Map<String, double[]> expected = expected(name);
        Model model = model(name, backend);
        AdapterTuning tuning = MethodFolder.attach(model, of(name).resolve("adapter"), remark -> { });
        assertThat(tuning.name()).isEqualTo(method(name));
        Workspace ws = Workspace.forTraining(backend, batch(name).inputIds().length, 1);

        assertThat(GoldenValuesTest.relativeError(logits(model, name, ws), expected.get("logits"))).as("logits").isLessThan(bound);
        assertThat(gradients(model, name, ws) / expected.get("loss")[0] - 1).as("loss").isBetween(-bound, bound);
        assertThat(tuning.entries().stream().map(entry -> "grad." + entry.key()).toList()).containsExactlyInAnyOrderElementsOf(
                expected.keySet().stream().filter(key -> key.startsWith("grad.")).toList());
        for (PeftFormat.Entry entry : tuning.entries()) {
            double[] gradient = entry.inFileLayout(backend, entry.parameter().gradient());
            assertThat(GoldenValuesTest.relativeError(gradient, expected.get("grad." + entry.key()))).as(entry.key())
                    .isLessThan(10 * bound);
        }
    }

    /** Saved again it has the same tensors and settings; taken out, nothing is left of it. */
    @ParameterizedTest
    @MethodSource("cases")
    void aFolderThatIsReadAndWrittenIsTheSameAndDetachingGivesBackTheBase(String name) {
        try (Backend backend = Backends.create("reference")) {
            Path adapter = of(name).resolve("adapter");
            Model model = model(name, backend);
            List<Parameter> parameters = List.copyOf(model.parameters());
            Workspace ws = Workspace.forInference(backend, batch(name).inputIds().length);
            double[] base = logits(model, name, ws);
            AdapterTuning tuning = MethodFolder.attach(model, adapter, remark -> { });
            assertThat(logits(model, name, Workspace.forInference(backend, batch(name).inputIds().length))).isNotEqualTo(base);
            tuning.save(folder, "model", Map.of(), (unused, out, metadata) -> { });
            assertThat(tuning.saved()).isEqualTo(Tuning.Saved.ADAPTER);
            assertThat(JsonFile.read(folder.resolve("adapter_config.json"))).isEqualTo(JsonFile.read(adapter.resolve("adapter_config.json")));
            try (Safetensors ours = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                    Safetensors theirs = Safetensors.open(adapter.resolve("adapter_model.safetensors"))) {
                assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
                for (String tensor : ours.names()) {
                    assertThat(ours.shape(tensor)).isEqualTo(theirs.shape(tensor));
                    assertThat(ours.doubles(tensor)).as(tensor).isEqualTo(theirs.doubles(tensor));
                }
            }
            tuning.detach();
            assertThat(model.parameters()).isEqualTo(parameters).noneMatch(Parameter::isTrainable);
            assertThat(logits(model, name, Workspace.forInference(backend, batch(name).inputIds().length))).isEqualTo(base);
        }
    }
}
