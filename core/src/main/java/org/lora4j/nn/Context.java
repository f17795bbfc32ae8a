package org.lora4j.nn;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * The rows of a pass, for the layers in which they meet: where each stands in its sequence, and which others it may see.
 * {@link Sequences} are whole ones, in training and scoring; a {@link Continuation} goes on behind a {@link Past}. Layers
 * have one forward for both.
 */
public interface Context {

    /** The position of each row in its sequence, (N), from 0. */
    IntTensor positions();

    /**
     * y ← attention of the rows' queries to the keys they may see.
     *
     * @param in  of the rows of this pass; read
     * @param y   (N, width); written
     * @param lse (N, heads), written for backward; null where none follows
     */
    void attend(AttentionRule rule, QueriesKeysValues in, Tensor y, Tensor lse, Workspace ws);
}
