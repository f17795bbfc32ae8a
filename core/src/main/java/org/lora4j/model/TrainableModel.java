package org.lora4j.model;

import org.lora4j.nn.Workspace;

/**
 * A model with a loss.
 *
 * @param <B> the batches that it takes
 */
public interface TrainableModel<B> extends Model {

    /**
     * Σ of the losses of the batch's targets, without gradients.
     *
     * @param labelSmoothing ε, see {@code Backend.crossEntropy}; 0 for a loss that needs none
     */
    double loss(B batch, double labelSmoothing, Workspace ws);

    /**
     * Forward and backward: adds the gradients of these examples to the trainable parameters'.
     *
     * @param weight what the loss of each target counts in the objective; 1/(targets of the whole step) for a mean
     * @param step   this pass's number, different for each in a run: dropout depends on it
     * @return Σ of the losses, without the weight
     */
    double lossAndGradients(B batch, double weight, double labelSmoothing, long step, Workspace ws);
}
