package org.lora4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.task.MeanLoss;
import org.lora4j.task.Measure;
import org.lora4j.task.Objective;

/**
 * What a {@link Trainer} is made of, piece by piece. Parameters, data and a plan it must have:
 *
 * <pre>{@code
 * Trainer.of(model, objective).parameters(tuning.trainable()).examples(train, 8, seed).plan(plan).build().run();
 * }</pre>
 *
 * @param <E> the examples
 * @param <B> the batches that the model takes
 */
public final class TrainerBuilder<E, B> {

    final TrainableModel<B> model;
    final Objective<E, B> objective;
    List<Parameter> parameters = List.of();
    LengthGroupedBatches<E> data;
    List<B> dev = List.of();
    Measure<B> measure;
    TrainingPlan plan;
    Path folder;
    Map<String, String> recipe = Map.of();
    Runnable save = () -> { };
    TrainingListener listener = TrainingListener.NONE;
    WorkerGroup group = WorkerGroup.ALONE;

    TrainerBuilder(TrainableModel<B> model, Objective<E, B> objective) {
        this.model = model;
        this.objective = objective;
        measure = new MeanLoss<>(objective);
    }

    /** What trains; each has a gradient. */
    public TrainerBuilder<E, B> parameters(List<Parameter> trainable) {
        parameters = trainable;
        return this;
    }

    /** The training examples in their order. */
    public TrainerBuilder<E, B> data(LengthGroupedBatches<E> batches) {
        data = batches;
        return this;
    }

    /** The training examples, in batches of so many, in an order made of the seed. */
    public TrainerBuilder<E, B> examples(List<E> examples, int batchSize, long seed) {
        return data(new LengthGroupedBatches<>(examples, objective::length, batchSize, seed));
    }

    /** How many steps there are, and with which rates. */
    public TrainerBuilder<E, B> plan(TrainingPlan chosen) {
        plan = chosen;
        return this;
    }

    /** Batches to measure on; none at first, and then the last values are kept. */
    public TrainerBuilder<E, B> dev(List<B> batches) {
        dev = batches;
        return this;
    }

    /** What the best is the best by: the objective's mean loss at first. */
    public TrainerBuilder<E, B> measure(Measure<B> chosen) {
        measure = chosen;
        return this;
    }

    /** Where the run lives; nowhere at first, and nothing is written. */
    public TrainerBuilder<E, B> folder(Path where) {
        folder = where;
        return this;
    }

    /** What else a checkpoint must agree with: model, data, method; option → value. */
    public TrainerBuilder<E, B> recipe(Map<String, String> options) {
        recipe = options;
        return this;
    }

    /**
     * Writes what was trained from the parameters' current values; called when they are the best so far, at the end, and
     * with those of the last checkpoint where the run diverges and has none better.
     */
    public TrainerBuilder<E, B> save(Runnable writes) {
        save = writes;
        return this;
    }

    /** With whom the micro-batches are shared; with nobody at first. */
    public TrainerBuilder<E, B> group(WorkerGroup workers) {
        group = workers;
        return this;
    }

    /** Is told what happens. */
    public TrainerBuilder<E, B> listener(TrainingListener told) {
        listener = told;
        return this;
    }

    /**
     * The trainer.
     *
     * @throws org.lora4j.LoraException if nothing trains
     * @throws IllegalStateException    if data or a plan is missing
     */
    public Trainer<E, B> build() {
        if (data == null || plan == null) {
            throw new IllegalStateException("a trainer without " + (data == null ? "data" : "a plan"));
        }
        return new Trainer<>(this);
    }
}
