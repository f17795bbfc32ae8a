package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.golden.GoldenValuesTest.doubles;
import static org.lora4j.golden.GoldenValuesTest.relativeError;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.backend.Backend;
import org.lora4j.fixture.OpenBackends;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;

/** Prompt tuning, P-tuning and prefix tuning against PEFT in double; README.md in tests/golden has the cases. */
class PromptValuesTest {

    private static final OpenBackends BACKENDS = new OpenBackends();

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    static Stream<Arguments> casesOnBackends() {
        List<String> backends = OpenBackends.names();
        return PromptCase.all().stream().flatMap(golden -> backends.stream().map(backend -> Arguments.of(golden, backend)));
    }

    private static boolean isExact(Backend backend) {
        return backend.name().equals("reference");
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void logitsLossAndGradientsArePefts(PromptCase golden, String backendName) {
        Backend backend = BACKENDS.get(backendName);
        Map<String, double[]> expected = golden.expected();
        PromptCase.Subject<?> subject = golden.training(backend);
        Workspace ws = Workspace.forGradients(backend, 64);
        assertThat(relativeError(subject.logits(), expected.get("logits"))).as("logits").isLessThan(isExact(backend) ? 1e-12 : 2e-5);
        assertThat(subject.loss(ws, 0) / expected.get("loss")[0] - 1).as("loss")
                .isBetween(isExact(backend) ? -1e-12 : -2e-5, isExact(backend) ? 1e-12 : 2e-5);
        assertThat(subject.tuning().trainable().stream().map(parameter -> "grad." + parameter.name()))
                .containsExactlyInAnyOrderElementsOf(expected.keySet().stream().filter(key -> key.startsWith("grad.")).toList());
        for (Parameter parameter : subject.tuning().trainable()) {
            assertThat(relativeError(backend.readDoubles(parameter.gradient()), expected.get("grad." + parameter.name())))
                    .as(parameter.name()).isLessThan(isExact(backend) ? 1e-11 : 1e-4);
        }
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void tenStepsOfAdamWGivePeftsLosses(PromptCase golden, String backendName) {
        Backend backend = BACKENDS.get(backendName);
        for (JsonNode run : golden.losses().get("runs")) {
            PromptCase.Subject<?> subject = golden.training(backend);
            AdamW adamW = new AdamW(backend, subject.tuning().trainable(), GoldenValuesTest.settings(run));
            double[] rates = doubles(run.get("lr"));
            double[] losses = new double[rates.length];
            Workspace ws = Workspace.forGradients(backend, 64);
            for (int step = 0; step < rates.length; step++) {
                losses[step] = subject.loss(ws, step);
                adamW.step(rates[step]);
            }
            assertThat(relativeError(losses, doubles(run.get("losses")))).as(run.get("name").asText() + Arrays.toString(losses))
                    .isLessThan(isExact(backend) ? 1e-9 : 1e-4);
        }
    }

    /** What PEFT has saved computes here what it computes there; what is saved here has PEFT's tensors, bit for bit, and fields. */
    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void foldersGoBothWays(PromptCase golden, String backendName, @TempDir Path folder) throws Exception {
        Backend backend = BACKENDS.get(backendName);
        PromptCase.Subject<?> subject = golden.saved(backend);
        assertThat(relativeError(subject.logits(), golden.expected().get("logits_saved"))).isLessThan(isExact(backend) ? 1e-12 : 2e-5);
        subject.tuning().save(folder, "", Map.of(), (model, where, metadata) -> { });
        try (Safetensors ours = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                Safetensors theirs = Safetensors.open(golden.adapter().resolve("adapter_model.safetensors"))) {
            assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
            theirs.names().forEach(name -> assertThat(ours.floats(name)).as(name).isEqualTo(theirs.floats(name)));
        }
        JsonNode ours = JsonFile.read(folder.resolve(PeftConfig.FILE_NAME));
        JsonNode theirs = JsonFile.read(golden.adapter().resolve(PeftConfig.FILE_NAME));
        theirs.properties().forEach(field -> {
            if (!List.of("peft_version", "base_model_name_or_path", "modules_to_save", "init_weights", "encoder_hidden_size")
                    .contains(field.getKey())) {
                assertThat(ours.get(field.getKey())).as(field.getKey()).isEqualTo(field.getValue());
            }
        });
        assertThat(Files.readString(folder.resolve(PeftConfig.FILE_NAME))).contains("\"num_virtual_tokens\"");
    }

    /** A network's rows are saved as PEFT saves them, and the network is not. */
    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void whatTrainsIsSavedAsPeftSavesIt(PromptCase golden, String backendName, @TempDir Path folder) {
        golden.training(BACKENDS.get(backendName)).tuning().save(folder, "", Map.of(), (model, where, metadata) -> { });
        try (Safetensors ours = Safetensors.open(folder.resolve("adapter_model.safetensors"));
                Safetensors theirs = Safetensors.open(golden.adapter().resolve("adapter_model.safetensors"))) {
            assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
            theirs.names().forEach(name -> assertThat(relativeError(ours.doubles(name), theirs.doubles(name))).as(name).isLessThan(2e-6));
        }
    }
}
