package org.lora4j.plan;

import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.data.Batch;
import org.lora4j.family.Labels;

/**
 * The step that a plan is of.
 *
 * @param batch     sequences
 * @param length    their tokens, padding included
 * @param recompute whether activations are made again in backward instead of kept
 * @param labels    what a classifier gives; empty where the model is to write
 */
public record PlannedStep(int batch, int length, boolean recompute, Optional<Labels> labels) {

    /** Requires at least one sequence of one token. */
    public PlannedStep {
        if (batch < 1 || length < 1) {
            throw new LoraException("a step of " + batch + " × " + length + " tokens: expected at least 1 each");
        }
    }

    /** Of a model that writes, which keeps its activations. */
    public static PlannedStep of(int batch, int length) {
        return new PlannedStep(batch, length, false, Optional.empty());
    }

    /** Of a classifier. */
    public PlannedStep withLabels(Labels labels) {
        return new PlannedStep(batch, length, recompute, Optional.of(labels));
    }

    /** The same, with activations made again. */
    public PlannedStep recomputing() {
        return new PlannedStep(batch, length, true, labels);
    }

    /** Of one id, which is also what a language model is to predict. */
    Batch tokens() {
        int[] ids = new int[Math.multiplyExact(batch, length)];
        return new Batch(batch, length, ids, null, ids);
    }
}
