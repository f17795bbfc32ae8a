package org.lora4j.cli;

import java.util.function.Supplier;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.optim.AdamW;
import org.lora4j.train.TrainingJob;
import org.lora4j.train.TrainingPlan.ScheduleKind;
import org.lora4j.train.TrainingPlan;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that make a {@link TrainingPlan}, whatever is trained. */
final class PlanChoice {

    /** Fewer than this hardly move a model. */
    private static final long FEW_STEPS = 30;

    @Option(names = "--epochs", paramLabel = "X",
            description = "Times to go through the data (default: 1).")
    private Double epochs;

    @Option(names = "--steps", paramLabel = "N", description = "Optimiser steps, instead of --epochs.")
    private Long steps;

    @Option(names = "--batch", defaultValue = "8", paramLabel = "N",
            description = "Examples in a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(names = "--accumulate", defaultValue = "1", paramLabel = "N",
            description = "Batches whose gradients make one step; the last step of an epoch has those that are left "
                    + "(default: ${DEFAULT-VALUE}).")
    private int accumulation;

    @Option(names = "--lr", defaultValue = "2e-4", paramLabel = "X",
            description = "The learning rate's peak (default: ${DEFAULT-VALUE}, the paper's on E2E; base-6m learns "
                    + "well with 1e-2).")
    private double learningRate;

    @Option(names = "--schedule", defaultValue = "linear", paramLabel = "KIND",
            description = "linear or cosine to zero, or constant (default: ${DEFAULT-VALUE}).")
    private ScheduleKind schedule;

    @Option(names = "--warmup", paramLabel = "N",
            description = "Steps in which the learning rate rises (default: 500, or a tenth of the steps if that is less).")
    private Long warmup;

    @Option(names = "--warmup-ratio", paramLabel = "X", description = "The same as a share of all steps, instead of --warmup.")
    private Double warmupRatio;

    @Option(names = "--weight-decay", defaultValue = "0.01", paramLabel = "X",
            description = "AdamW's decay (default: ${DEFAULT-VALUE}).")
    private double weightDecay;

    @Option(names = "--adam-epsilon", defaultValue = "1e-6", paramLabel = "X",
            description = "AdamW's epsilon (default: ${DEFAULT-VALUE}).")
    private double epsilon;

    @Option(names = "--decay-order", defaultValue = "before", paramLabel = "WHEN",
            description = "Weight decay before the update, as PyTorch does, or after it, as the authors do "
                    + "(default: ${DEFAULT-VALUE}).")
    private DecayOrder decayOrder;

    @Option(names = "--adam-epsilon-raw",
            description = "Add epsilon before the second moment's bias is corrected, as the authors do, not after it.")
    private boolean epsilonOnRaw;

    @Option(names = "--label-smoothing", defaultValue = "0", paramLabel = "X",
            description = "Share of the target's probability spread over the vocabulary (default: ${DEFAULT-VALUE}).")
    private double labelSmoothing;

    @Option(names = "--clip", defaultValue = "0", paramLabel = "X",
            description = "Limit of the gradients' global norm, 0 for none (default: ${DEFAULT-VALUE}).")
    private double clip;

    @Option(names = "--seed", defaultValue = "110", paramLabel = "N",
            description = "Of initialisation, order and dropout (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--evaluate-every", defaultValue = "0", paramLabel = "N",
            description = "Steps between evaluations, 0 for only before and after (default: ${DEFAULT-VALUE}).")
    private long evaluateEvery;

    @Option(names = "--checkpoint-every", defaultValue = "200", paramLabel = "N",
            description = "Steps between checkpoints, 0 for none but that of an interruption (default: ${DEFAULT-VALUE}).")
    private long checkpointEvery;

    @Option(names = "--log-every", defaultValue = "10", paramLabel = "N",
            description = "Steps between lines of metrics.jsonl (default: ${DEFAULT-VALUE}).")
    private long logEvery;

    @Option(names = "--recompute",
            description = "Make activations again for backward instead of keeping them: the same adapter, bit for bit, in "
                    + "less memory and more time.")
    private boolean recompute;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    private boolean everyEpoch;

