package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Queries, keys and values from a map each:
 *
 * <pre>
 *   q = x·W_qᵀ + b_q      k = x·W_kᵀ + b_k      v = x·W_vᵀ + b_v          x: (N, C)   q: (N, width)   k, v: (N, keyWidth)
 *
 *   ∂L/∂x = ∂L/∂q·W_q + ∂L/∂k·W_k + ∂L/∂v·W_v
 * </pre>
 *
 * <p>Where q and k have norms, attention gets norm(q) and norm(k), over the features of each head.
 */
public final class SeparateMaps implements AttentionMaps {

    private final Slot<Projection> query;
    private final Slot<Projection> key;
    private final Slot<Projection> value;
    private final @Nullable HeadNorm queryNorm;
    private final @Nullable HeadNorm keyNorm;

    /** A map each for q, k and v. */
    public SeparateMaps(Slot<Projection> query, Slot<Projection> key, Slot<Projection> value, AttentionHeads heads) {
        this(query, key, value, heads, null, null);
    }

    /** With a norm over each head of q and another over each head of k, as Qwen3 and Gemma 3 have them. */
    public SeparateMaps(
            Slot<Projection> query, Slot<Projection> key, Slot<Projection> value, AttentionHeads heads,
            @Nullable Normalisation queryNorm, @Nullable Normalisation keyNorm) {
        requireFeatures(query, "queries", heads.width());
        requireFeatures(key, "keys", heads.keyWidth());
        requireFeatures(value, "values", heads.keyWidth());
        this.query = query;
        this.key = key;
        this.value = value;
        this.queryNorm = queryNorm == null ? null : new HeadNorm(queryNorm, heads.size());
        this.keyNorm = keyNorm == null ? null : new HeadNorm(keyNorm, heads.size());
    }

    static void requireFeatures(Slot<Projection> slot, String what, int expected) {
        int found = slot.get().outFeatures();
        if (found != expected) {
            throw new IllegalArgumentException(
                    slot.name() + " makes " + what + " of " + found + " numbers, the heads have " + expected);
        }
    }

    @Override
    public boolean asksApart() {
        return true;
    }

    @Override
    public QueriesKeysValues forward(Tensor x, Tensor asking, Workspace ws) {
        for (Slot<Projection> slot : slots()) {
            Tensor from = slot == query ? asking : x;
            Tensor y = made(slot, from.rows(), ws);
            slot.get().forward(from, y, ws);
            ws.show(slot.name(), y);
            HeadNorm norm = norm(slot);
            if (norm != null) {
                norm.forward(y, normed(slot, from.rows(), ws), ws);
            }
        }
        return made(x.rows(), asking.rows(), ws);
    }

    @Override
    public void backward(Sequences sequences, int queries, Tensor dx, Workspace ws) {
        int rows = sequences.rows();
        if (queries == rows) {
            backward(query, rows, dx, ws);
        } else {
            Tensor asking = dx == null ? null : ws.scratch("attention.dasking", queries, dx.columns());
            backward(query, queries, asking, ws);
            if (dx != null) {
                ws.backend().fill(dx, 0);
                ws.backend().scatterAddRows(asking, sequences.read().rows(), dx);
            }
        }
        Tensor share = dx == null ? null : ws.scratch("n", rows, dx.columns()); // what forward had there is not needed any more
        for (Slot<Projection> slot : List.of(key, value)) {
            backward(slot, rows, share, ws);
            if (dx != null) {
                ws.backend().add(share, dx);
            }
        }
    }

    private void backward(Slot<Projection> slot, int rows, Tensor dx, Workspace ws) {
        Tensor gradient = gradient(slot, rows, ws);
        HeadNorm norm = norm(slot);
        if (norm != null) {
            Tensor before = ws.scratch("attention.dnorm", rows, gradient.columns());
            norm.backward(gradient, before, ws);
            gradient = before;
        }
        ws.showGradient(slot.name(), gradient);
        slot.get().backward(gradient, dx, ws);
    }

    @Override
    public QueriesKeysValues made(int rows, int queries, Workspace ws) {
        return new QueriesKeysValues(
                normed(query, queries, ws).matrix(), normed(key, rows, ws).matrix(), made(value, rows, ws).matrix());
    }

    @Override
    public QueriesKeysValues gradients(int rows, int queries, Workspace ws) {
        return new QueriesKeysValues(
                gradient(query, queries, ws).matrix(), gradient(key, rows, ws).matrix(), gradient(value, rows, ws).matrix());
    }

    private Tensor made(Slot<Projection> slot, int rows, Workspace ws) {
        return ws.activation(this, "attention." + word(slot), rows, slot.get().outFeatures());
    }

    private @Nullable HeadNorm norm(Slot<Projection> slot) {
        return slot == query ? queryNorm : slot == key ? keyNorm : null;
    }

    /** What attention sees of a map: its output, or that behind its norm. */
    private Tensor normed(Slot<Projection> slot, int rows, Workspace ws) {
        return norm(slot) == null ? made(slot, rows, ws)
                : ws.activation(this, "attention.normed." + word(slot), rows, slot.get().outFeatures());
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

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(AttentionMaps.super.parameters());
        if (queryNorm != null) {
            parameters.addAll(queryNorm.norm().parameters());
        }
        if (keyNorm != null) {
            parameters.addAll(keyNorm.norm().parameters());
        }
        return parameters;
    }

    /** A norm over each head: the rows of (N·heads, size), which is how (N, heads·size) lies. */
    private record HeadNorm(Normalisation norm, int size) {

        void forward(Tensor x, Tensor y, Workspace ws) {
            norm.forward(heads(x), heads(y), ws);
        }

        /** dx is written. */
        void backward(Tensor dy, Tensor dx, Workspace ws) {
            ws.backend().fill(dx, 0);
            norm.backward(heads(dy), heads(dx), ws);
        }

        private Tensor heads(Tensor x) {
            return x.as(Shape.of((int) (x.size() / size), size));
        }
    }
}
