package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Queries, keys and values of contents, and queries and keys of distances (He et al. 2021, eq. 4), r being what
 * {@link RelativeEmbeddings} give:
 *
 * <pre>
 *   q = x·W_qᵀ + b_q      k = x·W_kᵀ + b_k      v = x·W_vᵀ + b_v          x: (N, C)
 *   k̂ = d(r)·W_k̂ᵀ + b_k̂   for the score of a content by a distance        r: (P, C)   d: dropout, of each block its own
 *   q̂ = d(r)·W_q̂ᵀ + b_q̂   for the score of a distance by a content
 *
 *   ∂L/∂x = ∂L/∂q·W_q + ∂L/∂k·W_k + ∂L/∂v·W_v      ∂L/∂r += d(∂L/∂k̂·W_k̂ + ∂L/∂q̂·W_q̂)
 * </pre>
 *
 * <p>The maps of distances are either maps of their own, or those of the contents. These then see x and d(r) in one product,
 * one below the other, so that whatever a method puts in their place trains on both.
 */
public final class DisentangledMaps implements AttentionMaps {

    private final Slot<Projection> query;
    private final Slot<Projection> key;
    private final Slot<Projection> value;
    private final Positions positions;

    /**
     * How distances are mapped.
     *
     * @param keys       makes k̂; null where a content has no score by a distance
     * @param queries    makes q̂; null where a distance has no score by a content
     * @param embeddings r
     * @param dropout    d
     */
    public record Positions(@Nullable Slot<Projection> keys, @Nullable Slot<Projection> queries, RelativeEmbeddings embeddings,
            Dropout dropout) {
    }

    /**
     * Maps for contents and for distances.
     *
     * @param positions whose maps may be {@code query} and {@code key} themselves
     */
    public DisentangledMaps(
            Slot<Projection> query, Slot<Projection> key, Slot<Projection> value, Positions positions, AttentionHeads heads) {
        SeparateMaps.requireFeatures(query, "queries", heads.width());
        SeparateMaps.requireFeatures(key, "keys", heads.keyWidth());
        SeparateMaps.requireFeatures(value, "values", heads.keyWidth());
        if (positions.keys == null && positions.queries == null) {
            throw new IllegalArgumentException(query.name() + ": distances with neither keys nor queries; take SeparateMaps");
        }
        this.query = query;
        this.key = key;
        this.value = value;
        this.positions = positions;
    }

    // ------------------------------------------------------------------------------------------------ forward

    @Override
    public QueriesKeysValues forward(Tensor x, Tensor asking, Workspace ws) {
        int rows = x.rows();
        Tensor r = distances(ws);
        Tensor both = null;
        for (Slot<Projection> slot : List.of(query, key)) {
            if (mapsDistances(slot) && both == null) {
                both = both(x, r, ws);
            }
            run(slot, mapsDistances(slot) ? both : x, made(slot, rows, ws), ws);
        }
        run(value, x, made(value, rows, ws), ws);
        for (Slot<Projection> slot : ownMaps()) {
            run(slot, r, made(slot, rows, ws), ws);
        }
        return made(rows, rows, ws);
    }

    private static void run(Slot<Projection> slot, Tensor x, Tensor y, Workspace ws) {
        slot.get().forward(x, y, ws);
        ws.show(slot.name(), y);
    }

    /** d(r). */
    private Tensor distances(Workspace ws) {
        Tensor r = positions.embeddings.pass(ws).rows();
        if (!positions.dropout.isActive(ws)) {
            return r;
        }
        Tensor dropped = ws.activation(this, "attention.r", r.rows(), r.columns());
        positions.dropout.apply(r, dropped, ws);
        return dropped;
    }

    private Tensor both(Tensor x, Tensor r, Workspace ws) {
        boolean keeps = query.get().keepsInput() && mapsDistances(query) || key.get().keepsInput() && mapsDistances(key);
        int rows = x.rows() + r.rows();
        Tensor both = keeps ? ws.activation(this, "attention.both", rows, x.columns())
                : ws.scratch("attention.both", rows, x.columns());
        ws.backend().copy(x.matrix(), both.rows(0, x.rows()));
        ws.backend().copy(r.matrix(), both.rows(x.rows(), r.rows()));
        return both;
    }

    // ------------------------------------------------------------------------------------------------ backward

    @Override
    public void backward(Sequences sequences, int queries, Tensor dx, Workspace ws) {
        int rows = sequences.rows();
        Backend backend = ws.backend();
        Tensor dr = positions.embeddings.pass(ws).gradient();
        boolean first = true;
        for (Slot<Projection> slot : List.of(query, key, value)) {
            boolean shared = mapsDistances(slot) && wanted(slot, ws);
            Tensor g = shared ? gradient(slot, rows, ws) : gradient(slot, rows, ws).as(Shape.of(rows, slot.get().outFeatures()));
            ws.showGradient(slot.name(), g);
            Tensor share = dx == null && (dr == null || !shared) ? null
                    : ws.scratch("attention.dboth", g.rows(), slot.get().inFeatures());
            slot.get().backward(g, share, ws);
            if (dx != null) {
                MatrixView ofRows = share.rows(0, rows);
                if (first) {
                    backend.copy(ofRows, dx.matrix());
                } else {
                    backend.add(ofRows, dx.matrix(), 1);
                }
            }
            if (dr != null && shared) {
                addToDistances(share.rows(rows, dr.rows()), dr, ws);
            }
            first = false;
        }
        for (Slot<Projection> slot : ownMaps()) {
            if (wanted(slot, ws)) {
                Tensor g = gradient(slot, rows, ws);
                ws.showGradient(slot.name(), g);
                Tensor share = dr == null ? null : ws.scratch("attention.dboth", dr.rows(), dr.columns());
                slot.get().backward(g, share, ws);
                if (dr != null) {
                    addToDistances(share.matrix(), dr, ws);
                }
            }
        }
    }

