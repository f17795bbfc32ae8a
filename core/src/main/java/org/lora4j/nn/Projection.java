package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/**
 * A map of rows with {@code inFeatures} numbers to rows with {@code outFeatures}: a linear layer, or a linear layer with
 * something low-rank beside it. A {@link Slot} in a Transformer holds one.
 */
public interface Projection extends Layer {

    /** in: the columns of x. */
    int inFeatures();

    /** out: the columns of y. */
    int outFeatures();

    /**
     * y of each row of x.
     *
     * @param x  (N, in); read, and where {@link #keepsInput()} it must stay as it is until backward
     * @param y  (N, out); written
     * @param ws keeps what backward needs
     */
    void forward(Tensor x, Tensor y, Workspace ws);

    /**
     * Adds to the gradients of the trainable parameters and gives the gradient of the input.
     *
     * @param dy ∂L/∂y (N, out); read
     * @param dx ∂L/∂x (N, in); written; null where nothing below needs it
     * @param ws the workspace of the forward pass
     */
    void backward(Tensor dy, @Nullable Tensor dx, Workspace ws);

    /** Whether backward reads the forward's input, so that its memory must not be reused between the two. */
    boolean keepsInput();
}
