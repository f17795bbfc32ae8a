package org.lora4j.train;

import java.nio.file.Files;
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
import org.lora4j.io.TensorFiles;
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
 * <p>The mean runs over all targets of the step's batches together, so accumulating two batches of 8 is a batch of 16. A
 * step ends with its epoch: the last one of an epoch has the batches that are left.
 *
 * <p>With a folder, the run writes {@code metrics.jsonl} and a {@link Checkpoint} there, and a run that finds a checkpoint
 * goes on from it and ends with the same bits as if it had never stopped. Of the values whose dev loss was measured after a
 * step, those with the lowest are kept; at the end they are what the parameters hold. Where the dev loss is not a number
 * from the beginning on, they are the last ones.
 *
 * <p>A run that diverges (a loss, a norm of gradients or a value that is not finite) ends with an error that names what is
 * left: the values with the lowest dev loss, else those of the last step with a finite loss, else those of the last
 * checkpoint. A checkpoint is written only when its values are finite and the next step has found a finite loss with them,
 * and the last update counts when the model was run with it.
 */
public final class Trainer {

    /** Values of which a second copy costs nothing worth naming, 64 MB in floats: an adapter, not a model. */
    private static final long SMALL = 1 << 24;

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
    private final KeptValues best; // null where the dev loss is measured at the end only
    private final KeptValues last; // of the last step that is known to be good; null where they are too many
    private long lastGood = -1;
    private Checkpoint.Progress progress = Checkpoint.Progress.START;
    private MetricsLog log;
    private long checkpointed = -1; // the step of the checkpoint on disk
    private boolean checkpointDue;
    private long tokens;
    private long nanos;

