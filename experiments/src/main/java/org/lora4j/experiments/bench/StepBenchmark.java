package org.lora4j.experiments.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * A training step: clear the gradients, forward, backward, AdamW. Of a model that writes, with a loss on tokens; of one that
 * reads, of a classifier with two labels whose head trains beside LoRA.
 */
public final class StepBenchmark {

    /** The sizes that the numbers in docs/performance.md are of. */
    public static final String SHAPE = "gpt2";

    private static final int LABELS = 2;

    /** What trains. */
    public enum Method {
        /** LoRA on q and v. */
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
     *
     * @param dropout of a model that reads, at all places; a model that writes has none
     */
    public static Map<String, Measurement> run(
            Backend backend, ModelConfig config, WeightType type, Method method, int rank, Loss loss, boolean recompute,
            double dropout, int size, int length, Runs runs) {
        double tokens = (double) size * length;
        Runnable step = step(backend, config, type, method, rank, loss, recompute, dropout, size, length);
        String on = Families.of(config.names()).writes() ? loss.name().toLowerCase() : "sequences";
        String name = "step " + method.name().toLowerCase() + ", loss on " + on;
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

    /** A step, again and again. */
    static Runnable step(
            Backend backend, ModelConfig config, WeightType type, Method method, int rank, Loss loss, boolean recompute,
            double dropout, int size, int length) {
        Workspace keeping = Workspace.forTraining(backend, (long) size * length, 1);
        Workspace ws = recompute ? keeping.recomputing() : keeping;
        Batch batch = batch(config.sizes(), loss, size, length);
        if (Families.of(config.names()).writes()) {
            LanguageModel model = Families.random(config, backend, 1, type);
            return step(model, batch, batch.targets(), trainable(model, method, rank), ws);
        }
        SequenceClassifier model = Families.of(config.names()).randomClassifier(
                config, Labels.numbered(LABELS), backend, 1, type, BaseDropout.everywhere(dropout));
        double[] labels = new double[size];
        Arrays.setAll(labels, b -> b % LABELS);
        return step(model, new LabelledBatch(batch, labels), size, trainable(model, method, rank), ws);
    }

    private static List<Parameter> trainable(Model model, Method method, int rank) {
        return method == Method.LORA ? LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1).trainable()
                : model.parameters().stream().map(Parameter::trainCopy).toList();
    }

    private static <B> Runnable step(TrainableModel<B> model, B batch, int targets, List<Parameter> trainable, Workspace ws) {
        AdamW adamW = new AdamW(model.backend(), trainable, AdamW.Settings.PYTORCH);
        return () -> {
            trainable.forEach(Parameter::clearGradient);
            model.lossAndGradients(batch, 1.0 / targets, 0, adamW.steps(), ws);
            adamW.step(1e-4);
        };
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
