package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * DoRA on an embedding, as PEFT has it: a magnitude for each feature, whose length is taken over the whole vocabulary.
 *
 * <pre>
 *   E = (E₀ + (s·B·A)ᵀ)·diag(f)        f_c = m_c / n_c        n_c = ‖column c of E₀ + (s·B·A)ᵀ‖₂
 *   y[i] = f ⊙ v[i]                    v[i] = E₀[id[i]] + s·B·A[:, id[i]]
 *
 *   ∂L/∂m_c = Σ over i of g[i, c]·v[i, c] / n_c        ∂L/∂v = f ⊙ g, and on as in {@link LoraEmbedding}
 * </pre>
 *
 * <p>n is a constant to the gradient. See {@link DoraLinear}. Source: {@code DoraEmbeddingLayer} in PEFT 0.21.
 */
public final class DoraEmbedding extends LoraEmbedding {

    private final Magnitude magnitude;

    /**
     * An update on a table, with a magnitude for each column.
     *
     * @param base        the frozen table
     * @param aTransposed Aᵀ, (V, r)
     * @param b           (C, r)
     * @param m           (C); set to the lengths of E₀'s columns
     */
    public DoraEmbedding(
            Backend backend, Embedding base, Parameter aTransposed, Parameter b, Parameter m, double alpha,
            LoraScaling scaling) {
        super(base, aTransposed, b, alpha, scaling);
        if (m.size() != features()) {
            throw new IllegalArgumentException("DoRA on " + features() + " features with magnitudes " + m);
        }
        magnitude = new Magnitude(
                backend, m, Magnitude.squares(backend, base.table().value().matrix(), true), scaling());
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        super.forward(ids, y, beta, ws);
        stretch(ids, 0, y.rows(), y, ws);
    }

    @Override
    public void addUpdate(IntTensor ids, int from, int count, Tensor y, Workspace ws) {
        super.addUpdate(ids, from, count, y, ws);
        stretch(ids, from, count, y, ws);
    }

    /** y ← y + (f − 1) ⊙ v in some rows. */
    private void stretch(IntTensor ids, int from, int count, Tensor y, Workspace ws) {
        Tensor f = magnitude.factors(this, outputGroups(), ws);
        ws.backend().scaleColumns(directions(ids, from, count, ws).rows(from, count), f.matrix(), -1, y.rows(from, count), 1);
    }

    /** v of some rows, gathered again in backward as {@link LoraEmbedding} does with u. */
    private Tensor directions(IntTensor ids, int from, int count, Workspace ws) {
        Tensor v = ws.scratch("v", ids.size(), features());
        base().forward(ids, v, 0, ws);
        super.addUpdate(ids, from, count, v, ws);
        return v;
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        Backend backend = ws.backend();
        if (magnitude.parameter().isTrainable()) {
            Tensor dots = ws.block(Magnitude.class, "dots", 1, features());
            backend.fill(dots, 0);
            backend.addColumnDots(dy.matrix(), directions(ids, 0, dy.rows(), ws).matrix(), dots.matrix());
            magnitude.addGradient(dots, this, ws);
        }
        Tensor stretched = ws.scratch("dora.dy", dy.rows(), dy.columns());
        backend.scaleColumns(dy.matrix(), magnitude.keptFactors(this, ws).matrix(), 0, stretched.matrix(), 0);
        super.backward(ids, stretched, ws);
    }

    @Override
    public void addDeltaTable(Backend backend, Tensor table) {
        double[] f = magnitude.factors(backend, outputGroups());
        Tensor update = backend.allocate(table.shape());
        super.addDeltaTable(backend, update);
        int width = features();
        double[] base = new double[width];
        double[] delta = new double[width];
        double[] row = new double[width];
        for (int i = 0; i < rows(); i++) {
            long at = (long) i * width;
            backend.read(base().table().value(), at, base, 0, width);
            backend.read(update, at, delta, 0, width);
            backend.read(table, at, row, 0, width);
            Arrays.setAll(row, c -> row[c] - base[c] + f[c] * (base[c] + delta[c]));
            backend.upload(row, 0, table, at, width);
        }
    }

    private List<Magnitude.OutputGroup> outputGroups() {
        return List.of(new Magnitude.OutputGroup(
                loraATransposed().value().matrix().t(), loraB().value().matrix().t(), base().table().value().matrix()));
    }

    @Override
    void settle(Backend backend) {
        magnitude.settle(backend, outputGroups());
    }

    @Override
    public Parameter magnitude() {
        return magnitude.parameter();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(super.parameters());
        parameters.add(magnitude());
        return parameters;
    }
}
