package org.lora4j.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.io.TensorFiles;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.task.MeanLoss;
import org.lora4j.task.Measure;
import org.lora4j.task.Objective;

/**
 * Trains what is trainable in a model, a loop around {@link Step}:
 *
 * <pre>
 *   for each step:   gradients of these examples      g = ∇ mean over the step's targets of their losses
 *                    apply these gradients            clip, AdamW with the schedule's learning rate
 * </pre>
 *
 * <p>The mean runs over all targets of the step's batches together, so accumulating two batches of 8 is a batch of 16, up
 * to the rounding that {@link Step} describes. A step ends with its epoch: the last one of an epoch has the batches that are
 * left.
 *
 * <p>With a folder, the run writes {@code metrics.jsonl} and a {@link Checkpoint} there, and a run that finds a checkpoint
 * goes on from it and ends with the same bits as if it had never stopped. Of the values that were measured on dev after a
 * step, the best by the direction of the {@link Measure} are kept; at the end they are what the parameters hold. Where the
 * measure is not a number from the beginning on, they are the last ones.
 *
 * <p>A run that diverges (a loss, a norm of gradients or a value that is not finite) ends with an error that names what is
 * left: the values that did best on dev, else those of the last step with a finite loss, else those of the last checkpoint.
 * A checkpoint is written only when its values are finite and the next step has found a finite loss with them, and the last
 * update counts when the model was run with it.
 *
 * @param <E> the examples
 * @param <B> the batches that the model takes
 */
public final class Trainer<E, B> {

    /** Values of which a second copy costs nothing worth naming, 64 MB in floats: an adapter, not a model. */
    private static final long SMALL = 1 << 24;

    private final TrainableModel<B> model;
    private final Backend backend;
    private final Objective<E, B> objective;
    private final List<Parameter> trainable;
    private final LengthGroupedBatches<E> data;
    private final List<B> dev;
    private final Measure<B> measure;
    private final String measured; // "dev loss"
    private final TrainingPlan plan;
    private final Path folder;
    private final Map<String, String> recipe;
    private final Runnable saveBest;
    private final TrainingListener listener;

    private final Step<B> step;
    private final AdamW adamW;
    private final Workspace evaluation;
    private final KeptValues best; // null where dev is measured at the end only
    private final KeptValues last; // of the last step that is known to be good; null where they are too many
    private long lastGood = -1;
    private Checkpoint.Progress progress = Checkpoint.Progress.START;
    private MetricsLog log;
    private long checkpointed = -1; // the step of the checkpoint on disk
    private boolean checkpointDue;
    private long tokens;
    private long nanos;

    Trainer(TrainerBuilder<E, B> parts) {
        model = parts.model;
        backend = model.backend();
        objective = parts.objective;
        trainable = List.copyOf(parts.parameters);
        data = parts.data;
        dev = List.copyOf(parts.dev);
        measure = parts.measure;
        measured = "dev " + measure.name();
        plan = parts.plan;
        folder = parts.folder;
        recipe = new LinkedHashMap<>(parts.recipe);
        recipe.putAll(recipe(plan, data, measure));
        saveBest = parts.save;
        listener = parts.listener;
        step = Step.of(model, objective, trainable, plan, data.maxTokensPerBatch(model.specialTokens()));
        adamW = step.adamW();
        evaluation = Workspace.forInference(backend, dev.stream().mapToLong(objective::rows).max().orElse(1));
        boolean evaluatesBetween = plan.evaluateEvery() > 0 && plan.evaluateEvery() < plan.steps();
        best = !dev.isEmpty() && evaluatesBetween ? new KeptValues(backend, trainable) : null;
        long values = trainable.stream().mapToLong(Parameter::size).sum();
        last = folder != null && values <= SMALL ? new KeptValues(backend, trainable) : null;
    }

    /** A run to be described: at least {@link TrainerBuilder#parameters}, data and a plan. */
    public static <E, B> TrainerBuilder<E, B> of(TrainableModel<B> model, Objective<E, B> objective) {
        return new TrainerBuilder<>(model, objective);
    }

