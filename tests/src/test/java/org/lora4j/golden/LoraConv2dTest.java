package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.fixture.OpenBackends;
import org.lora4j.io.JsonFile;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.ConvolutionShape;
import org.lora4j.nn.ConvolutionShape.Pair;
import org.lora4j.nn.ConvolutionShape.Plane;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.PlaneConvolution;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraConv2d;
import org.lora4j.tuning.lora.LoraScaling;

/** LoRA on convolutions as PyTorch and, where it is right, PEFT have it; see {@code make_convolutions.py}. */
class LoraConv2dTest {

    private static final JsonNode SETTINGS = JsonFile.read(Path.of("src/test/resources/convolutions.json"));
    private static final OpenBackends BACKENDS = new OpenBackends();

    static List<String> cases() {
        List<String> names = new ArrayList<>();
        SETTINGS.fieldNames().forEachRemaining(names::add);
        return names;
    }

    static Stream<Arguments> casesOnBackends() {
        return cases().stream().flatMap(name -> OpenBackends.names().stream().map(backend -> Arguments.of(name, backend)));
    }

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    /** A case with its tensors on a backend, channels last. */
    private static final class Case implements AutoCloseable {

        private final Safetensors file = Safetensors.open(Path.of("src/test/resources/convolutions.safetensors"));
        private final String name;
        private final Backend backend;
        private final Plane plane;
        private final LoraConv2d lora;

        Case(String name, Backend backend, double dropout) {
            this.name = name;
            this.backend = backend;
            JsonNode settings = SETTINGS.get(name);
            Shape x = file.shape(name + ".x");
            Shape w = file.shape(name + ".w");
            plane = new Plane(x.dim(0), x.dim(2), x.dim(3));
            ConvolutionShape shape = new ConvolutionShape(new Pair(w.dim(2), w.dim(3)), pair(settings, "stride"), pair(settings, "padding"),
                    pair(settings, "dilation"), settings.get("groups").asInt());
            PlaneConvolution base = new PlaneConvolution(parameter("w"), file.has(name + ".bias") ? parameter("bias") : null, shape);
            lora = LoraConv2d.beside(base, name, settings.get("rank").asInt(), settings.get("alpha").asDouble(), LoraScaling.ALPHA_OVER_R,
                    new Dropout(dropout, 5), 1);
            backend.upload(file.doubles(name + ".a"), lora.loraA().value());
            backend.upload(file.doubles(name + ".b"), lora.loraB().value());
        }

        private static Pair pair(JsonNode settings, String field) {
            return new Pair(settings.get(field).get(0).asInt(), settings.get(field).get(1).asInt());
        }

        private Parameter parameter(String tensor) {
            Tensor value = backend.allocate(file.shape(name + "." + tensor));
            backend.upload(file.doubles(name + "." + tensor), value);
            return new Parameter(name + "." + tensor, backend, value);
        }

        double[] expected(String tensor) {
            return file.doubles(name + "." + tensor);
        }

        /** (B, C, H, W) as rows of positions. */
        Tensor rows(String tensor) {
            Shape shape = file.shape(name + "." + tensor);
            int positions = shape.dim(2) * shape.dim(3);
            double[] values = expected(tensor);
            double[] turned = new double[values.length];
            for (int b = 0; b < shape.dim(0); b++) {
                for (int c = 0; c < shape.dim(1); c++) {
                    for (int p = 0; p < positions; p++) {
                        turned[(b * positions + p) * shape.dim(1) + c] = values[(b * shape.dim(1) + c) * positions + p];
                    }
                }
            }
            Tensor rows = backend.allocate(Shape.of(shape.dim(0) * positions, shape.dim(1)));
            backend.upload(turned, rows);
            return rows;
        }

        double[] read(Tensor tensor) {
            return backend.readDoubles(tensor);
        }

        /** ⟨y, dy⟩ with the masks of step 1. */
        double loss(Tensor x, Workspace ws) {
            ws.begin(plane.positions(), 1);
            Tensor dy = rows("dy");
            Tensor y = backend.allocate(dy.shape());
            lora.forward(x, y, plane, ws);
            double[] values = read(y);
            double[] weights = read(dy);
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += values[i] * weights[i];
            }
            return sum;
        }

