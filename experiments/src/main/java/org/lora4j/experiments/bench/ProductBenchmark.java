package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
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

    private static final String FORWARD = "x·Wᵀ";
    private static final String INPUT_GRADIENT = "g·W";
    private static final String WEIGHT_GRADIENT = "gᵀ·x";
    private static final String FROZEN = "x·Wᵀ, W frozen";
    private static final String INPUT_GRADIENT_FROZEN = "g·W, W frozen";
    private static final List<String> FORMS =
            List.of(FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, FROZEN, INPUT_GRADIENT_FROZEN);

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
        int[] sizes = sizes(size);
        Map<String, Measurement> results = new LinkedHashMap<>();
        measure(backend, sizes[0], sizes[1], sizes[2], runs, results);
        return results;
    }

    /** One form of one product, such as {@code 512x768x3072 g·W}. */
    static Work work(Backend backend, String size, String form) {
        if (!FORMS.contains(form)) {
            throw new LoraException("product " + size + " " + form + ": expected one of the forms " + String.join(", ", FORMS));
        }
        int[] sizes = sizes(size);
        return new Work(gigaflops(sizes), "GFLOP", form(backend, sizes, form));
    }

    private static int[] sizes(String size) {
        Matcher sizes = SIZE.matcher(size);
        if (!sizes.matches()) {
            throw new LoraException("`size` " + size + ": expected three sizes, such as 512x768x3072");
        }
        return IntStream.rangeClosed(1, 3).map(i -> Integer.parseInt(sizes.group(i))).toArray();
    }

    private static double gigaflops(int[] sizes) {
        return 2e-9 * sizes[0] * sizes[1] * sizes[2];
    }

    private static void measure(
            Backend backend, int rows, int in, int out, Runs runs, Map<String, Measurement> results) {
        int[] sizes = {rows, in, out};
        String name = rows + "x" + in + "x" + out;
        FORMS.forEach(form -> results.put(
                name + " " + form, Measurement.of("GFLOP/s", gigaflops(sizes), runs, form(backend, sizes, form))));
    }

    private static Runnable form(Backend backend, int[] sizes, String form) {
        int rows = sizes[0];
        int in = sizes[1];
        int out = sizes[2];
        if (form.equals(WEIGHT_GRADIENT)) {
            Tensor x = random(backend, rows, in, 1);
            Tensor g = random(backend, rows, out, 3);
            Tensor dw = backend.allocate(Shape.of(out, in));
            return () -> backend.matmul(g.matrix().t(), x.matrix(), dw.matrix(), 1, 0);
        }
        Tensor w = random(backend, out, in, 2);
        if (form.equals(FROZEN) || form.equals(INPUT_GRADIENT_FROZEN)) {
            backend.freeze(w);
        }
        if (form.equals(INPUT_GRADIENT) || form.equals(INPUT_GRADIENT_FROZEN)) {
            Tensor g = random(backend, rows, out, 3);
            Tensor dx = backend.allocate(Shape.of(rows, in));
            return () -> backend.matmul(g.matrix(), w.matrix(), dx.matrix(), 1, 0);
        }
        Tensor x = random(backend, rows, in, 1);
        Tensor y = backend.allocate(Shape.of(rows, out));
        return () -> backend.matmul(x.matrix(), w.matrix().t(), y.matrix(), 1, 0);
    }

    private static Tensor random(Backend backend, int rows, int columns, long seed) {
        Tensor tensor = backend.allocate(Shape.of(rows, columns));
        float[] values = new float[rows * columns];
        new Philox(seed).fillUniform(values, -1, 1, 0, Philox.site("bench"));
        backend.upload(values, tensor);
        return tensor;
    }
}
