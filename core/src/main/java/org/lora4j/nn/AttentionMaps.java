package org.lora4j.nn;

import java.util.List;
import org.lora4j.tensor.Tensor;

/** Makes the queries, keys and values of rows (N, C): {@link FusedMaps} in one product, {@link SeparateMaps} in three. */
public interface AttentionMaps extends Layer {

    /** The maps, in the order in which the model's files name them. */
    List<Slot<Projection>> slots();

    /** Whether it can make the queries of some rows alone, with the keys and values of all. */
    default boolean asksApart() {
        return false;
    }

    /**
     * q of the rows that ask, k and v of all.
     *
     * @param x      (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @param asking (Q, C), likewise: x itself unless {@link #asksApart()}
     * @return in memory that lasts until backward
     */
    QueriesKeysValues forward(Tensor x, Tensor asking, Workspace ws);

    /** What {@link #forward} returned for so many rows and queries; what has been written there since is there. */
    QueriesKeysValues made(int rows, int queries, Workspace ws);

    /** Where backward finds the gradients of so many rows and queries; its content is undefined. */
    QueriesKeysValues gradients(int rows, int queries, Workspace ws);

    /**
     * Backward of what lies in {@link #gradients}.
     *
     * @param queries Q; where they are not all rows, they are those that {@code sequences} reads
     * @param dx      ∂L/∂x (N, C); written; null where nothing below needs it
     */
    void backward(Sequences sequences, int queries, Tensor dx, Workspace ws);

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
