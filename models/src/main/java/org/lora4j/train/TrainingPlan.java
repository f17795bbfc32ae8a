package org.lora4j.train;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.nn.Parameter;
import org.lora4j.optim.AdamW;
import org.lora4j.optim.Schedule;
import org.lora4j.tuning.lora.LoraPlus;

/**
 * What a training run does, apart from its data and its model. {@link #of} has the defaults, and each {@code with…} gives
 * the plan with one of them changed:
 *
 * <pre>{@code
 * TrainingPlan plan = TrainingPlan.of(1000, 2e-4, 110).withWarmupSteps(500).withLabelSmoothing(0.1);
 * }</pre>
 */
public final class TrainingPlan {

    private long steps;
    private int accumulation = 1;
    private double learningRate;
    private ScheduleKind schedule = ScheduleKind.LINEAR;
    private long warmupSteps;
    private AdamW.Settings adamW = new AdamW.Settings(0.9, 0.999, 1e-6, 0.01, DecayOrder.BEFORE, false);
    private double labelSmoothing;
    private double clipNorm;
    private long seed;
    private long evaluateEvery;
    private long checkpointEvery = 200;
    private long logEvery = 10;
    private boolean recompute;
    private @Nullable LoraPlus loraPlus;

    /** How the learning rate goes after the warm-up. */
    public enum ScheduleKind {
        /** Linearly to 0, as in the paper. */
        LINEAR,
        /** Along half a cosine to 0. */
        COSINE,
        /** Not at all. */
        CONSTANT
    }

    private TrainingPlan() {
    }

    /**
     * A plan with the command line's defaults: AdamW with ε 1e-6 and decay 0.01, a warm-up of 500 steps or a tenth of all
     * if that is less, then linearly to zero; a checkpoint every 200 steps, a line of the log every 10.
     *
     * @param steps        optimiser steps
     * @param learningRate the schedule's peak
     * @param seed         of dropout; data and initialisation have theirs
     */
    public static TrainingPlan of(long steps, double learningRate, long seed) {
        return new TrainingPlan().with(plan -> {
            plan.steps = steps;
            plan.learningRate = learningRate;
            plan.seed = seed;
            plan.warmupSteps = Math.min(500, steps / 10);
        });
    }

    /** Batches whose gradients are added up for one step. */
    public TrainingPlan withAccumulation(int batches) {
        return with(plan -> plan.accumulation = batches);
    }

    /** How the learning rate goes after the warm-up. */
    public TrainingPlan withSchedule(ScheduleKind kind) {
        return with(plan -> plan.schedule = kind);
    }

    /** Steps in which the learning rate rises from 0. */
    public TrainingPlan withWarmupSteps(long count) {
        return with(plan -> plan.warmupSteps = count);
    }

    /** The optimiser's settings. */
    public TrainingPlan withAdamW(AdamW.Settings settings) {
        return with(plan -> plan.adamW = settings);
    }

    /** ε, see {@code Backend.crossEntropy}. */
    public TrainingPlan withLabelSmoothing(double share) {
        return with(plan -> plan.labelSmoothing = share);
    }

    /** The limit of the gradients' global norm, 0 for none. */
    public TrainingPlan withClipNorm(double limit) {
        return with(plan -> plan.clipNorm = limit);
    }

    /** Steps between two evaluations, 0 for only before and after. */
    public TrainingPlan withEvaluateEvery(long count) {
        return with(plan -> plan.evaluateEvery = count);
    }

    /** Steps between two checkpoints, 0 for none. */
    public TrainingPlan withCheckpointEvery(long count) {
        return with(plan -> plan.checkpointEvery = count);
    }

    /** Steps between two lines of the log. */
    public TrainingPlan withLogEvery(long count) {
        return with(plan -> plan.logEvery = count);
    }

    /** Make activations again for backward instead of keeping them: the same bits in less memory and more time. */
    public TrainingPlan withRecompute(boolean again) {
        return with(plan -> plan.recompute = again);
    }

    /** Of LoRA's two matrices the second learns faster, see {@link LoraPlus}; null for one rate. */
    public TrainingPlan withLoraPlus(@Nullable LoraPlus rates) {
        return with(plan -> plan.loraPlus = rates);
    }