    /** What a checkpoint of this plan on these data must agree with, when the best is kept by this measure. */
    static Map<String, String> recipe(TrainingPlan plan, LengthGroupedBatches<?> data, Measure<?> measure) {
        Map<String, String> recipe = plan.recipe();
        int left = data.batchesPerEpoch() % plan.accumulation();
        if (left > 0) { // versions that filled the last step of an epoch up from the next one did not write it down
            recipe.put("batches of an epoch's last step", Integer.toString(left));
        }
        if (plan.accumulation() > 1) { // nor did those that added each batch's gradients on top of the others'
            recipe.put("sum of gradients", "each from zero, in order");
        }
        if (!measure.name().equals(MeanLoss.NAME)) {
            recipe.put("measure", measure.name());
        }
        return recipe;
    }

    /**
     * How a run went.
     *
     * @param before   on dev before the first step; null where there is no dev, NaN where it could not be measured
     * @param after    on dev, of the values that are kept; the same
     * @param bestStep the step those values are of
     * @param seconds  of training, evaluation not counted
     * @param tokensPerSecond of training, padding not counted
     */
    public record Outcome(
            Evaluation before, Evaluation after, long bestStep, double seconds, double tokensPerSecond) {
    }

    /**
     * Trains to the plan's end, or goes on with what a killed run left in the folder.
     *
     * @throws StoppedException if the listener asked for it; the folder then holds a checkpoint
     * @throws LoraException    if the run diverges, saying what is left
     */
    public Outcome run() {
        boolean resuming = folder != null && Checkpoint.existsIn(folder);
        if (resuming) {
            progress = Checkpoint.load(folder, backend, adamW, best, recipe);
            checkpointed = progress.step();
            log = MetricsLog.resume(folder, progress.step(), progress.evaluated());
            listener.resumed(progress.step());
        } else {
            requireFiniteBase();
            log = folder == null ? null : MetricsLog.begin(folder);
            if (plan.checkpointEvery() > 0) {
                checkpoint(); // from here on the folder is this run's, whenever it is killed
            }
        }
        while (true) {
            if (isEvaluationDue()) {
                evaluate();
            }
            if (progress.step() == plan.steps()) {
                return finish();
            }
            step();
            if (listener.stopRequested()) {
                throw stopped();
            }
        }
    }

    private boolean isEvaluationDue() {
        long step = progress.step();
        boolean planned = step == 0 || step == plan.steps() || plan.evaluateEvery() > 0 && step % plan.evaluateEvery() == 0;
        return !dev.isEmpty() && planned && progress.evaluated() < step;
    }

    private void checkpoint() {
        if (folder != null) {
            Checkpoint.save(folder, backend, adamW, best, progress, recipe);
            checkpointed = progress.step();
            listener.checkpointed(progress.step());
        }
    }

    private StoppedException stopped() {
        if (folder != null) {
            if (progress.step() > checkpointed) {
                requireSound();
            }
            checkpoint();
        }
        return new StoppedException(progress.step(), plan.steps(), folder);
    }

    private Outcome finish() {
        boolean found = !dev.isEmpty() && progress.hasBest();
        if (!found || !measure.name().equals(MeanLoss.NAME)) { // a loss would have been seen to be no number
            requireSound();
        }
        Evaluation before = null;
        Evaluation after = null;
        long kept = progress.step();
        if (!dev.isEmpty()) {
            before = evaluation(progress.firstValue());
            after = evaluation(found ? progress.bestValue() : Double.NaN);
            if (found && progress.bestStep() < kept) {
                best.putBack();
                kept = progress.bestStep();
            }
            remarkOn(before, after, kept);
        }
        saveBest.run();
        if (folder != null) {
            Checkpoint.delete(folder); // the run is complete; the adapter is in its place
        }
        return new Outcome(before, after, kept, nanos * 1e-9, speed());
    }

