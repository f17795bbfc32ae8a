package org.lora4j.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.family.Families;
import org.lora4j.family.ModelCompanions;
import org.lora4j.model.TrainableModel;
import org.lora4j.task.Measure;
import org.lora4j.task.Objective;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;

/**
 * A model, a method in it, and encoded examples: everything that a run needs but its plan. {@link FineTuning} makes one of
 * pairs to be completed, {@link ClassifierTraining} one of texts with labels.
 *
 * <p>After {@link #run} the folder holds what the method saves, with the best values that were measured, and
 * {@code metrics.jsonl}: an adapter as PEFT writes it, or a whole model in Hugging Face layout with the tokenizer's files.
 *
 * @param <E> the examples
 * @param <B> the batches that the model takes
 */
public abstract class TrainingJob<E, B> {

    /** Examples at a time where nothing is learnt. */
    static final int EVALUATION_BATCH = 32;

    private final TrainableModel<B> model;
    private final Tuning tuning;
    private final @Nullable Path source;
    private final Objective<E, B> objective;
    private final Measure<B> measure;
    private final LengthGroupedBatches<E> data;
    private final List<B> dev;
    private final Map<String, String> recipe;

    /**
     * What a job is made of.
     *
     * @param source the model's folder, of which a saved model gets the tokenizer; null where there is none
     */
    record Parts<E, B>(
            TrainableModel<B> model, Tuning tuning, @Nullable Path source, Objective<E, B> objective, Measure<B> measure,
            LengthGroupedBatches<E> data, List<B> dev) {
    }

    /** @param recipe what a checkpoint must agree with beside plan and data: option → value */
    TrainingJob(Parts<E, B> parts, Map<String, String> recipe) {
        model = parts.model;
        tuning = parts.tuning;
        source = parts.source;
        objective = parts.objective;
        measure = parts.measure;
        data = parts.data;
        dev = List.copyOf(parts.dev);
        this.recipe = new LinkedHashMap<>(recipe);
    }

    /** How many examples are learnt from, and how many are measured on. */
    public abstract int examplesLearned();

    /** See {@link #examplesLearned}. */
    public abstract int examplesMeasured();

    /** What was done to examples that are too long, a line for each thing. */
    public abstract List<String> remarks();

    /** What travels with the tensors that are saved: how to use them. */
    abstract Map<String, String> metadata();

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

    /** The dev batches. */
    public List<B> dev() {
        return dev;
    }

    /** The method in the model. */
    public Tuning tuning() {
        return tuning;
    }

    /** By which number the best is kept. */
    public Measure<B> measure() {
        return measure;
    }

    /**
     * Trains, or goes on with what a killed run left in the folder.
     *
     * @param folder    where the run lives and what was trained goes; null to write nothing
     * @param baseModel what an adapter's configuration names as its base
     */
    public Trainer.Outcome run(TrainingPlan plan, @Nullable Path folder, String baseModel, TrainingListener listener) {
        return run(plan, folder, baseModel, listener, WorkerGroup.ALONE);
    }

    /**
     * Trains as one of several workers, each of which has a job that is made in the same way. A step needs at least as many
     * micro-batches ({@link TrainingPlan#accumulation}) as there are workers, or some have nothing to do.
     *
     * @param folder the run's, the same for all; only worker 0 writes to it
     * @see #run(TrainingPlan, Path, String, TrainingListener)
     */
    public Trainer.Outcome run(
            TrainingPlan plan, @Nullable Path folder, String baseModel, TrainingListener listener, WorkerGroup group) {
        TrainerBuilder<E, B> trainer = Trainer.of(model, objective).parameters(tuning.trainable()).data(data)
                .dev(dev).measure(measure).plan(plan).recipe(recipe).listener(listener).group(group);
        if (folder != null) {
            trainer.folder(folder).save(() -> save(folder, baseModel, listener));
        }
        return trainer.build().run();
    }

    private void save(Path folder, String baseModel, TrainingListener listener) {
        tuning.save(folder, baseModel, metadata(), Families::write);
        if (tuning.saved() == Saved.MODEL && source != null) {
            ModelCompanions.replace(source, folder, listener::remark);
        }
    }
}
