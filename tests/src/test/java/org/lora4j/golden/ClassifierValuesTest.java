package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.data.LabelledBatch;
import org.lora4j.fixture.OpenBackends;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.optim.GradientClip;

/**
 * Logits, loss, every gradient and ten AdamW losses of classifiers against PyTorch's float64, as {@link GoldenValuesTest} has it
 * for language models and to the same bounds.
 */
class ClassifierValuesTest {

    private record Bounds(double logits, double gradients, double losses) {

        static Bounds of(Backend backend) {
            return backend.name().equals("reference") ? new Bounds(1e-12, 1e-11, 1e-9) : new Bounds(2e-5, 1e-4, 1e-4);
        }
    }

    static Stream<Arguments> casesOnBackends() {
        List<String> backends = OpenBackends.names();
        return ClassifierCase.all().stream()
                .flatMap(golden -> backends.stream().map(backend -> Arguments.of(golden, backend)));
    }

    private static final OpenBackends BACKENDS = new OpenBackends();

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void scoresLossAndGradientsArePyTorchs(ClassifierCase golden, String backendName) {
        Backend backend = BACKENDS.get(backendName);
        Bounds bounds = Bounds.of(backend);
        Map<String, double[]> expected = golden.expected();
        LabelledBatch batch = golden.batch();
        ClassifierCase.Subject subject = golden.on(backend);
        Workspace ws = Workspace.forTraining(backend, batch.sequences().inputIds().length, 1);

        double[] scores = backend.readDoubles(subject.model().scores(batch, ws));
        double loss = subject.model().lossAndGradients(batch, 1.0 / batch.size(), 0, 0, ws) / batch.size();

        assertThat(GoldenValuesTest.relativeError(scores, expected.get("logits"))).as("logits").isLessThan(bounds.logits);
        assertThat(loss / expected.get("loss")[0] - 1).as("loss").isBetween(-bounds.logits, bounds.logits);
        assertThat(subject.byKey().keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet().stream()
                .filter(key -> key.startsWith("grad.")).map(key -> key.substring("grad.".length())).toList());
        subject.byKey().forEach((key, entry) -> {
            double[] gradient = entry.inFileLayout(backend, entry.parameter().gradient());
            assertThat(error(gradient, "grad." + key, expected)).as(key).isLessThan(bounds.gradients);
        });
    }

    /**
     * The bias of keys has no effect on a softmax, unless distances have scores by contents: its gradient is what rounding leaves
     * of zero, and is held against that of the queries' bias, which is as large as the terms that cancel.
     */
    static double error(double[] actual, String name, Map<String, double[]> expected) {
        double[] wanted = expected.get(name);
        String queries = name.replace(".self.key.", ".self.query.").replace(".k_lin.", ".q_lin.")
                .replace(".key_proj.", ".query_proj.").replace(".pos_key_proj.", ".query_proj.");
        double[] scale = Stream.of(queries, queries.replace(".bias", ".base_layer.bias"), queries.replace(".base_layer", ""))
                .map(expected::get).filter(Objects::nonNull).findFirst().orElse(wanted);
        if (!name.endsWith("bias") || queries.equals(name) || largest(wanted) > 1e-9 * largest(scale)) {
            return GoldenValuesTest.relativeError(actual, wanted);
        }
        double[] shifted = new double[actual.length];
        Arrays.setAll(shifted, i -> actual[i] - wanted[i] + scale[i]);
        return GoldenValuesTest.relativeError(shifted, scale);
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElse(0);
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void tenStepsOfAdamWGivePyTorchsLosses(ClassifierCase golden, String backendName) {
        for (JsonNode run : golden.losses().get("runs")) {
            Backend backend = BACKENDS.get(backendName);
            double[] losses = train(golden.on(backend), golden.batch(), run, backend);
            double[] expected = GoldenValuesTest.doubles(run.get("losses"));
            assertThat(losses).as(run.get("name").asText()).hasSameSizeAs(expected);
            assertThat(GoldenValuesTest.relativeError(losses, expected)).as(run.get("name").asText() + Arrays.toString(losses))
                    .isLessThan(Bounds.of(backend).losses);
        }
    }

    private static double[] train(ClassifierCase.Subject subject, LabelledBatch batch, JsonNode run, Backend backend) {
        Workspace ws = Workspace.forTraining(backend, batch.sequences().inputIds().length, 1);
        AdamW adamW = new AdamW(backend, subject.trainable(), GoldenValuesTest.settings(run));
        double[] rates = GoldenValuesTest.doubles(run.get("lr"));
        double[] losses = new double[rates.length];
        for (int step = 0; step < rates.length; step++) {
            subject.trainable().forEach(Parameter::clearGradient);
            losses[step] = subject.model().lossAndGradients(batch, 1.0 / batch.size(), 0, step, ws) / batch.size();
            if (run.get("max_grad_norm").isNumber()) {
                GradientClip.clip(backend, subject.trainable(), run.get("max_grad_norm").asDouble());
            }
            adamW.step(rates[step]);
        }
        return losses;
    }
}
