package org.lora4j.model;

import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * A model that gives each sequence a label, or a number.
 *
 * @param <B> the batches that it takes
 */
public interface Classifier<B> extends TrainableModel<B> {

    /** The number of labels; 1 for regression. */
    int labels();

    /**
     * The score of each label for each sequence.
     *
     * @return (B, labels), in memory of the workspace
     */
    Tensor scores(B batch, Workspace ws);
}