    private Evaluation evaluation(double value) {
        return new Evaluation(measure, value, Evaluation.targets(objective, dev));
    }

    private void remarkOn(Evaluation before, Evaluation after, long kept) {
        if (Double.isNaN(after.value())) {
            listener.remark("the " + measured + " was never a number, so the values of the last step (" + kept + ") are kept, "
                    + "good or not. Look for values that are not finite in the model, at positions or tokens that only the "
                    + "dev set has");
        } else if (Double.isFinite(before.value()) && !measure.direction().isBetter(after.value(), before.value())) {
            listener.remark("the %s was never better than before the first step (%.4f); kept are the values of step %d, "
                    .formatted(measured, before.value(), kept) + "whose %s is %.4f: the base alone does no worse. Lower "
                            .formatted(measured, after.value()) + "`learningRate` (%s), ".formatted(plan.learningRate())
                    + "train longer, or measure more often (`evaluateEvery`)");
        }
    }

    // ------------------------------------------------------------------------------------------------ divergence

    /** A base with values that are not finite, where it trains as a whole. */
    private void requireFiniteBase() {
        String broken = notFinite();
        if (broken != null) {
            throw new LoraException(broken + " holds values that are not finite before anything was learned. Take another copy "
                    + "of the model");
        }
    }

    /** The name of a trainable tensor with a value or a moment that is not finite; null if there is none. */
    private String notFinite() {
        for (int i = 0; i < trainable.size(); i++) {
            double squares = backend.sumOfSquares(trainable.get(i).value()) + backend.sumOfSquares(adamW.firstMoment(i))
                    + backend.sumOfSquares(adamW.secondMoment(i));
            if (!Double.isFinite(squares)) {
                return trainable.get(i).name();
            }
        }
        return null;
    }

    private void requireFiniteValues() {
        String broken = notFinite();
        if (broken != null) {
            throw diverged("after step " + progress.step() + ", " + broken + " or its moments hold values that are not finite");
        }
    }

    /** The values can be gone on with: they are finite, and so is the loss that the model has with them. */
    private void requireSound() {
        requireFiniteValues();
        B next = objective.batch(data.at(progress.cursor()));
        double loss = step.loss(next) / objective.targets(next);
        if (!Double.isFinite(loss)) {
            throw diverged("after step " + progress.step() + ", the loss is " + loss);
        }
    }

    /** Keeps what is left of the run, and says what and where that is. */
    private LoraException diverged(String what) {
        String rescued = folder == null ? "Nothing is kept, since the run has no folder" : rescued();
        return new LoraException(what + ", so training has diverged. " + rescued + ". Lower `learningRate` ("
                + plan.learningRate() + ")" + (plan.clipNorm() > 0 ? " or `clipNorm` (" + plan.clipNorm() + ")"
                        : ", set `clipNorm` 1") + " or lengthen `warmupSteps`");
    }

    private String rescued() {
        String kept = null;
        if (progress.hasBest()) { // was saved when it was measured
            kept = "step %d, which has the %s %s (%.4f)".formatted(
                    progress.bestStep(), measure.direction().best(), measured, progress.bestValue());
        } else if (putLastBack()) {
            saveBest.run();
            kept = "step " + lastGood + ", the last with a finite loss";
        } else if (checkpointed > 0) {
            Checkpoint.load(folder, backend, adamW, best, recipe);
            saveBest.run();
            kept = "step " + checkpointed + ", from the last checkpoint";
        }
        if (checkpointed == 0) {
            Checkpoint.delete(folder); // there is nothing to go on with
        }
        return kept == null ? "Nothing good was learned before that, so " + folder + " holds nothing that was trained: the last good state "
                + "is the base (step 0)" : saved() + " is of " + kept + "; begin anew with another `folder` or `overwrite`";
    }

    /** What saveBest writes: an adapter, or a whole model. */
    private Path saved() {
        Path adapter = folder.resolve(TensorFiles.ADAPTER + ".safetensors");
        return Files.exists(adapter) ? adapter : folder.resolve("model.safetensors");
    }

