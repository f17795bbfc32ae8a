package org.lora4j.nn;

import org.lora4j.tensor.Tensor;

/**
 * What a method puts into a {@link Place}: an adapter layer, a prefix layer. It stands between two parts of a block, and what
 * it does to the rows is its own affair; all of its parameters belong to the method.
 */
public interface Insert extends Layer {

    /**
     * What is added at the place: y of x.
     *
     * @param x (N, C); read, and stays as it is until backward
     * @param y (N, C); written; not x
     */
    void forward(Tensor x, Tensor y, Context context, Workspace ws);

    /**
     * Adds to the gradients of the trainable parameters and gives that of the input.
     *
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); written; not dy; null where nothing below needs it
     */
    void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws);
}
