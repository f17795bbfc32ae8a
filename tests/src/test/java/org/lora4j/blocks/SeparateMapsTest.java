package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Three maps with the rows of a fused one are that one, and so is what LoRA puts beside them. */
class SeparateMapsTest {

    /** What one pass gives, and the gradients of A and B, those of q before those of v. */
    private record Pass(double[] y, double[] dx, double[] da, double[] db) {
    }

    /**
     * The same sums in another order here and there: some 100 terms, so 100 u of what is summed; u is that of double and of
     * float.
     */
    @ParameterizedTest
    @CsvSource({"reference, 1e-14", "cpu, 1e-5"})
    void loraOnQAndVIsTheSameOnBoth(String name, double bound) {
        try (Backend backend = Backends.create(name)) {
            for (Form form : List.of(Form.GPT2, Form.BERT)) {
                Pass fused = pass(new Blocks(form.withFused(true), 2, backend), Stream.of("h.0.attn.qkv", "h.1.attn.qkv"));
                Pass separate = pass(new Blocks(form.withFused(false), 2, backend),
                        Stream.of("h.0.attn.q", "h.0.attn.v", "h.1.attn.q", "h.1.attn.v"));
                assertClose(separate.y, fused.y, bound);
                assertClose(separate.dx, fused.dx, bound);
                assertClose(separate.da, fused.da, bound);
                assertClose(separate.db, fused.db, bound);
            }
        }
    }

    private static Pass pass(Blocks model, Stream<String> modules) {
        Backend backend = model.backend();
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 3).withParts("q", "v"), 1);
        Map<String, Parameter> byName = adapter.trainable().stream().collect(Collectors.toMap(Parameter::name, p -> p));
        List<String> names = modules.toList();
        assertThat(byName).hasSize(2 * names.size());
        List<Parameter> a = names.stream().map(module -> byName.get(module + ".lora_A.weight")).toList();
        List<Parameter> b = names.stream().map(module -> byName.get(module + ".lora_B.weight")).toList();
        fill(a, backend);
        fill(b, backend);
        model.input.train();
        Workspace ws = Workspace.forTraining(backend, Blocks.ROWS, 7);
        model.gradients(ws);
        double[] gradients = backend.readDoubles(model.input.gradient());
        double[] y = backend.readDoubles(model.forward(model.input.value(), model.sequences(), ws));
        return new Pass(y, gradients, all(a, backend), all(b, backend));
    }

    /** One row of numbers for all, in this order: a fused B is q's above v's. */
    private static void fill(List<Parameter> parameters, Backend backend) {
        int at = 0;
        for (Parameter parameter : parameters) {
            double[] values = new double[(int) parameter.size()];
            int from = at;
            Arrays.setAll(values, i -> (float) Math.sin(1 + from + i));
            backend.upload(values, parameter.value());
            at += values.length;
        }
    }

    private static double[] all(List<Parameter> parameters, Backend backend) {
        return parameters.stream().flatMapToDouble(p -> Arrays.stream(backend.readDoubles(p.gradient()))).toArray();
    }

    private static void assertClose(double[] actual, double[] expected, double bound) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(largest).isGreaterThan(0.01);
        for (int i = 0; i < actual.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i])).as("element %d", i).isLessThanOrEqualTo(bound * Math.max(1, largest));
        }
    }
}
