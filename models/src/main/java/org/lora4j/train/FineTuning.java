package org.lora4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.TextPair;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelCompanions;
import org.lora4j.task.Completion;
import org.lora4j.task.Measure;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/**
 * The main job: a model learns to complete contexts, by any {@link TuningMethod}.
 *
 * <pre>{@code
 * FineTuning job = FineTuning.of(model, tokenizer).method(new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v")))
 *         .train(trainPairs).dev(devPairs).batchSize(8).seed(110).build();
 * Trainer.Outcome outcome = job.run(TrainingPlan.of(job.steps(1, 1), 2e-4, 110), folder, "gpt2", TrainingListener.NONE);
 * }</pre>
 *
 * <p>The folder then holds what the method saves, with the best values that were measured, and {@code metrics.jsonl}: an
 * adapter as PEFT writes it, or a whole model in Hugging Face layout with the tokenizer's files. Either says that it was
 * trained on pairs, see {@link PromptFormat}.
 */
public final class FineTuning {

    private static final int EVALUATION_BATCH = 32;

    private final LanguageModel model;
    private final Tuning tuning;
    private final Path source;
    private final Completion objective = new Completion();
    private final Measure<Batch> measure;
    private final LengthGroupedBatches<EncodedExample> data;
    private final List<Batch> dev;
    private final ExampleEncoder.Result examples;
    private final ExampleEncoder.Result devExamples;
    private final Map<String, String> recipe = new LinkedHashMap<>();

    FineTuning(FineTuningBuilder parts) {
        model = parts.model;
        source = parts.source;
        measure = parts.measure;
        ExampleEncoder encoder = new ExampleEncoder(parts.tokenizer, model.sizes().positions(), parts.tooLong);
        examples = encoder.encode(parts.train, "train");
        if (examples.examples().isEmpty()) {
            throw new LoraException("none of the " + parts.train.size() + " examples fits the model's "
                    + model.sizes().positions() + " positions. Shorten them, or give `tooLong` truncate_context");
        }
        requireRows(examples.examples(), parts.tokenizer);
        data = new LengthGroupedBatches<>(examples.examples(), objective::length, parts.batchSize, parts.seed);
        devExamples = encoder.encode(parts.dev, "dev");
        requireRows(devExamples.examples(), parts.tokenizer);
        dev = Batch.byLength(devExamples.examples(), EVALUATION_BATCH);
        String base = Fingerprint.of(model);
        tuning = parts.tuning != null ? parts.tuning : parts.method.attach(model, parts.seed);
        // not the backend: a run may go on on another, whose numbers differ in the last places
        recipe.put("model", model.settings() + ", weights " + base);
        recipe.put("adapter", (tuning.saved() == Saved.ADAPTER ? "" : "none, by ") + tuning.settings());
        recipe.put("data", parts.train.size() + " pairs, " + Fingerprint.of(examples.examples()));
        recipe.put("dev", parts.dev.size() + " pairs, " + Fingerprint.of(devExamples.examples()));
        recipe.put("batch", Integer.toString(parts.batchSize));
        recipe.put("data-seed", Long.toString(parts.seed));
    }

    /** A job to be described. */
    public static FineTuningBuilder of(LanguageModel model, Tokenizer tokenizer) {
        return new FineTuningBuilder(model, tokenizer);
    }

    /** Before hours of training meet the token, rather than in the middle of them. */
    private void requireRows(List<EncodedExample> encoded, Tokenizer tokenizer) {
        encoded.forEach(example -> tokenizer.requireRows(model.sizes().vocabulary(), example.tokens()));
    }

    /**
     * The steps of some epochs, when {@code accumulation} batches make a step: the last step of an epoch has those that are
     * left, so an epoch has ⌈batches / accumulation⌉.
     */
    public long steps(double epochs, int accumulation) {
        return Math.max(1, (long) Math.ceil(epochs * Math.ceilDiv(data.batchesPerEpoch(), accumulation)));
    }

    /** Batches in an epoch. */
    public int batchesPerEpoch() {
        return data.batchesPerEpoch();
    }

    /**
     * Whether {@link #run} would go on with what is in this folder: an unfinished run of the same model, data, method and
     * plan. It ends with the bits that a new run would end with.
     */
    public boolean isUnfinishedIn(Path folder, TrainingPlan plan) {
        Map<String, String> asked = new LinkedHashMap<>(recipe);
        asked.putAll(Trainer.recipe(plan, data, measure));
        return Checkpoint.isOf(folder, asked);
    }

    /** How the examples were encoded. */
    public ExampleEncoder.Result examples() {
        return examples;
    }

    /** How the dev examples were encoded. */
    public ExampleEncoder.Result devExamples() {
        return devExamples;
    }

    /** The dev batches. */
    public List<Batch> dev() {
        return dev;
    }

    /** The method in the model. */
    public Tuning tuning() {
        return tuning;
    }

    /**
     * Trains, or goes on with what a killed run left in the folder.
     *
     * @param folder    where the run lives and what was trained goes; null to write nothing
     * @param baseModel what an adapter's configuration names as its base
     */
    public Trainer.Outcome run(TrainingPlan plan, Path folder, String baseModel, TrainingListener listener) {
        TrainerBuilder<EncodedExample, Batch> trainer = Trainer.of(model, objective).parameters(tuning.trainable()).data(data)
                .dev(dev).measure(measure).plan(plan).recipe(recipe).listener(listener);
        if (folder != null) {
            trainer.folder(folder).save(() -> save(folder, baseModel, listener));
        }
        return trainer.build().run();
    }

    private void save(Path folder, String baseModel, TrainingListener listener) {
        tuning.save(folder, baseModel, PromptFormat.PAIR.metadata(), Families::write);
        if (tuning.saved() == Saved.MODEL && source != null) {
            ModelCompanions.replace(source, folder, listener::remark);
        }
    }

    /**
     * Some of the pairs, drawn without repetition and left in their order.
     *
     * @param count how many; all where there are not more
     */
    public static List<TextPair> sample(List<TextPair> pairs, int count, long seed) {
        if (count >= pairs.size()) {
            return pairs;
        }
        boolean[] chosen = new boolean[pairs.size()];
        int[] order = new Philox(seed).permutation(pairs.size(), 0, Philox.site("data.sample"));
        for (int i = 0; i < count; i++) {
            chosen[order[i]] = true;
        }
        List<TextPair> sample = new ArrayList<>(count);
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i]) {
                sample.add(pairs.get(i));
            }
        }
        return sample;
    }
}
