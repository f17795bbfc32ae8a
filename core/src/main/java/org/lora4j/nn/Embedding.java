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
 * <p>A padding row, where there is one, never learns: its gradient stays zero, as PyTorch's {@code padding_idx} has it, though
 * the row itself is read like any other.
 *
 * <p>GPT-2's head is this table seen the other way, logits = h·Eᵀ: one parameter with two views. Both add to the same
 * gradient when it trains.
 */
public final class Embedding implements TokenEmbedding {

    /** The padding row of a table that has none. */
    public static final int NO_PADDING = -1;

    private final Parameter table;
    private final int paddingRow;

    /**
     * A table of rows to look up.
     *
     * @param table (V, C)
     */
    public Embedding(Parameter table) {
        this(table, NO_PADDING);
    }

    /**
     * The same, with a row that gets no gradient.
     *
     * @param table      (V, C)
     * @param paddingRow the id whose row does not learn, or {@link #NO_PADDING}
     */
    public Embedding(Parameter table, int paddingRow) {
        if (paddingRow < NO_PADDING || paddingRow >= table.shape().dim(0)) {
            throw new IllegalArgumentException("padding row " + paddingRow + " of " + table);
        }
        this.table = table;
        this.paddingRow = paddingRow;
    }

    /** One that treats another table as this one does its own. */
    public Embedding with(Parameter other) {
        return new Embedding(other, paddingRow);
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        ws.backend().gatherRows(table.value(), ids, y, beta);
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        if (table.isTrainable()) {
            scatter(dy, ids, table.gradient(), ws);
        }
    }

    /**
     * gradient[id[i]] ← gradient[id[i]] + g[i], but for the padding row, which becomes zero.
     *
     * @param g        (N, K); read
     * @param gradient (V, K), of this table or of one that is read with the same ids; added to
     */
    public void scatter(Tensor g, IntTensor ids, Tensor gradient, Workspace ws) {
        ws.backend().scatterAddRows(g, ids, gradient);
        if (paddingRow != NO_PADDING) {
            Tensor zeros = ws.block(Embedding.class, "zeros", 1, gradient.columns());
            ws.backend().fill(zeros, 0);
            ws.backend().copy(zeros.matrix(), gradient.rows(paddingRow, 1));
        }
    }

    /** The rows (V, C). */
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