    private boolean putLastBack() {
        if (lastGood <= Math.max(0, checkpointed)) {
            return false;
        }
        last.putBack();
        return trainable.stream().allMatch(parameter -> Double.isFinite(backend.sumOfSquares(parameter.value())));
    }

    // ------------------------------------------------------------------------------------------------ one step

    private void step() {
        long start = System.nanoTime();
        Cursor cursor = progress.cursor();
        int epoch = cursor.epoch();
        List<B> batches = new ArrayList<>();
        while (batches.size() < plan.accumulation() && cursor.epoch() == epoch) {
            batches.add(objective.batch(data.at(cursor)));
            cursor = data.after(cursor);
        }
        long targets = Evaluation.targets(objective, batches);
        double loss = step.gradients(batches, targets, progress.step() * plan.accumulation()) / targets;
        nanos += System.nanoTime() - start;
        long done = progress.step() + 1;
        if (!Double.isFinite(loss)) {
            throw done > 1 ? diverged("step " + done + ": the loss is " + loss) : new LoraException("step 1: the loss is " + loss
                    + " before anything was learned: the model's weights hold values that are not finite. Take another copy");
        }
        if (checkpointDue) { // the loss says that the values are fit to go on with
            requireFiniteValues();
            checkpoint();
            checkpointDue = false;
        }
        if (last != null) {
            last.keep();
            lastGood = progress.step();
        }
        start = System.nanoTime();
        double learningRate = plan.learningRateAt(progress.step());
        double norm = step.apply(learningRate);
        if (!Double.isFinite(norm)) {
            throw diverged("step " + done + ": the norm of the gradients is " + norm);
        }
        nanos += System.nanoTime() - start;
        tokens += batches.stream().mapToLong(objective::tokens).sum();

        listener.step(done, loss, learningRate, speed());
        if (log != null && (done % plan.logEvery() == 0 || done == 1)) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", done);
            line.put("loss", loss);
            line.put("lr", learningRate);
            line.put("tokens_per_second", speed());
            log.append(line);
        }
        progress = progress.after(done, cursor);
        checkpointDue = plan.checkpointEvery() > 0 && done % plan.checkpointEvery() == 0;
    }

    // ------------------------------------------------------------------------------------------------ the measure on dev

    private void evaluate() {
        long done = progress.step();
        Measure.Measured found = measure.measured(model, dev, evaluation, batches -> {
            listener.evaluating(done, batches, dev.size());
            if (listener.stopRequested()) {
                throw stopped();
            }
        });
        double value = found.value();
        boolean finite = Double.isFinite(value);
        boolean isBest = finite && isBetter(value, progress.firstValue())
                && (!progress.hasBest() || isBetter(value, progress.bestValue()));
        if (log != null) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", done);
            found.named().forEach((name, number) -> line.put("dev_" + name, number));
            line.put("best", isBest);
            log.append(line);
        }
        if (!finite && (Double.isFinite(progress.firstValue()) || progress.hasBest())) {
            throw diverged("after step " + done + ", the " + measured + " is " + value);
        }
        progress = progress.evaluated(value);
        if (finite && done > 0 && (!progress.hasBest() || isBetter(value, progress.bestValue()))) {
            keep(value);
        }
        listener.evaluated(done, evaluation(value), isBest);
        if (!finite && done == 0) {
            listener.remark("the " + measured + " is " + value + " before anything was learned; the run goes on, but cannot tell "
                    + "which step is the best");
        }
    }

    private void keep(double value) {
        requireFiniteValues();
        if (best != null) {
            best.keep();
        }
        progress = progress.best(value);
        saveBest.run();
    }

    /** What is measured now is better than what was then, or then there was no number. */
    private boolean isBetter(double value, double than) {
        return measure.direction().isBetter(value, than);
    }

    private double speed() {
        return nanos == 0 ? 0 : tokens / (nanos * 1e-9);
    }
}
