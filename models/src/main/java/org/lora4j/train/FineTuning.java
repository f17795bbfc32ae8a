package org.lora4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.TextPair;
import org.lora4j.data.TooLong;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.lora.LoraAdapter;

/**
 * The main job: an adapter learns to complete contexts.
 *
 * <pre>{@code
 * FineTuning job = new FineTuning(gpt2, tokenizer, adapter, trainPairs, devPairs, 8, TooLong.FAIL, seed);
 * Trainer.Outcome outcome = job.run(plan, folder, "gpt2", TrainingListener.NONE);
 * }</pre>
 *
 * <p>The folder then holds the adapter as PEFT writes it, with the lowest dev loss that was seen, and
 * {@code metrics.jsonl}.
 */
public final class FineTuning {

    private static final int EVALUATION_BATCH = 32;

    private final LanguageModel model;
    private final LoraAdapter adapter;
    private final List<Parameter> trainable;
    private final LengthGroupedBatches data;
    private final List<Batch> dev;
    private final ExampleEncoder.Result examples;
    private final ExampleEncoder.Result devExamples;
    private final Map<String, String> recipe = new LinkedHashMap<>();

    /**
     * @param adapter   attached to the model, trainable
     * @param train     what to learn from
     * @param dev       what to measure on; may be empty
     * @param batchSize examples a batch
     * @param tooLong   what becomes of examples longer than the model's positions
     * @param seed      of the order of the examples
     */
    public FineTuning(
            LanguageModel model, Tokenizer tokenizer, LoraAdapter adapter, List<TextPair> train, List<TextPair> dev,
            int batchSize, TooLong tooLong, long seed) {
        this(model, tokenizer, adapter, adapter.trainable(), Fingerprint.ofFrozen(model), train, dev, batchSize, tooLong, seed);
    }

    /**
     * Full fine-tuning: every parameter of the model trains, on a copy, so that {@link Parameter#restore} gives back the
     * base. The folder of {@link #run} gets a model in Hugging Face layout, without a tokenizer's files.
     */
    public static FineTuning full(
            LanguageModel model, Tokenizer tokenizer, List<TextPair> train, List<TextPair> dev, int batchSize, TooLong tooLong,
            long seed) {
        String base = Fingerprint.of(model);
        List<Parameter> all = model.parameters().stream().map(Parameter::trainCopy).toList();
        return new FineTuning(model, tokenizer, null, all, base, train, dev, batchSize, tooLong, seed);
    }

    private FineTuning(
            LanguageModel model, Tokenizer tokenizer, LoraAdapter adapter, List<Parameter> trainable, String base,
            List<TextPair> train, List<TextPair> dev, int batchSize, TooLong tooLong, long seed) {
        this.model = model;
        this.adapter = adapter;
        this.trainable = trainable;
        ExampleEncoder encoder = new ExampleEncoder(tokenizer, model.sizes().positions(), tooLong);
        examples = encoder.encode(train, "train");
        if (examples.examples().isEmpty()) {
            throw new LoraException("none of the " + train.size() + " examples fits the model's "
                    + model.sizes().positions() + " positions. Shorten them, or give --too-long truncate_context");
        }
        requireRows(examples.examples(), tokenizer);
        data = new LengthGroupedBatches(examples.examples(), batchSize, seed);
        devExamples = encoder.encode(dev, "dev");
        requireRows(devExamples.examples(), tokenizer);
        this.dev = Batch.byLength(devExamples.examples(), EVALUATION_BATCH);
        // not the backend: a run may go on on another, whose numbers differ in the last places
        recipe.put("model", model.settings() + ", weights " + base);
        recipe.put("adapter", adapter == null ? "none, everything trains" : describe(adapter));
        recipe.put("data", train.size() + " pairs, " + Fingerprint.of(examples.examples()));
        recipe.put("dev", dev.size() + " pairs, " + Fingerprint.of(devExamples.examples()));
        recipe.put("batch", Integer.toString(batchSize));
        recipe.put("data-seed", Long.toString(seed));
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
     * Whether {@link #run} would go on with what is in this folder: an unfinished run of the same model, data, adapter and
     * plan. It ends with the bits that a new run would end with.
     */
    public boolean isUnfinishedIn(Path folder, TrainingPlan plan) {
        Map<String, String> asked = new LinkedHashMap<>(recipe);
        asked.putAll(Trainer.recipe(plan, data));
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

    /**
     * Trains, or goes on with what a killed run left in the folder.
     *
     * @param folder    where the run lives and the adapter goes; null to write nothing
     * @param baseModel what the adapter's configuration names as its base
     */
    public Trainer.Outcome run(TrainingPlan plan, Path folder, String baseModel, TrainingListener listener) {
        Runnable save = folder == null ? () -> { }
                : adapter == null ? () -> Families.write(model, folder)
                : () -> PeftFormat.save(adapter, folder, baseModel, PromptFormat.PAIR.metadata());
        return new Trainer(model, trainable, data, dev, plan, folder, recipe, save, listener).run();
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

    private static String describe(LoraAdapter adapter) {
        List<String> updates = new ArrayList<>();
        adapter.embeddings().forEach((name, lora) -> updates.add(name + " r " + lora.rank() + " s " + lora.scaling()));
        adapter.projections().forEach((name, lora) -> updates.add(name + " r " + lora.rank() + " s " + lora.scaling()));
        return "dropout " + adapter.config().dropout() + ", bias " + adapter.config().bias().text() + ", "
                + adapter.config().init() + (adapter.config().dora() ? ", DoRA" : "") + ", parts "
                + adapter.config().parts() + ", on " + String.join(", ", updates);
    }
}
