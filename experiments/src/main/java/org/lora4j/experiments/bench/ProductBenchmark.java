package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.CountingBackend;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.ModelConfig;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The products of a linear layer with x (N, in), W (out, in), g (N, out): forward x·Wᵀ, and both transposed forms, g·W for
 * the input's gradient and gᵀ·x for the weight's. 2·N·in·out operations each.
 */
public final class ProductBenchmark {

    private static final Pattern SIZE = Pattern.compile("(\\d+)x(\\d+)x(\\d+)");

    private ProductBenchmark() {
    }

    /** The linear maps of a model, those of one size once. */
    public static Map<String, Measurement> ofLayers(
            Backend backend, ModelConfig model, int rows, Runs runs) {
        Map<String, Measurement> results = new LinkedHashMap<>();
        Set<List<Integer>> sizes = new LinkedHashSet<>();
        Families.of(model.names()).empty(model, new CountingBackend()).projections()
                .forEach(slot -> sizes.add(List.of(slot.get().inFeatures(), slot.get().outFeatures())));
        sizes.forEach(size -> measure(backend, rows, size.getFirst(), size.getLast(), runs, results));
        return results;
    }

    /** One product, {@code MxKxN}: x (M, K), W (N, K). */
    public static Map<String, Measurement> of(Backend backend, String size, Runs runs) {
        Matcher sizes = SIZE.matcher(size);
        if (!sizes.matches()) {
            throw new LoraException("`size` " + size + ": expected three sizes, such as 512x768x3072");
        }
        Map<String, Measurement> results = new LinkedHashMap<>();
        measure(backend, Integer.parseInt(sizes.group(1)), Integer.parseInt(sizes.group(2)),
                Integer.parseInt(sizes.group(3)), runs, results);
        return results;
    }

    private static void measure(
            Backend backend, int rows, int in, int out, Runs runs, Map<String, Measurement> results) {
        Tensor x = random(backend, rows, in, 1);
        Tensor w = random(backend, out, in, 2);
        Tensor g = random(backend, rows, out, 3);
        Tensor y = backend.allocate(Shape.of(rows, out));
        Tensor dx = backend.allocate(Shape.of(rows, in));
        Tensor dw = backend.allocate(Shape.of(out, in));
        double gigaflops = 2e-9 * rows * in * out;
        String name = rows + "x" + in + "x" + out;
        results.put(name + " x·Wᵀ", Measurement.of("GFLOP/s", gigaflops, runs,
                () -> backend.matmul(x.matrix(), w.matrix().t(), y.matrix(), 1, 0)));
        results.put(name + " g·W", Measurement.of("GFLOP/s", gigaflops, runs,
                () -> backend.matmul(g.matrix(), w.matrix(), dx.matrix(), 1, 0)));
        results.put(name + " gᵀ·x", Measurement.of("GFLOP/s", gigaflops, runs,
                () -> backend.matmul(g.matrix().t(), x.matrix(), dw.matrix(), 1, 0)));
        backend.freeze(w);
        results.put(name + " x·Wᵀ, W frozen", Measurement.of("GFLOP/s", gigaflops, runs,
                () -> backend.matmul(x.matrix(), w.matrix().t(), y.matrix(), 1, 0)));
    }

    private static Tensor random(Backend backend, int rows, int columns, long seed) {
        Tensor tensor = backend.allocate(Shape.of(rows, columns));
        float[] values = new float[rows * columns];
        new Philox(seed).fillUniform(values, -1, 1, 0, Philox.site("bench"));
        backend.upload(values, tensor);
        return tensor;
    }
}