    /** A copy with something changed; a plan that has left this class never changes. */
    private TrainingPlan with(Consumer<TrainingPlan> change) {
        TrainingPlan copy = new TrainingPlan();
        copy.steps = steps;
        copy.accumulation = accumulation;
        copy.learningRate = learningRate;
        copy.schedule = schedule;
        copy.warmupSteps = warmupSteps;
        copy.adamW = adamW;
        copy.labelSmoothing = labelSmoothing;
        copy.clipNorm = clipNorm;
        copy.seed = seed;
        copy.evaluateEvery = evaluateEvery;
        copy.checkpointEvery = checkpointEvery;
        copy.logEvery = logEvery;
        copy.recompute = recompute;
        copy.loraPlus = loraPlus;
        change.accept(copy);
        copy.check();
        return copy;
    }

    private void check() {
        require(steps >= 1, "steps", steps, "at least 1");
        require(accumulation >= 1, "accumulation", accumulation, "at least 1");
        require(learningRate > 0 && Double.isFinite(learningRate), "learningRate", learningRate, "a positive number");
        require(warmupSteps >= 0, "warmupSteps", warmupSteps, "0 or more");
        require(labelSmoothing >= 0 && labelSmoothing < 1, "labelSmoothing", labelSmoothing, "a share in [0, 1)");
        require(clipNorm >= 0, "clipNorm", clipNorm, "0 (none) or a positive norm");
        require(evaluateEvery >= 0, "evaluateEvery", evaluateEvery, "0 (never) or a number of steps");
        require(checkpointEvery >= 0, "checkpointEvery", checkpointEvery, "0 (never) or a number of steps");
        require(logEvery >= 1, "logEvery", logEvery, "at least 1");
    }

    private static void require(boolean holds, String property, Object found, String expected) {
        if (!holds) {
            throw new LoraException("`" + property + "` " + found + ": expected " + expected);
        }
    }

    /** Optimiser steps. */
    public long steps() {
        return steps;
    }

    /** Batches whose gradients are added up for one step. */
    public int accumulation() {
        return accumulation;
    }

    /** The schedule's peak. */
    public double learningRate() {
        return learningRate;
    }

    public ScheduleKind schedule() {
        return schedule;
    }

    public long warmupSteps() {
        return warmupSteps;
    }

    public AdamW.Settings adamW() {
        return adamW;
    }

    public double labelSmoothing() {
        return labelSmoothing;
    }

    public double clipNorm() {
        return clipNorm;
    }

    public long seed() {
        return seed;
    }

    public long evaluateEvery() {
        return evaluateEvery;
    }

    public long checkpointEvery() {
        return checkpointEvery;
    }

    public long logEvery() {
        return logEvery;
    }

    public boolean recompute() {
        return recompute;
    }

    /** The rates of LoRA+; null for one rate. */
    public @Nullable LoraPlus loraPlus() {
        return loraPlus;
    }

    /** How a parameter learns beside the others. */
    public AdamW.Group group(Parameter parameter) {
        return loraPlus == null ? AdamW.Group.USUAL : loraPlus.group(parameter, learningRate);
    }

    /** The learning rate of step i, counted from 0. */
    public double learningRateAt(long step) {
        Schedule factors = switch (schedule) {
            case LINEAR -> Schedule.linear(warmupSteps, steps);
            case COSINE -> Schedule.cosine(warmupSteps, steps);
            case CONSTANT -> Schedule.warmed(warmupSteps, Schedule.constant());
        };
        return learningRate * factors.factor(step);
    }

    /** What must be equal for a checkpoint of another run to be gone on from, by the names of the options; not what gives the same bits. */
    public Map<String, String> recipe() {
        Map<String, String> recipe = new LinkedHashMap<>();
        recipe.put("steps", Long.toString(steps));
        recipe.put("accumulate", Integer.toString(accumulation));
        recipe.put("lr", Double.toString(learningRate));
        recipe.put("schedule", schedule.name().toLowerCase(Locale.ROOT));
        recipe.put("warmup", Long.toString(warmupSteps));
        recipe.put("adamw", adamW.toString());
        recipe.put("label-smoothing", Double.toString(labelSmoothing));
        recipe.put("clip", Double.toString(clipNorm));
        recipe.put("seed", Long.toString(seed));
        recipe.put("evaluate-every", Long.toString(evaluateEvery));
        if (loraPlus != null) {
            recipe.put("lora-plus", loraPlus.toString());
        }
        return recipe;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TrainingPlan plan && recipe().equals(plan.recipe()) && checkpointEvery == plan.checkpointEvery
                && logEvery == plan.logEvery && recompute == plan.recompute;
    }

    @Override
    public int hashCode() {
        return recipe().hashCode();
    }

    @Override
    public String toString() {
        return recipe().toString();
    }
}
