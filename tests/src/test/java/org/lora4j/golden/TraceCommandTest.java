package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.cli.Main;
import org.lora4j.io.DType;
import org.lora4j.io.Safetensors;
import org.lora4j.tensor.Shape;

/** {@code lora4j trace} on the golden values: just the tensors that were promised, and PyTorch's numbers in them. */
class TraceCommandTest {

    /** {@code reference} computes in double; what it writes is rounded to float32, whose unit roundoff is 6e-8. */
    private record Bounds(double logits, double gradients) {

        static Bounds of(String backend) {
            return backend.equals("reference") ? new Bounds(1e-6, 1e-6) : new Bounds(2e-5, 1e-4);
        }
    }

    @TempDir
    private Path temp;

    static Stream<Arguments> casesOnBackends() {
        // the command line knows providers, not the kernels in plain Java that the library's tests try as well
        Set<String> known = Backends.providers().stream().map(BackendProvider::name).collect(Collectors.toSet());
        return GoldenValuesTest.casesOnBackends().filter(arguments -> known.contains((String) arguments.get()[1]));
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void writesLogitsLossAndEveryGradient(GoldenCase golden, String backend) {
        Path out = temp.resolve("out.safetensors");
        List<String> args = new ArrayList<>(List.of(
                "trace", "--model", golden.model().toString(), "--batch", golden.batchFile().toString(),
                "--out", out.toString(), "--backend", backend, "--quiet"));
        boolean adapted = golden.adapter() != null;
        if (adapted) {
            args.addAll(List.of("--adapter", golden.adapter().toString(), "--gradients"));
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);

        int exitCode = Main.run(stream, stream, args.toArray(String[]::new));

        assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(exitCode).isZero();
        Bounds bounds = Bounds.of(backend);
        Map<String, double[]> expected = golden.expected();
        try (Safetensors file = Safetensors.open(out)) {
            assertThat(new TreeSet<>(file.names())).isEqualTo(names(expected, adapted));
            Shape ids = Shape.of(golden.batch().size(), golden.batch().length());
            int vocabulary = expected.get("logits").length / (ids.dim(0) * ids.dim(1));
            assertThat(file.shape("logits")).isEqualTo(Shape.of(ids.dim(0), ids.dim(1), vocabulary));
            assertThat(file.shape("loss")).isEqualTo(Shape.of(1));
            for (String name : file.names()) {
                assertThat(file.dtype(name)).as(name).isEqualTo(DType.F32);
                // PEFT's zero blocks train, unless the adapter's metadata say that they are parts; this file is PEFT's own
                String dense = name.replaceFirst("^grad\\.", "grad_dense.");
                double[] pytorch = expected.getOrDefault(dense, expected.get(name));
                assertThat(GoldenValuesTest.relativeError(file.doubles(name), pytorch)).as(name)
                        .isLessThan(name.startsWith("grad.") ? bounds.gradients : bounds.logits);
            }
        }
    }

    private static TreeSet<String> names(Map<String, double[]> expected, boolean adapted) {
        TreeSet<String> names = new TreeSet<>(List.of("logits", "loss"));
        expected.keySet().stream().filter(name -> adapted && name.startsWith("grad.")).forEach(names::add);
        return names;
    }
}
