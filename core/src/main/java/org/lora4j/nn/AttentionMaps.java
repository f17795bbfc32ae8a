package org.lora4j.nn;

import java.util.List;
import org.lora4j.tensor.Tensor;

/** Makes the queries, keys and values of rows (N, C): {@link FusedMaps} in one product, {@link SeparateMaps} in three. */
public interface AttentionMaps extends Layer {

    /** The maps, in the order in which the model's files name them. */
    List<Slot<Projection>> slots();

    /**
     * q, k and v of x.
     *
     * @param x (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @return in memory that lasts until backward
     */
    QueriesKeysValues forward(Tensor x, Workspace ws);

    /** What {@link #forward} returned for so many rows; what has been written there since is there. */
    QueriesKeysValues made(int rows, Workspace ws);

    /** Where backward finds the gradients of so many rows; its content is undefined. */
    QueriesKeysValues gradients(int rows, Workspace ws);

    /**
     * Backward of what lies in {@link #gradients}.
     *
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    void backward(int rows, Tensor dx, Workspace ws);

    /** Whether backward reads the forward's input. */
    default boolean keepsInput() {
        for (Slot<Projection> slot : slots()) {
            if (slot.get().keepsInput()) {
                return true;
            }
        }
        return false;
    }

    @Override
    default List<Parameter> parameters() {
        return slots().stream().flatMap(slot -> slot.parameters().stream()).toList();
    }
}
