package org.lora4j.nn;

import org.lora4j.tensor.MatrixView;

/**
 * What new positions see of those before them, and where their own keys and values go. The Transformer asks for nothing
 * else, so the code that decodes is free in how it keeps the past of several sequences, and in what of it they share.
 */
@FunctionalInterface
public interface Past {

    /**
     * y ← attention of the new positions' queries to all they may see, their own keys among them; keeps k and v for
     * positions to come.
     *
     * @param rule its block's number says whose keys
     * @param in   of the new positions; read
     * @param y    (N, width); written
     * @throws IllegalArgumentException if the rule lets positions see later ones
     */
    void attend(AttentionRule rule, QueriesKeysValues in, MatrixView y);
}