    /** Refuses what is wrong whatever the data and the model. */
    void check() {
        require(epochs == null || epochs > 0 && Double.isFinite(epochs), "--epochs", epochs, "more than 0");
        require(steps == null || epochs == null || !isGiven("--epochs"), "--steps " + steps + " --epochs", epochs, "one of the two");
        require(batchSize >= 1, "--batch", batchSize, "at least 1");
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "--weight-decay", weightDecay, "0 or more");
        require(epsilon > 0 && Double.isFinite(epsilon), "--adam-epsilon", epsilon, "a positive number");
        require(warmupRatio == null || warmupRatio >= 0 && warmupRatio <= 1, "--warmup-ratio", warmupRatio, "a share from 0 to 1");
        require(warmup == null || warmupRatio == null, "--warmup " + warmup + " --warmup-ratio", warmupRatio, "one of the two");
        plan(steps == null ? 1 : steps); // refuses the rest before anything is loaded
    }

    private void require(boolean holds, String option, Object found, String expected) {
        if (!holds) {
            throw wrongUse(option + " " + found + ": expected " + expected);
        }
    }

    private ParameterException wrongUse(String message) {
        return new ParameterException(command.commandLine(), message);
    }

    private boolean isGiven(String name) {
        return command.commandLine().getParseResult().hasMatchedOption(name);
    }

    /** Measures after each epoch where {@code --evaluate-every} says nothing, as the paper's recipes choose the best epoch. */
    void evaluateEveryEpoch() {
        everyEpoch = !isGiven("--evaluate-every");
    }

    int accumulation() {
        return accumulation;
    }

    TrainingPlan plan(TrainingJob<?, ?> job) {
        if (everyEpoch) {
            evaluateEvery = job.steps(1, accumulation);
        }
        return plan(steps != null ? steps : job.steps(epochs == null ? 1 : epochs, accumulation));
    }

    private TrainingPlan plan(long total) {
        long rise = warmup != null ? warmup : warmupRatio != null ? (long) Math.ceil(warmupRatio * total) : Math.min(500, total / 10);
        AdamW.Settings adamW = new AdamW.Settings(0.9, 0.999, epsilon, weightDecay, decayOrder, epsilonOnRaw);
        return option(() -> TrainingPlan.of(total, learningRate, seed).withAccumulation(accumulation).withSchedule(schedule)
                .withWarmupSteps(rise).withAdamW(adamW).withLabelSmoothing(labelSmoothing).withClipNorm(clip)
                .withEvaluateEvery(evaluateEvery).withCheckpointEvery(checkpointEvery).withLogEvery(logEvery)
                .withRecompute(recompute));
    }

    private TrainingPlan option(Supplier<TrainingPlan> made) {
        try {
            return made.get();
        } catch (LoraException refused) {
            throw wrongUse(refused.getMessage());
        }
    }

    /**
     * Says what is no mistake, and yet hardly meant.
     *
     * @param devExamples how many the user asked for, 0 for all
     */
    void remarkOn(TrainingPlan plan, TrainingJob<?, ?> job, int devExamples, Ui ui) {
        long total = plan.steps();
        if (epochs == null && steps == null && total < FEW_STEPS) {
            ui.info("one pass over the data is %d step%s, in which little is learned: --epochs 10 makes ten passes".formatted(
                    total, total == 1 ? "" : "s"));
        }
        if (plan.warmupSteps() >= total && warmup != null && warmup > 0) {
            ui.warn("--warmup %d: the run has no more than %d steps, so the learning rate never gets above %s of --lr %s".formatted(
                    warmup, total, Double.toString(plan.learningRateAt(total - 1)), Double.toString(learningRate)));
        }
        if (job.batchesPerEpoch() < accumulation) {
            ui.warn("--accumulate %d: an epoch has %d batches, and a step ends with its epoch".formatted(
                    accumulation, job.batchesPerEpoch()));
        }
        if (job.dev().isEmpty() && (evaluateEvery > 0 || devExamples > 0)) {
            ui.warn((evaluateEvery > 0 ? "--evaluate-every " + evaluateEvery : "--dev-examples " + devExamples)
                    + ": there are no dev examples to measure on. A folder or zip with a dev part beside the train part has them");
        } else if (evaluateEvery > total) {
            ui.warn("--evaluate-every %d: the run has %d steps, and is measured before and after only".formatted(
                    evaluateEvery, total));
        }
    }

    int batchSize() {
        return batchSize;
    }

    long seed() {
        return seed;
    }
}
