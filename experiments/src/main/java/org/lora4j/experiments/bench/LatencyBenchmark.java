package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Workspace;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.layers.AdapterKind;
import org.lora4j.tuning.layers.AdapterLayers;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.MergedWeights;

/**
 * What a method costs when nothing trains any more (table 1 of the paper): the same forward pass, up to the logits of all
 * positions, with the base's weights, with LoRA merged into them, with LoRA beside them, and with adapter layers, which
 * cannot be merged: {@link AdapterLayers} of Houlsby et al. 2019 on both branches, and of Lin et al. 2020 behind the block
 * only, with as many parameters. One pass of each in turn. The base takes part twice, and the ratio
 * of the two is the noise.
 */
public final class LatencyBenchmark {

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

        Parts base = Parts.of(model);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1);
        Parts unmerged = Parts.of(model);
        MergedWeights.of(adapter);
        Parts merged = Parts.of(model);
        adapter.freeze();
        adapter.detach();
        Parts lin = withLayers(model, AdapterLayers.of(AdapterKind.LIN, 2 * bottleneck));
        Parts houlsby = withLayers(model, AdapterLayers.of(AdapterKind.HOULSBY, bottleneck));

        Map<String, Runnable> kinds = new LinkedHashMap<>();
        kinds.put("base", () -> base.pass(model, batch, ws));
        kinds.put("base again", () -> base.pass(model, batch, ws));
        kinds.put("LoRA merged", () -> merged.pass(model, batch, ws));
        kinds.put("LoRA beside", () -> unmerged.pass(model, batch, ws));
        kinds.put("adapter layers, Lin", () -> lin.pass(model, batch, ws));
        kinds.put("adapter layers, Houlsby", () -> houlsby.pass(model, batch, ws));
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

    /** The adapter layers that a user trains, with what they begin with. */
    private static Parts withLayers(LanguageModel model, AdapterLayers layers) {
        AdapterTuning tuning = layers.attach(model, 1).freeze();
        Parts parts = Parts.of(model);
        tuning.detach();
        return parts;
    }

    /**
     * What is in a model's slots and places.
     *
     * @param inserts null where a place is empty
     */
    private record Parts(Map<Slot<Projection>, Projection> projections, Map<Place, Insert> inserts) {

        static Parts of(LanguageModel model) {
            Map<Slot<Projection>, Projection> projections = new LinkedHashMap<>();
            model.projections().forEach(slot -> projections.put(slot, slot.get()));
            Map<Place, Insert> inserts = new LinkedHashMap<>();
            model.places().forEach(place -> inserts.put(place, place.insert().orElse(null)));
            return new Parts(projections, inserts);
        }

        void pass(LanguageModel model, Batch batch, Workspace ws) {
            projections.forEach(Slot::set);
            inserts.forEach((place, insert) -> {
                place.clear();
                if (insert != null) {
                    place.put(insert);
                }
            });
            model.logits(batch, ws);
        }
    }
}
