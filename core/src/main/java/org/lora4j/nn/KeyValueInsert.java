package org.lora4j.nn;

/**
 * What a method does to the keys and values of a block, behind all that the base does to them: prefix tuning replaces those of
 * its special tokens. What it writes there is what queries see, and what decoding keeps.
 */
public interface KeyValueInsert extends Layer {

    /**
     * Changes keys and values before attention sees them.
     *
     * @param in k and v are written over, q is none of its business
     */
    void forward(QueriesKeysValues in, Workspace ws);

    /**
     * Adds to the gradients of what it trains.
     *
     * @param gradient ∂L/∂k and ∂L/∂v of what forward left; becomes that of what forward found
     */
    void backward(QueriesKeysValues gradient, Workspace ws);
}
