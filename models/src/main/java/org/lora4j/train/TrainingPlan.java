package org.lora4j.train;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.optim.AdamW;
import org.lora4j.optim.Schedule;

/**
 * What a training run does, apart from its data and its model.
 *
 * @param steps          optimiser steps
 * @param accumulation   batches whose gradients are added up for one step
 * @param learningRate   the schedule's peak
 * @param schedule       how the learning rate goes
 * @param warmupSteps    steps in which it rises from 0
 * @param adamW          the optimiser's settings
 * @param labelSmoothing ε, see {@code Backend.crossEntropy}
 * @param clipNorm       the global gradient norm's limit, 0 for none
 * @param seed           of dropout; data and initialisation have theirs
 * @param evaluateEvery  steps between two evaluations, 0 for only before and after
 * @param checkpointEvery steps between two checkpoints, 0 for none
 * @param logEvery       steps between two lines of the log
 * @param recompute      make activations again for backward instead of keeping them: the same bits in less memory and
 *                       more time
 */
public record TrainingPlan(
        long steps, int accumulation, double learningRate, ScheduleKind schedule, long warmupSteps,
        AdamW.Settings adamW, double labelSmoothing, double clipNorm, long seed, long evaluateEvery,
        long checkpointEvery, long logEvery, boolean recompute) {

    /** How the learning rate goes after the warm-up. */
    public enum ScheduleKind {
        /** Linearly to 0, as in the paper. */
        LINEAR,
        /** Along half a cosine to 0. */
        COSINE,
        /** Not at all. */
        CONSTANT
    }

    public TrainingPlan {
        require(steps >= 1, "--steps", steps, "at least 1");
        require(accumulation >= 1, "--accumulate", accumulation, "at least 1");
        require(learningRate > 0 && Double.isFinite(learningRate), "--lr", learningRate, "a positive number");
        require(warmupSteps >= 0, "--warmup", warmupSteps, "0 or more");
        require(labelSmoothing >= 0 && labelSmoothing < 1, "--label-smoothing", labelSmoothing, "a share in [0, 1)");
        require(clipNorm >= 0, "--clip", clipNorm, "0 (none) or a positive norm");
        require(evaluateEvery >= 0, "--evaluate-every", evaluateEvery, "0 (never) or a number of steps");
        require(checkpointEvery >= 0, "--checkpoint-every", checkpointEvery, "0 (never) or a number of steps");
        require(logEvery >= 1, "--log-every", logEvery, "at least 1");
    }

    /**
     * A plan with the command line's defaults: AdamW with ε 1e-6 and decay 0.01, a warm-up of 500 steps or a tenth of all
     * if that is less, then linearly to zero; a checkpoint every 200 steps.
     */
    public static TrainingPlan of(long steps, double learningRate, long seed) {
        return new TrainingPlan(
                steps, 1, learningRate, ScheduleKind.LINEAR, Math.min(500, steps / 10),
                new AdamW.Settings(0.9, 0.999, 1e-6, 0.01, DecayOrder.BEFORE, false), 0, 0, seed, 0, 200, 10, false);
    }

    private static void require(boolean holds, String option, Object found, String expected) {
        if (!holds) {
            throw new LoraException(option + " " + found + ": expected " + expected);
        }
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
        return recipe;
    }
}
