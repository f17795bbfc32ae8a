package org.lora4j.nn;

import java.util.List;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * A table of rows, one for each token or position:
 *
 * <pre>
 *   y[i] = E[id[i]]          E: (V, C)   y: (N, C)
 *
 *   ∂L/∂E[v] = Σ over i with id[i] = v of g[i]
 * </pre>
 *
 * <p>GPT-2's head is this table seen the other way, logits = h·Eᵀ: one parameter with two views. Both add to the same
 * gradient when it trains.
 */
public final class Embedding implements TokenEmbedding {

    private final Parameter table;

    /** @param table (V, C) */
    public Embedding(Parameter table) {
        this.table = table;
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        ws.backend().gatherRows(table.value(), ids, y, beta);
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        if (table.isTrainable()) {
            ws.backend().scatterAddRows(dy, ids, table.gradient());
        }
    }

    public Parameter table() {
        return table;
    }

    @Override
    public int rows() {
        return table.shape().dim(0);
    }

    @Override
    public int features() {
        return table.shape().dim(1);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(table);
    }
}
