package org.lora4j.nn;

/**
 * Tells queries and keys where they stand, before they meet: the place of rotary embeddings. A model whose embeddings say
 * it already, as GPT-2's do, has none.
 *
 * <p>It changes q and k where they lie, so a decoder's past keeps keys that have been told.
 */
public interface Positioning {

    /**
     * Tells q and k where they stand.
     *
     * @param in q and k are changed, by {@link Context#positions()}
     */
    void forward(QueriesKeysValues in, Context context, Workspace ws);

    /**
     * Takes the gradient back: what forward did is linear in q and k, so this is its transpose.
     *
     * @param gradient ∂L/∂q and ∂L/∂k of what forward left; becomes that of what it found
     */
    void backward(QueriesKeysValues gradient, Sequences sequences, Workspace ws);
}
