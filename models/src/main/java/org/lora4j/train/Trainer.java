package org.lora4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.optim.GradientClip;

/**
 * Trains what is trainable in a model:
 *
 * <pre>
 *   for each step:   gradients of these examples      g = ∇ mean over the step's targets of −log p(target | before)
 *                    apply these gradients            clip, AdamW with the schedule's learning rate
 * </pre>
 *
 * <p>The mean runs over all targets of the step's batches together, so accumulating two batches of 8 is a batch of 16.
 *
 * <p>With a folder, the run writes {@code metrics.jsonl} and a {@link Checkpoint} there, and a run that finds a checkpoint
 * goes on from it and ends with the same bits as if it had never stopped. The values with the lowest dev loss are kept;
 * at the end they are what the parameters hold.
 */
public final class Trainer {

    private final LanguageModel model;
    private final Backend backend;
    private final List<Parameter> trainable;
    private final LengthGroupedBatches data;
    private final List<Batch> dev;
    private final TrainingPlan plan;
    private final Path folder;
    private final Map<String, String> recipe;
    private final Runnable saveBest;
    private final TrainingListener listener;

    private final AdamW adamW;
    private final Workspace training;
    private final Workspace evaluation;
    private double[][] best;
    private long tokens;
    private long nanos;

    /**
     * @param trainable what trains; each has a gradient
     * @param data      the training examples
     * @param dev       batches to evaluate on; may be empty, and then the last values are kept
     * @param folder    where the run lives; null to write nothing
     * @param recipe    what else a checkpoint must agree with: model, data, adapter; option → value
     * @param saveBest  writes the adapter from the parameters' current values; called when they are the best so far, and
     *                  at the end
     */
    public Trainer(
            LanguageModel model, List<Parameter> trainable, LengthGroupedBatches data, List<Batch> dev, TrainingPlan plan,
            Path folder, Map<String, String> recipe, Runnable saveBest, TrainingListener listener) {
        if (trainable.isEmpty()) {
            throw new LoraException("nothing trains: the model has no trainable parameter. Attach an adapter first");
        }
        this.model = model;
        this.backend = model.backend();
        this.trainable = List.copyOf(trainable);
        this.data = data;
        this.dev = List.copyOf(dev);
        this.plan = plan;
        this.folder = folder;
        this.recipe = new LinkedHashMap<>(recipe);
        this.recipe.putAll(plan.recipe());
        this.saveBest = saveBest;
        this.listener = listener;
        adamW = new AdamW(backend, this.trainable, plan.adamW());
        Workspace keeping = Workspace.forTraining(backend, data.maxTokensPerBatch(), plan.seed());
        training = plan.recompute() ? keeping.recomputing() : keeping;
        evaluation = Workspace.forInference(
                backend, dev.stream().mapToInt(batch -> batch.inputIds().length).max().orElse(1));
    }

    /**
     * How a run went.
     *
     * @param before   on dev before the first step; null where there is no dev
     * @param after    on dev, of the values that are kept; null where there is no dev
     * @param bestStep the step those values are of
     * @param seconds  of training, evaluation not counted
     * @param tokensPerSecond of training, padding not counted
     */
    public record Outcome(
            Evaluation before, Evaluation after, long bestStep, double seconds, double tokensPerSecond) {
    }

    /** Trains to the plan's end, or goes on with what a killed run left in the folder. */
    public Outcome run() {
        boolean resuming = folder != null && Checkpoint.existsIn(folder);
        best = new double[trainable.size()][];
        Checkpoint.Progress progress =
                resuming ? Checkpoint.load(folder, backend, adamW, best, recipe) : Checkpoint.Progress.START;
        MetricsLog log = folder == null ? null
                : progress.step() > 0 ? MetricsLog.resume(folder, progress.step()) : MetricsLog.begin(folder);
        if (resuming) {
            listener.resumed(progress.step());
        }
        if (!resuming) {
            checkpoint(progress); // from here on the folder is this run's, whenever it is killed
        }
        if (progress.step() == 0 && !dev.isEmpty()) {
            progress = evaluated(progress, evaluate(0), log);
        }
        while (progress.step() < plan.steps()) {
            progress = step(progress, log);
            long done = progress.step();
            boolean last = done == plan.steps();
            if (!dev.isEmpty() && (last || plan.evaluateEvery() > 0 && done % plan.evaluateEvery() == 0)) {
                progress = evaluated(progress, evaluate(done), log);
            }
            if (!last && plan.checkpointEvery() > 0 && done % plan.checkpointEvery() == 0) {
                checkpoint(progress);
            }
        }
        return finish(progress);
    }

