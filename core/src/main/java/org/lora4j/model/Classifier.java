package org.lora4j.model;

import java.util.List;
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

    /** The names of the labels in the order of the scores; empty where they have none, as in regression. */
    default List<String> labelNames() {
        return List.of();
    }

    /** Whether the base's head has learnt nothing, since its files hold none: its scores are noise until somebody trains it. */
    default boolean hasNewHead() {
        return false;
    }

    /**
     * Modules before the head that its files do not hold either, such as a pooler, by the ends of their names: they are drawn at
     * random, so every method trains and saves them.
     */
    default List<String> newModules() {
        return List.of();
    }

    /**
     * The score of each label for each sequence.
     *
     * @return (B, labels), in memory of the workspace
     */
    Tensor scores(B batch, Workspace ws);
}