    /**
     * @param trainable what trains; each has a gradient
     * @param data      the training examples
     * @param dev       batches to evaluate on; may be empty, and then the last values are kept
     * @param folder    where the run lives; null to write nothing
     * @param recipe    what else a checkpoint must agree with: model, data, adapter; option → value
     * @param saveBest  writes the adapter from the parameters' current values; called when they are the best so far, at
     *                  the end, and with those of the last checkpoint where the run diverges and has none better
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
        this.recipe.putAll(recipe(plan, data));
        this.saveBest = saveBest;
        this.listener = listener;
        adamW = new AdamW(backend, this.trainable, plan.adamW());
        Workspace keeping = Workspace.forTraining(backend, data.maxTokensPerBatch(), plan.seed());
        training = plan.recompute() ? keeping.recomputing() : keeping;
        evaluation = Workspace.forInference(
                backend, dev.stream().mapToInt(batch -> batch.inputIds().length).max().orElse(1));
        boolean evaluatesBetween = plan.evaluateEvery() > 0 && plan.evaluateEvery() < plan.steps();
        best = !dev.isEmpty() && evaluatesBetween ? new KeptValues(backend, this.trainable) : null;
        long values = this.trainable.stream().mapToLong(Parameter::size).sum();
        last = folder != null && values <= SMALL ? new KeptValues(backend, this.trainable) : null;
    }

    /** What a checkpoint of this plan on these data must agree with. */
    static Map<String, String> recipe(TrainingPlan plan, LengthGroupedBatches data) {
        Map<String, String> recipe = plan.recipe();
        int left = data.batchesPerEpoch() % plan.accumulation();
        if (left > 0) { // versions that filled the last step of an epoch up from the next one did not write it down
            recipe.put("batches of an epoch's last step", Integer.toString(left));
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
        boolean measured = !dev.isEmpty() && progress.hasBest();
        if (!measured) {
            requireSound();
        }
        Evaluation before = null;
        Evaluation after = null;
        long kept = progress.step();
        if (!dev.isEmpty()) {
            long targets = dev.stream().mapToLong(Batch::targets).sum();
            before = new Evaluation(progress.firstLoss(), targets);
            after = new Evaluation(measured ? progress.bestLoss() : Double.NaN, targets);
            if (measured && progress.bestStep() < kept) {
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

    private void remarkOn(Evaluation before, Evaluation after, long kept) {
        if (Double.isNaN(after.loss())) {
            listener.remark("the dev loss was never a number, so the values of the last step (" + kept + ") are kept, good or "
                    + "not. Look for values that are not finite in the model, at positions or tokens that only the dev "
                    + "set has");
        } else if (after.loss() >= before.loss()) {
            listener.remark("the dev loss was never better than before the first step (%.4f); kept are the values of step %d, "
                    .formatted(before.loss(), kept) + "whose dev loss is %.4f: the base alone does no worse. Lower --lr (%s), "
                            .formatted(after.loss(), plan.learningRate()) + "train longer, or measure more often "
                    + "(--evaluate-every)");
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
        Batch next = data.at(progress.cursor());
        double loss = model.loss(next, 0, training) / next.targets();
        if (!Double.isFinite(loss)) {
            throw diverged("after step " + progress.step() + ", the loss is " + loss);
        }
    }

    /** Keeps what is left of the run, and says what and where that is. */
    private LoraException diverged(String what) {
        String rescued = folder == null ? "Nothing is kept, since the run has no folder" : rescued();
        return new LoraException(what + ", so training has diverged. " + rescued + ". Lower --lr (" + plan.learningRate()
                + ")" + (plan.clipNorm() > 0 ? " or --clip (" + plan.clipNorm() + ")" : ", set --clip 1") + " or lengthen --warmup");
    }

    private String rescued() {
        String kept = null;
        if (progress.hasBest()) { // was saved when it was measured
            kept = "step %d, which has the lowest dev loss (%.4f)".formatted(progress.bestStep(), progress.bestLoss());
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
        return kept == null ? "Nothing good was learned before that, so " + folder + " holds no adapter: the last good state "
                + "is the base (step 0)" : saved() + " is of " + kept + "; begin anew with another --out or --overwrite";
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
        List<Batch> batches = new ArrayList<>();
        while (batches.size() < plan.accumulation() && cursor.epoch() == epoch) {
            batches.add(data.at(cursor));
            cursor = data.after(cursor);
        }
        double loss = gradientsOf(batches, progress.step());
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
        apply(learningRate);
        nanos += System.nanoTime() - start;
        tokens += batches.stream().mapToLong(Batch::tokens).sum();

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
            double norm = GradientClip.clip(backend, trainable, plan.clipNorm());
            if (!Double.isFinite(norm)) {
                throw diverged("step " + (progress.step() + 1) + ": the norm of the gradients is " + norm);
            }
        }
        adamW.step(learningRate);
    }

    // ------------------------------------------------------------------------------------------------ the dev loss

    private void evaluate() {
        long step = progress.step();
        Evaluation found = Evaluation.of(model, dev, evaluation, done -> {
            listener.evaluating(step, done, dev.size());
            if (listener.stopRequested()) {
                throw stopped();
            }
        });
        evaluated(found);
    }

    private void evaluated(Evaluation found) {
        long step = progress.step();
        double loss = found.loss();
        boolean finite = Double.isFinite(loss);
        boolean lowest = finite && (step == 0 || loss < Math.min(orInfinite(progress.firstLoss()), progress.bestLoss()));
        if (log != null) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", step);
            line.put("dev_loss", loss);
            line.put("dev_perplexity", found.perplexity());
            line.put("best", lowest);
            log.append(line);
        }
        if (!finite && (Double.isFinite(progress.firstLoss()) || progress.hasBest())) {
            throw diverged("after step " + step + ", the dev loss is " + loss);
        }
        progress = progress.evaluated(loss);
        if (finite && step > 0 && loss < progress.bestLoss()) {
            requireFiniteValues();
            if (best != null) {
                best.keep();
            }
            progress = progress.best(loss);
            saveBest.run();
        }
        listener.evaluated(step, found, lowest);
        if (!finite && step == 0) {
            listener.remark("the dev loss is " + loss + " before anything was learned; the run goes on, but cannot tell which "
                    + "step is the best");
        }
    }

    private static double orInfinite(double loss) {
        return Double.isNaN(loss) ? Double.POSITIVE_INFINITY : loss;
    }

    private double speed() {
        return nanos == 0 ? 0 : tokens / (nanos * 1e-9);
    }
}
