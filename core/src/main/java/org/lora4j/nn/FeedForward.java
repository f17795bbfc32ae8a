package org.lora4j.nn;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/**
 * The half of a Transformer's block that treats each position by itself: a {@link Perceptron}, or one with a gate, a {@link
 * GatedPerceptron}.
 */
public interface FeedForward extends Layer {

    /**
     * y of each row of x.
     *
     * @param x (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @param y (N, C); written
     */
    void forward(Tensor x, Tensor y, Workspace ws);

    /**
     * Adds up the gradients of what trains, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); written; not dy; null where nothing below needs it
     */
    void backward(Tensor dy, @Nullable Tensor dx, Workspace ws);

    /** Whether backward reads the forward's input. */
    boolean keepsInput();

    /** Its linear maps in the model's order; the last one gives y. */
    List<Slot<Projection>> slots();

    @Override
    default List<Parameter> parameters() {
        return slots().stream().flatMap(slot -> slot.parameters().stream()).toList();
    }
}