        @Override
        public void close() {
            file.close();
        }
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void outputAndGradientsArePyTorchs(String name, String backendName) {
        Backend backend = BACKENDS.get(backendName);
        double bound = backendName.equals("reference") ? 1e-13 : 2e-6;
        try (Case golden = new Case(name, backend, 0)) {
            Tensor x = golden.rows("x");
            Tensor dy = golden.rows("dy");
            Tensor y = backend.allocate(dy.shape());
            Tensor dx = backend.allocate(x.shape());
            Workspace ws = Workspace.forTraining(backend, golden.plane.positions(), 1);
            for (int pass = 0; pass < 2; pass++) { // memory of a pass is used again
                golden.lora.loraA().clearGradient();
                golden.lora.loraB().clearGradient();
                ws.begin(golden.plane.positions(), pass);
                golden.lora.forward(x, y, golden.plane, ws);
                golden.lora.backward(dy, dx, golden.plane, ws);
                assertThat(GoldenValuesTest.relativeError(golden.read(y), golden.read(golden.rows("y")))).as("y").isLessThan(bound);
                assertThat(GoldenValuesTest.relativeError(golden.read(dx), golden.read(golden.rows("dx")))).as("dx").isLessThan(bound);
                assertThat(GoldenValuesTest.relativeError(golden.read(golden.lora.loraA().gradient()), golden.expected("da"))).as("dA")
                        .isLessThan(bound);
                assertThat(GoldenValuesTest.relativeError(golden.read(golden.lora.loraB().gradient()), golden.expected("db"))).as("dB")
                        .isLessThan(bound);
            }
            assertThat(golden.lora.base().weight().isTrainable()).isFalse();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void mergedItGivesTheSameAndTheBaseIsNotWritten(String name) {
        try (Backend backend = Backends.create("reference"); Case golden = new Case(name, backend, 0)) {
            PlaneConvolution merged = golden.lora.merged();
            double[] delta = golden.read(merged.weight().value());
            double[] w = golden.read(golden.lora.base().weight().value());
            assertThat(w).isEqualTo(golden.expected("w"));
            for (int i = 0; i < w.length; i++) {
                delta[i] -= w[i];
            }
            // PEFT's get_delta_weight goes through float32
            assertThat(GoldenValuesTest.relativeError(delta, golden.expected("delta"))).isLessThan(1e-6);
            Tensor y = backend.allocate(golden.rows("y").shape());
            Workspace ws = Workspace.forInference(backend, golden.plane.positions());
            ws.begin(golden.plane.positions(), 0);
            merged.forward(golden.rows("x"), y, golden.plane, ws);
            assertThat(GoldenValuesTest.relativeError(golden.read(y), golden.read(golden.rows("y")))).isLessThan(1e-13);
        }
    }

    /** A and B by differences, with dropout: the loss is quadratic in both together and linear in each. */
    @ParameterizedTest
    @ValueSource(strings = {"square", "dilated", "depthwise"})
    void gradientsAreTheSlopesOfTheLossWithDropout(String name) {
        try (Backend backend = Backends.create("reference"); Case golden = new Case(name, backend, 0.3)) {
            Tensor x = golden.rows("x");
            Workspace ws = Workspace.forTraining(backend, golden.plane.positions(), 1);
            golden.loss(x, ws);
            Tensor dx = backend.allocate(x.shape());
            golden.lora.backward(golden.rows("dy"), dx, golden.plane, ws);
            check(golden, x, ws, golden.lora.loraA().value(), golden.read(golden.lora.loraA().gradient()));
            check(golden, x, ws, golden.lora.loraB().value(), golden.read(golden.lora.loraB().gradient()));
            check(golden, x, ws, x, golden.read(dx));
        }
    }

    private static void check(Case golden, Tensor x, Workspace ws, Tensor at, double[] gradient) {
        double[] values = golden.read(at);
        for (int i = 0; i < values.length; i += Math.max(1, values.length / 7)) {
            double[] moved = values.clone();
            moved[i] += 0.5;
            golden.backend.upload(moved, at);
            double above = golden.loss(x, ws);
            moved[i] -= 1;
            golden.backend.upload(moved, at);
            assertThat(above - golden.loss(x, ws)).isCloseTo(gradient[i], within(1e-11 * Math.max(1, Math.abs(above))));
            golden.backend.upload(values, at);
        }
    }

    @Test
    void whatDoesNotFitIsNamed() {
        try (Backend backend = Backends.create("reference")) {
            Parameter w = Parameter.zeros("w", backend, Shape.of(4, 3, 3, 3));
            PlaneConvolution base = new PlaneConvolution(w, null, ConvolutionShape.of(3, 3).withGroups(2));
            assertThatThrownBy(() -> LoraConv2d.beside(base, "c", 3, 1, LoraScaling.ALPHA_OVER_R, Dropout.NONE, 1))
                    .isInstanceOf(LoraException.class).hasMessageContaining("a multiple of 2, and of each group at most 2");
            assertThatThrownBy(() -> new PlaneConvolution(w, null, ConvolutionShape.of(3, 2))).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> ConvolutionShape.of(3, 3).output(new Plane(1, 2, 9))).hasMessageContaining("does not fit into a plane of 2 × 9");
            assertThatThrownBy(() -> ConvolutionShape.of(0, 3)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
