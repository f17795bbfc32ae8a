package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.MergedWeights;

/**
 * What a method costs when nothing trains any more (table 1 of the paper): the same forward pass, up to the logits of all
 * positions, with the base's weights, with LoRA merged into them, with LoRA beside them, and with adapter layers, which
 * cannot be merged: those of Houlsby et al. 2019 behind attention and behind the perceptron, those of Lin et al. 2020
 * behind the perceptron only, with as many parameters. One pass of each in turn. The base takes part twice, and the ratio
 * of the two is the noise.
 */
public final class LatencyBenchmark {

    private static final double STANDARD_DEVIATION = 0.02;

    /** 11.09M of 354.82M, table 1's second and third setting. */
    private static final double SHARE_OF_PARAMETERS = 0.031;

    private LatencyBenchmark() {
    }

    /** Features in the middle of the adapter layers of Houlsby et al. that make table 1's share of the parameters. */
    public static int bottleneck(ModelConfig config) {
        double layer = SHARE_OF_PARAMETERS * config.parameterCount() / (2 * config.sizes().blocks());
        return Math.max(1, (int) Math.round((layer - config.sizes().width()) / (2 * config.sizes().width() + 1)));
    }

    /**
     * Forward passes a second, and how many times as long as the base's they take.
     *
     * @param rank       of LoRA on q and v
     * @param bottleneck features in the middle of an adapter layer of Houlsby et al.
     */
    public static Map<String, Measurement> run(
            Backend backend, ModelConfig config, int rank, int bottleneck, int size, int length, Runs runs) {
        LanguageModel model = Families.random(config, backend, 1, WeightType.FLOAT32);
        Batch batch = StepBenchmark.batch(config.sizes(), StepBenchmark.Loss.ALL, size, length);
        Workspace ws = Workspace.forInference(backend, (long) size * length);

        Map<Slot<Projection>, Projection> base = inPlace(model);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1);
        Map<Slot<Projection>, Projection> unmerged = inPlace(model);
        MergedWeights.of(adapter);
        Map<Slot<Projection>, Projection> merged = inPlace(model);
        base.forEach(Slot::set);
        Map<Slot<Projection>, Projection> lin = withLayers(model, Set.of(Role.DOWN), 2 * bottleneck);
        base.forEach(Slot::set);
        Map<Slot<Projection>, Projection> houlsby = withLayers(model, Set.of(Role.ATTENTION_OUTPUT, Role.DOWN), bottleneck);

        Map<String, Runnable> kinds = new LinkedHashMap<>();
        kinds.put("base", () -> pass(base, model, batch, ws));
        kinds.put("base again", () -> pass(base, model, batch, ws));
        kinds.put("LoRA merged", () -> pass(merged, model, batch, ws));
        kinds.put("LoRA beside", () -> pass(unmerged, model, batch, ws));
        kinds.put("adapter layers, Lin", () -> pass(lin, model, batch, ws));
        kinds.put("adapter layers, Houlsby", () -> pass(houlsby, model, batch, ws));
        Map<String, double[]> seconds = Measurement.secondsInTurn(runs, kinds);
        Map<String, Measurement> results = new LinkedHashMap<>();
        seconds.forEach((kind, times) -> results.put(kind, Measurement.of("passes/s", 1, times)));
        seconds.forEach((kind, times) -> {
            if (!kind.equals("base")) {
                results.put(kind + " / base", Measurement.ratio(times, seconds.get("base")));
            }
        });
        return results;
    }

    /** An adapter layer behind each map of these roles. */
    private static Map<Slot<Projection>, Projection> withLayers(LanguageModel model, Set<Role> roles, int bottleneck) {
        for (Slot<Projection> slot : model.projections()) {
            if (roles.contains(slot.role())) {
                slot.set(new AdapterLayer(slot.get(), bottleneck, model.backend()));
            }
        }
        return inPlace(model);
    }

    private static Map<Slot<Projection>, Projection> inPlace(LanguageModel model) {
        Map<Slot<Projection>, Projection> projections = new LinkedHashMap<>();
        model.projections().forEach(slot -> projections.put(slot, slot.get()));
        return projections;
    }

    private static void pass(Map<Slot<Projection>, Projection> projections, LanguageModel model, Batch batch, Workspace ws) {
        projections.forEach(Slot::set);
        model.logits(batch, ws);
    }

    /** y = h + up(GELU(down(h))), with h what the wrapped map gives; forward only. */
    private static final class AdapterLayer implements Projection {

        private final Projection map;
        private final Linear down;
        private final Linear up;

        AdapterLayer(Projection map, int bottleneck, Backend backend) {
            this.map = map;
            down = linear(backend, bottleneck, map.outFeatures());
            up = linear(backend, map.outFeatures(), bottleneck);
        }

        private static Linear linear(Backend backend, int out, int in) {
            Tensor weight = backend.allocate(Shape.of(out, in));
            float[] values = new float[out * in];
            new Philox(1).fillNormal(values, STANDARD_DEVIATION, 0, Philox.site("bench"));
            backend.upload(values, weight);
            backend.freeze(weight);
            Tensor bias = backend.allocate(Shape.of(out));
            backend.freeze(bias);
            return new Linear(
                    new Parameter("adapter.weight", backend, weight),
                    new Parameter("adapter.bias", backend, bias));
        }

        @Override
        public void forward(Tensor x, Tensor y, Workspace ws) {
            map.forward(x, y, ws);
            Tensor u = ws.scratch("adapter.u", y.rows(), down.outFeatures());
            down.forward(y, u, ws);
            ws.backend().activate(Activation.GELU_TANH, u, u);
            Tensor delta = ws.scratch("adapter.delta", y.rows(), y.columns());
            up.forward(u, delta, ws);
            ws.backend().add(delta, y);
        }

        @Override
        public void backward(Tensor dy, Tensor dx, Workspace ws) {
            throw new UnsupportedOperationException("this layer is here to be timed forward");
        }

        @Override
        public int inFeatures() {
            return map.inFeatures();
        }

        @Override
        public int outFeatures() {
            return map.outFeatures();
        }

        @Override
        public boolean keepsInput() {
            return map.keepsInput();
        }

        @Override
        public List<Parameter> parameters() {
            return map.parameters();
        }
    }
}
