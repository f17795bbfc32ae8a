package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.fixture.OpenBackends;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Single operations against what PyTorch and Transformers compute in float64; {@code make_operations.py} wrote it down. */
class OperationValuesTest {

    private static final OpenBackends BACKENDS = new OpenBackends();

    static List<String> backends() {
        return OpenBackends.names();
    }

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    /** What floats, or doubles, leave of such numbers after a few dozen roundings. */
    private static double bound(Backend backend) {
        return backend.name().equals("reference") ? 1e-9 : 5e-6; // gelu_fast writes √(2/π) with ten digits
    }

    private static Tensor tensor(Backend backend, double[] values, int... extents) {
        Tensor tensor = backend.allocate(Shape.of(extents));
        backend.upload(values, tensor);
        return tensor;
    }

    private static void assertClose(double[] actual, double[] expected, double bound, String what) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i])).as("%s, element %d: %s, expected %s", what, i, actual[i], expected[i])
                    .isLessThanOrEqualTo(bound * (1 + Math.abs(expected[i])));
        }
    }

    private static List<String> lines(String file) {
        try (InputStream in = OperationValuesTest.class.getResourceAsStream("/operations/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().skip(1).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void everyNameOfAnActivationIsTheFunctionThatTransformersCallsSo(String name) {
        Backend backend = BACKENDS.get(name);
        Map<String, double[][]> points = new LinkedHashMap<>(); // name → x, y, slope
        for (String line : lines("activations.csv")) {
            String[] fields = line.split(",");
            double[][] columns = points.computeIfAbsent(fields[0], n -> new double[3][0]);
            for (int i = 0; i < 3; i++) {
                columns[i] = Arrays.copyOf(columns[i], columns[i].length + 1);
                columns[i][columns[i].length - 1] = Double.parseDouble(fields[i + 1]);
            }
        }
        assertThat(points.keySet()).containsExactlyInAnyOrderElementsOf(Activation.allNames());
        points.forEach((activation, columns) -> {
            Activation kind = Activation.named(activation).orElseThrow();
            int count = columns[0].length;
            Tensor x = tensor(backend, columns[0], count);
            Tensor y = backend.allocate(Shape.of(count));
            Tensor slope = tensor(backend, Arrays.stream(columns[0]).map(v -> 1).toArray(), count);
            backend.activate(kind, x, y);
            backend.activateBackward(kind, x, slope, slope);
            assertClose(backend.readDoubles(y), columns[1], bound(backend), activation);
            assertClose(backend.readDoubles(slope), columns[2], bound(backend), "slope of " + activation);
        });
    }

    /** name → numbers */
    private static Map<String, double[]> tensors(String file) {
        Map<String, double[]> tensors = new LinkedHashMap<>();
        for (String line : lines(file)) {
            int comma = line.indexOf(',');
            tensors.put(line.substring(0, comma),
                    Arrays.stream(line.substring(comma + 1).split(" ")).mapToDouble(Double::parseDouble).toArray());
        }
        return tensors;
    }

    @ParameterizedTest
    @MethodSource("backends")
    void rmsNormIsLlamasAndWithOnePlusItsWeightsGemmas(String name) {
        Backend backend = BACKENDS.get(name);
        Map<String, double[]> values = tensors("rms_norm.csv");
        for (String family : List.of("llama", "gemma")) {
            Tensor weight = tensor(backend, values.get(family + ".w"), 19);
            Norm norm = family.equals("llama") ? Norm.rms(weight, 1e-6) : Norm.rmsOnePlus(weight, 1e-6);
            Tensor x = tensor(backend, values.get(family + ".x"), 5, 19);
            Tensor y = backend.allocate(Shape.of(5, 19));
            Tensor dx = backend.allocate(Shape.of(5, 19));
            Tensor dw = backend.allocate(Shape.of(19));
            NormStatistics rows = new NormStatistics(null, backend.allocate(Shape.of(5)));
            backend.norm(norm, x, y, rows);
            backend.normBackward(norm, rows, x, tensor(backend, values.get(family + ".g"), 5, 19), dx, dw, null);
            assertClose(backend.readDoubles(y), values.get(family + ".y"), bound(backend), family + " y");
            assertClose(backend.readDoubles(dx), values.get(family + ".dx"), bound(backend), family + " dx");
            assertClose(backend.readDoubles(dw), values.get(family + ".dw"), bound(backend), family + " dw");
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void headsThatShareAKeyHeadAttendAsPyTorchHasThem(String name) {
        Backend backend = BACKENDS.get(name);
        Map<String, double[]> values = tensors("attention.csv");
        for (String which : List.of("grouped", "one")) {
            AttentionHeads heads = which.equals("grouped")
                    ? new AttentionHeads(6, 2, 5, 1 / Math.sqrt(5)) : new AttentionHeads(4, 1, 5, 1 / Math.sqrt(5));
            AttentionShape shape = AttentionShape.self(2, 7, heads, which.equals("grouped"));
            Tensor y = backend.allocate(Shape.of(14, heads.width()));
            Tensor dq = backend.allocate(Shape.of(14, heads.width()));
            Tensor dk = backend.allocate(Shape.of(14, heads.keyWidth()));
            Tensor dv = backend.allocate(Shape.of(14, heads.keyWidth()));
            Attention in = Attention.of(
                    tensor(backend, values.get(which + ".q"), 14, heads.width()).matrix(),
                    tensor(backend, values.get(which + ".k"), 14, heads.keyWidth()).matrix(),
                    tensor(backend, values.get(which + ".v"), 14, heads.keyWidth()).matrix(), shape);
            AttentionOutput out = new AttentionOutput(
                    y.matrix(), backend.allocate(Shape.of(2 * heads.count(), 7)));
            backend.attention(in, out);
            backend.attentionBackward(in, out, tensor(backend, values.get(which + ".g"), 14, heads.width()).matrix(),
                    new AttentionGradient(dq.matrix(), dk.matrix(), dv.matrix()));
            assertClose(backend.readDoubles(y), values.get(which + ".y"), bound(backend), which + " y");
            assertClose(backend.readDoubles(dq), values.get(which + ".dq"), bound(backend), which + " dq");
            assertClose(backend.readDoubles(dk), values.get(which + ".dk"), bound(backend), which + " dk");
            assertClose(backend.readDoubles(dv), values.get(which + ".dv"), bound(backend), which + " dv");
        }
    }
}
