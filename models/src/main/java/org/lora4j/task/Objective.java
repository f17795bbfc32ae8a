package org.lora4j.task;

import java.util.List;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Workspace;

/**
 * What a model learns: how examples become a batch, and a batch a loss. The objective of a step is the mean of the losses
 * of its targets, whichever batches they are in:
 *
 * <pre>
 *   L = 1/n · Σ loss(target)         n = targets of all the step's batches
 * </pre>
 *
 * @param <E> the examples
 * @param <B> the batches that the model takes
 */
public interface Objective<E, B> {

    /** Its word in a checkpoint: {@code completion}. */
    String name();

    /** What a batch holds of this example, in tokens: examples of about one length make a batch. */
    int length(E example);

    /** These examples side by side; at least one. */
    B batch(List<E> examples);

    /** How many losses the batch is the sum of: tokens for a language model, sequences for a classifier. */
    long targets(B batch);

    /** The tokens that are not padding, which a speed in tokens a second counts. */
    long tokens(B batch);

    /** The tokens with padding, which memory is laid out for. */
    long rows(B batch);

    /** Σ of the losses of the batch's targets, without gradients and without label smoothing. */
    default double loss(TrainableModel<B> model, B batch, Workspace ws) {
        return model.loss(batch, 0, ws);
    }

    /**
     * Forward and backward: adds the gradients of weight·Σ loss to those of what trains.
     *
     * @param weight         what each target's loss counts, 1/n for a mean
     * @param labelSmoothing ε; of no meaning for a loss without labels
     * @param number         of this pass, which no other of the run has: dropout depends on it
     * @return Σ of the losses, without the weight
     */
    default double lossAndGradients(
            TrainableModel<B> model, B batch, double weight, double labelSmoothing, long number, Workspace ws) {
        return model.lossAndGradients(batch, weight, labelSmoothing, number, ws);
    }
}
