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
import java.util.function.ToDoubleBiFunction;
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
        return known(GoldenValuesTest.casesOnBackends());
    }

    static Stream<Arguments> classifiersOnBackends() {
        return known(ClassifierValuesTest.casesOnBackends());
    }

    /** The command line knows providers, not the kernels in plain Java that the library's tests try as well. */
    private static Stream<Arguments> known(Stream<Arguments> cases) {
        Set<String> known = Backends.providers().stream().map(BackendProvider::name).collect(Collectors.toSet());
        return cases.filter(arguments -> known.contains((String) arguments.get()[1]));
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("casesOnBackends")
    void writesLogitsLossAndEveryGradient(GoldenCase golden, String backend) {
        Map<String, double[]> expected = golden.expected();
        Shape ids = Shape.of(golden.batch().size(), golden.batch().length());
        int vocabulary = expected.get("logits").length / (ids.dim(0) * ids.dim(1));
        Path out = traced(golden.model(), golden.batchFile(), golden.adapter(), backend);

        requireEqual(out, expected, Shape.of(ids.dim(0), ids.dim(1), vocabulary), golden.adapter() != null, Bounds.of(backend),
                (name, actual) -> GoldenValuesTest.relativeError(actual,
                        // PEFT's zero blocks train, unless the adapter's metadata say that they are parts; this file is PEFT's own
                        expected.getOrDefault(name.replaceFirst("^grad\\.", "grad_dense."), expected.get(name))));
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("classifiersOnBackends")
    void writesThoseOfAClassifierToo(ClassifierCase golden, String backend) {
        Map<String, double[]> expected = golden.expected();
        int size = golden.batch().size();
        Path out = traced(golden.model(), golden.batchFile(), golden.adapter(), backend);

        requireEqual(out, expected, Shape.of(size, expected.get("logits").length / size), golden.adapter() != null,
                Bounds.of(backend), (name, actual) -> ClassifierValuesTest.error(actual, name, expected));
    }

    private Path traced(Path model, Path batch, Path adapter, String backend) {
        Path out = temp.resolve("out.safetensors");
        List<String> args = new ArrayList<>(List.of("trace", "--model", model.toString(), "--batch", batch.toString(),
                "--out", out.toString(), "--backend", backend, "--quiet"));
        if (adapter != null) {
            args.addAll(List.of("--adapter", adapter.toString(), "--gradients"));
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);

        int exitCode = Main.run(stream, stream, args.toArray(String[]::new));

        // a base without the map before the head is worth a warning, whatever an adapter brings
        assertThat(printed.toString(StandardCharsets.UTF_8).lines().filter(line -> !line.contains("pooler.dense, the map before the head"))).isEmpty();
        assertThat(exitCode).isZero();
        return out;
    }

    private static void requireEqual(Path out, Map<String, double[]> expected, Shape logits, boolean adapted, Bounds bounds,
            ToDoubleBiFunction<String, double[]> error) {
        TreeSet<String> names = new TreeSet<>(List.of("logits", "loss"));
        expected.keySet().stream().filter(name -> adapted && name.startsWith("grad.")).forEach(names::add);
        try (Safetensors file = Safetensors.open(out)) {
            assertThat(new TreeSet<>(file.names())).isEqualTo(names);
            assertThat(file.shape("logits")).isEqualTo(logits);
            assertThat(file.shape("loss")).isEqualTo(Shape.of(1));
            for (String name : file.names()) {
                assertThat(file.dtype(name)).as(name).isEqualTo(DType.F32);
                assertThat(error.applyAsDouble(name, file.doubles(name))).as(name)
                        .isLessThan(name.startsWith("grad.") ? bounds.gradients : bounds.logits);
            }
        }
    }
}
