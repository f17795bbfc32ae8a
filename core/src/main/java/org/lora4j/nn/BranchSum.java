package org.lora4j.nn;

import org.lora4j.tensor.Tensor;

/**
 * Where a branch joins the stream:
 *
 * <pre>
 *   s = x + place(dropout(b))          b: what the branch's sublayer gives; the place is left out while it is empty
 *
 *   ∂L/∂x = g      ∂L/∂b = dropout(place′(g))          g = ∂L/∂s
 * </pre>
 */
final class BranchSum {

    private final String name;
    private final Dropout dropout;
    private final Place place;

    BranchSum(String name, Dropout dropout, Place place) {
        this.name = name;
        this.dropout = dropout;
        this.place = place;
    }

    /** Where the sublayer writes b: into the sum's own memory, unless the place needs it apart. */
    Tensor branch(Tensor sum, Workspace ws) {
        return place.isEmpty() ? sum : ws.activation(this, "branch", sum.rows(), sum.columns());
    }

    /**
     * @param b what {@link #branch} gave; written over
     * @param x read
     * @param s written
     */
    void forward(Tensor b, Tensor x, Tensor s, Context context, Workspace ws) {
        dropout.applyInPlace(b, ws);
        if (!place.isEmpty()) {
            place.insert().orElseThrow().forward(b, s, context, ws);
            ws.show(place.name(), s);
        }
        ws.backend().add(x, s);
        ws.show(name, s);
    }

    /**
     * @param g          ∂L/∂s; read
     * @param needBranch whether anything on the branch trains, or below it
     * @return ∂L/∂b, which may be g; null where it is not needed and nothing else is either
     */
    Tensor backward(Tensor g, boolean needBranch, Sequences sequences, Workspace ws) {
        ws.showGradient(name, g);
        Tensor db = g;
        if (!place.isEmpty()) {
            db = needBranch ? ws.scratch("dplace", g.rows(), g.columns()) : null;
            place.insert().orElseThrow().backward(g, db, sequences, ws);
            if (db == null) {
                return null;
            }
        }
        if (!dropout.isActive(ws)) {
            return db;
        }
        Tensor branch = ws.scratch("dbranch", g.rows(), g.columns());
        dropout.apply(db, branch, ws);
        return branch;
    }

    /** Whether what is in the place trains. */
    boolean trains() {
        return place.trains();
    }
}