    private void checkpoint(Checkpoint.Progress progress) {
        if (folder != null && plan.checkpointEvery() > 0) {
            Checkpoint.save(folder, backend, adamW, progress.bestStep() >= 0 ? best : null, progress, recipe);
            listener.checkpointed(progress.step());
        }
    }

    private Outcome finish(Checkpoint.Progress progress) {
        Evaluation before = null;
        Evaluation after = null;
        if (!dev.isEmpty()) {
            long targets = dev.stream().mapToLong(Batch::targets).sum();
            for (int i = 0; i < best.length; i++) {
                backend.upload(best[i], trainable.get(i).value());
            }
            before = new Evaluation(progress.firstLoss(), targets);
            after = new Evaluation(progress.bestLoss(), targets);
        }
        saveBest.run();
        if (folder != null) {
            Checkpoint.delete(folder); // the run is complete; the adapter is in its place
        }
        return new Outcome(before, after, dev.isEmpty() ? progress.step() : progress.bestStep(), nanos * 1e-9, speed());
    }

    // ------------------------------------------------------------------------------------------------ one step

    private Checkpoint.Progress step(Checkpoint.Progress progress, MetricsLog log) {
        long start = System.nanoTime();
        Cursor cursor = progress.cursor();
        List<Batch> batches = new ArrayList<>(plan.accumulation());
        for (int i = 0; i < plan.accumulation(); i++) {
            batches.add(data.at(cursor));
            cursor = data.after(cursor);
        }
        double loss = gradientsOf(batches, progress.step());
        double learningRate = plan.learningRateAt(progress.step());
        apply(learningRate);
        nanos += System.nanoTime() - start;
        tokens += batches.stream().mapToLong(Batch::tokens).sum();

        long done = progress.step() + 1;
        if (!Double.isFinite(loss)) {
            throw new LoraException("step " + done + ": the loss is " + loss + (done == 1
                    ? " before anything was learned: the model's weights hold values that are not finite. Take another copy"
                    : ", so training has diverged. Lower --lr (" + plan.learningRate()
                            + "), lengthen --warmup, or set --clip 1"));
        }
        listener.step(done, loss, learningRate, speed());
        if (log != null && (done % plan.logEvery() == 0 || done == 1)) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", done);
            line.put("loss", loss);
            line.put("lr", learningRate);
            line.put("tokens_per_second", speed());
            log.append(line);
        }
        return progress.after(done, cursor);
    }

    /** Adds the gradients of these examples up in the parameters; returns the mean loss of their targets. */
    private double gradientsOf(List<Batch> batches, long step) {
        trainable.forEach(Parameter::clearGradient);
        long targets = batches.stream().mapToLong(Batch::targets).sum();
        double loss = 0;
        for (int i = 0; i < batches.size(); i++) {
            loss += model.lossAndGradients(
                    batches.get(i), 1.0 / targets, plan.labelSmoothing(), step * plan.accumulation() + i, training);
        }
        return loss / targets;
    }

    /** Applies the gradients. */
    private void apply(double learningRate) {
        if (plan.clipNorm() > 0) {
            GradientClip.clip(backend, trainable, plan.clipNorm());
        }
        adamW.step(learningRate);
    }

    private Evaluation evaluate(long step) {
        return Evaluation.of(model, dev, evaluation, done -> listener.evaluating(step, done, dev.size()));
    }

    private Checkpoint.Progress evaluated(Checkpoint.Progress progress, Evaluation evaluation, MetricsLog log) {
        boolean isBest = evaluation.loss() < progress.bestLoss();
        if (log != null) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", progress.step());
            line.put("dev_loss", evaluation.loss());
            line.put("dev_perplexity", evaluation.perplexity());
            line.put("best", isBest);
            log.append(line);
        }
        Checkpoint.Progress next = progress;
        if (isBest) {
            for (int i = 0; i < best.length; i++) {
                best[i] = backend.readDoubles(trainable.get(i).value());
            }
            next = progress.withBest(evaluation.loss());
            if (progress.step() > 0) {
                saveBest.run();
            }
        }
        listener.evaluated(progress.step(), evaluation, isBest);
        return next;
    }

    private double speed() {
        return nanos == 0 ? 0 : tokens / (nanos * 1e-9);
    }
}
