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
     * @param y   (N, width), or of the {@link #behind rows behind} alone; written
     * @param lse (N, heads), likewise; written for backward; null where none follows
     */
    void attend(AttentionRule rule, QueriesKeysValues in, Tensor y, Tensor lse, Workspace ws);

    /** How many of a block's rows go on behind its attention. */
    default int rowsBehind(int rows) {
        return rows;
    }

    /** The rows of x that go on behind the block's attention; x itself where all do, else scratch memory. */
    default Tensor behind(Tensor x, Workspace ws) {
        return x;
    }

    /** The rows of what attention gets that have queries, likewise; the memory is left alone until backward. */
    default Tensor asking(Tensor x, Workspace ws) {
        return x;
    }
}