    private void addToDistances(MatrixView share, Tensor dr, Workspace ws) {
        if (!positions.dropout.isActive(ws)) {
            ws.backend().add(share, dr.matrix(), 1);
            return;
        }
        Tensor dropped = ws.scratch("attention.dr", dr.rows(), dr.columns());
        ws.backend().copy(share, dropped.matrix());
        positions.dropout.applyInPlace(dropped, ws);
        ws.backend().add(dropped, dr);
    }

    // ------------------------------------------------------------------------------------------------ memory

    @Override
    public QueriesKeysValues made(int rows, int queries, Workspace ws) {
        RelativeEmbeddings.Pass pass = positions.embeddings.pass(ws);
        return new QueriesKeysValues(made(query, rows, ws).rows(0, rows), made(key, rows, ws).rows(0, rows),
                made(value, rows, ws).matrix(), new RelativeScores(
                        positions.keys == null ? null : ofDistances(positions.keys, made(positions.keys, rows, ws), pass),
                        positions.queries == null ? null : ofDistances(positions.queries, made(positions.queries, rows, ws), pass),
                        pass.numbers()));
    }

    @Override
    public QueriesKeysValues gradients(int rows, int queries, Workspace ws) {
        RelativeEmbeddings.Pass pass = positions.embeddings.pass(ws);
        MatrixView distanceKeys = gradientOfDistances(positions.keys, rows, pass, ws);
        MatrixView distanceQueries = gradientOfDistances(positions.queries, rows, pass, ws);
        return new QueriesKeysValues(gradient(query, rows, ws).rows(0, rows), gradient(key, rows, ws).rows(0, rows),
                gradient(value, rows, ws).matrix(),
                distanceKeys == null && distanceQueries == null ? null : new RelativeScores(distanceKeys, distanceQueries, pass.numbers()));
    }

    private @Nullable MatrixView gradientOfDistances(
            @Nullable Slot<Projection> slot, int rows, RelativeEmbeddings.Pass pass, Workspace ws) {
        return slot == null || !wanted(slot, ws) ? null : ofDistances(slot, gradient(slot, rows, ws), pass);
    }

    /** The rows that a map made of distances: its last ones. */
    private static MatrixView ofDistances(Slot<Projection> slot, Tensor made, RelativeEmbeddings.Pass pass) {
        return made.rows(made.rows() - pass.count(), pass.count());
    }

    private Tensor made(Slot<Projection> slot, int rows, Workspace ws) {
        return ws.activation(this, "attention." + word(slot), rowsOf(slot, rows, ws), slot.get().outFeatures());
    }

    private Tensor gradient(Slot<Projection> slot, int rows, Workspace ws) {
        return ws.scratch("attention.d" + word(slot), rowsOf(slot, rows, ws), slot.get().outFeatures());
    }

    private int rowsOf(Slot<Projection> slot, int rows, Workspace ws) {
        int count = positions.embeddings.pass(ws).count();
        return isOfContents(slot) ? rows + (mapsDistances(slot) ? count : 0) : count;
    }

    private String word(Slot<Projection> slot) {
        return slot == query ? "q" : slot == key ? "k" : slot == value ? "v" : slot == positions.keys ? "rk" : "rq";
    }

    // ------------------------------------------------------------------------------------------------ parts

    private boolean mapsDistances(Slot<Projection> slot) {
        return slot == positions.keys || slot == positions.queries;
    }

    private boolean isOfContents(Slot<Projection> slot) {
        return slot == query || slot == key || slot == value;
    }

    /** Whether anything needs the gradient of what this map makes of distances. */
    private boolean wanted(Slot<Projection> slot, Workspace ws) {
        return slot.trains() || positions.embeddings.pass(ws).gradient() != null;
    }

    /** The maps of distances that are not maps of contents too. */
    private List<Slot<Projection>> ownMaps() {
        return Stream.of(positions.keys, positions.queries).filter(slot -> slot != null && !isOfContents(slot)).toList();
    }

    /** The maps of contents, then those of distances if they are others. */
    @Override
    public List<Slot<Projection>> slots() {
        List<Slot<Projection>> slots = new ArrayList<>(List.of(query, key, value));
        slots.addAll(ownMaps());
        return slots;
    }

    @Override
    public boolean keepsInput() {
        return value.get().keepsInput() || !mapsDistances(query) && query.get().keepsInput()
                || !mapsDistances(key) && key.get().keepsInput();
    }

    /** Its own maps train, or the embeddings of distances do, whose gradient goes through them. */
    @Override
    public boolean trains() {
        return positions.embeddings.trains() || AttentionMaps.super.trains();
    }
}
