package org.lora4j.nn;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** A map from row numbers (token or position ids) to rows of features; see {@link Embedding}. */
public interface TokenEmbedding extends Layer {

    /** The number of ids: the vocabulary's size, and those of the {@link #prefix} and the {@link #infix}. */
    int rows();

    /**
     * Ids that stand before the first position of every sequence, beyond those of the vocabulary, so that no text holds them.
     * The base has none; a method that trains embeddings there puts in a layer that has.
     */
    default int[] prefix() {
        return new int[0];
    }

    /**
     * Ids that stand behind the input of every sequence and before its output: where the loss begins in training, behind the
     * prompt in decoding. They are beyond those of the vocabulary and of the {@link #prefix}; the base has none.
     */
    default int[] infix() {
        return new int[0];
    }

    /**
     * Whether the first of the prefix stands for the sequence in a classifier that takes its answer from the first position, as
     * PEFT has it; if not, the first token does.
     */
    default boolean speaksForSequence() {
        return false;
    }

    /** The number of features of a row. */
    int features();

    /**
     * @param ids (N), each in 0 … rows − 1; must stay as they are until backward
     * @param y   (N, C); y ← embedding + beta·y
     */
    void forward(IntTensor ids, Tensor y, double beta, Workspace ws);

    /**
     * Adds to the gradients of the trainable parameters.
     *
     * @param dy ∂L/∂y (N, C); read
     */
    void backward(IntTensor ids, Tensor dy, Workspace ws);
}
