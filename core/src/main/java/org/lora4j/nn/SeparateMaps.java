package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.tensor.Tensor;

/**
 * Queries, keys and values from a map each:
 *
 * <pre>
 *   q = x·W_qᵀ + b_q      k = x·W_kᵀ + b_k      v = x·W_vᵀ + b_v          x: (N, C)   q: (N, width)   k, v: (N, keyWidth)
 *
 *   ∂L/∂x = ∂L/∂q·W_q + ∂L/∂k·W_k + ∂L/∂v·W_v
 * </pre>
 */
public final class SeparateMaps implements AttentionMaps {

    private final Slot<Projection> query;
    private final Slot<Projection> key;
    private final Slot<Projection> value;

    public SeparateMaps(Slot<Projection> query, Slot<Projection> key, Slot<Projection> value, AttentionHeads heads) {
        requireFeatures(query, "queries", heads.width());
        requireFeatures(key, "keys", heads.keyWidth());
        requireFeatures(value, "values", heads.keyWidth());
        this.query = query;
        this.key = key;
        this.value = value;
    }

    static void requireFeatures(Slot<Projection> slot, String what, int expected) {
        int found = slot.get().outFeatures();
        if (found != expected) {
            throw new IllegalArgumentException(
                    slot.name() + " makes " + what + " of " + found + " numbers, the heads have " + expected);
        }
    }

    @Override
    public QueriesKeysValues forward(Tensor x, Workspace ws) {
        for (Slot<Projection> slot : slots()) {
            Tensor y = made(slot, x.rows(), ws);
            slot.get().forward(x, y, ws);
            ws.show(slot.name(), y);
        }
        return made(x.rows(), ws);
    }

    @Override
    public void backward(int rows, Tensor dx, Workspace ws) {
        backward(query, rows, dx, ws);
        Tensor share = dx == null ? null : ws.scratch("attention.dx", rows, dx.columns());
        for (Slot<Projection> slot : List.of(key, value)) {
            backward(slot, rows, share, ws);
            if (dx != null) {
                ws.backend().add(share, dx);
            }
        }
    }

    private void backward(Slot<Projection> slot, int rows, Tensor dx, Workspace ws) {
        Tensor gradient = gradient(slot, rows, ws);
        ws.showGradient(slot.name(), gradient);
        slot.get().backward(gradient, dx, ws);
    }

    @Override
    public QueriesKeysValues made(int rows, Workspace ws) {
        return new QueriesKeysValues(
                made(query, rows, ws).matrix(), made(key, rows, ws).matrix(), made(value, rows, ws).matrix());
    }

    @Override
    public QueriesKeysValues gradients(int rows, Workspace ws) {
        return new QueriesKeysValues(
                gradient(query, rows, ws).matrix(), gradient(key, rows, ws).matrix(), gradient(value, rows, ws).matrix());
    }

    private Tensor made(Slot<Projection> slot, int rows, Workspace ws) {
        return ws.activation(this, "attention." + word(slot), rows, slot.get().outFeatures());
    }

    private Tensor gradient(Slot<Projection> slot, int rows, Workspace ws) {
        return ws.scratch("attention.d" + word(slot), rows, slot.get().outFeatures());
    }

    private String word(Slot<Projection> slot) {
        return slot == query ? "q" : slot == key ? "k" : "v";
    }

    @Override
    public List<Slot<Projection>> slots() {
        return List.of(query, key, value);
    }
}
