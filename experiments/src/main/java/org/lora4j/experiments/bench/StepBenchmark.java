package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** A training step: clear the gradients, forward, backward, AdamW. */
public final class StepBenchmark {

    /** The sizes that the numbers in docs/performance.md are of. */
    public static final String SHAPE = "gpt2";

    /** What trains. */
    public enum Method {
        /** LoRA. */
        LORA,
        /** Every parameter. */
        FULL
    }

    /** Which positions have a target. */
    public enum Loss {
        /** All but the first of each sequence. */
        ALL,
        /** The second half of each sequence, as where a completion follows its prompt. */
        HALF
    }

    private StepBenchmark() {
    }

    /**
     * Tokens a second, prompt and padding included, as PyTorch's figure counts them; of a backend that counts what it does,
     * also what a step is made of, and how long the first one took.
     */
    public static Map<String, Measurement> run(
            Backend backend, ModelConfig config, WeightType type, Method method, AdaptersBenchmark.Places places, int rank,
            Loss loss, boolean recompute, int size, int length, Runs runs) {
        LanguageModel model = Families.random(config, backend, 1, type);
        List<Parameter> trainable = method == Method.LORA
                ? LoraAdapter.attach(model, places.of(LoraConfig.of(rank, 32)), 1).trainable()
                : model.parameters().stream().map(Parameter::trainCopy).toList();
        Batch batch = batch(config.sizes(), loss, size, length);
        Workspace keeping = Workspace.forTraining(backend, (long) size * length, 1);
        Workspace ws = recompute ? keeping.recomputing() : keeping;
        AdamW adamW = new AdamW(backend, trainable, AdamW.Settings.PYTORCH);
        double weight = 1.0 / batch.targets();
        double tokens = (double) size * length;
        Runnable step = () -> {
            trainable.forEach(Parameter::clearGradient);
            model.lossAndGradients(batch, weight, 0, adamW.steps(), ws);
            adamW.step(1e-4);
        };
        String name = "step " + method.name().toLowerCase() + ", loss on " + loss.name().toLowerCase();
        if (backend.counters().isEmpty()) {
            return Map.of(name, Measurement.of("tokens/s", tokens, runs, step));
        }
        // a backend that counts also compiles: its first step is another thing than all later ones
        Map<String, Measurement> results = new LinkedHashMap<>();
        results.put("first step", Measurement.of("tokens/s", tokens, new Runs(0, 0, 1), step));
        Measurement measured = Measurement.of("tokens/s", tokens, runs, step);
        results.put(name, measured);
        Map<String, Long> before = backend.counters();
        step.run();
        new TreeMap<>(backend.counters()).forEach((counted, count) -> {
            long ofOne = count - before.getOrDefault(counted, 0L);
            if (ofOne > 0) {
                results.put(counted + " of a step: " + ofOne, measured.in(counted + "/s", ofOne / tokens));
            }
        });
        return results;
    }

    static Batch batch(ModelSizes model, Loss loss, int size, int length) {
        Philox random = new Philox(1);
        int[] ids = new int[size * length];
        int[] labels = new int[size * length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = random.bounded(model.vocabulary(), 0, Philox.site("bench"), i);
            labels[i] = loss == Loss.ALL || i % length >= length / 2 ? ids[i] : Batch.IGNORED;
        }
        return new Batch(size, length, ids, null, labels);
    }
}
