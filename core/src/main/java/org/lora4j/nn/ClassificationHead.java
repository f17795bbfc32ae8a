package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

/**
 * From one row for each sequence to a score for each label:
 *
 * <pre>
 *   z = c·Wᵀ + b                                                        without a dense map: GPT-2's
 *   f = d₁(c)·Dᵀ + e      a = d₂(act(f))      z = a·Wᵀ + b              with one: BERT's pooler and what stands behind it
 *   c: (B, C)   f, a: (B, C)   z: (B, labels)      d₁, d₂: dropout in training
 *
 *   ∂L/∂f = d₂(g·W) ⊙ act′(f)      ∂L/∂c = d₁(∂L/∂f·D)                  g = ∂L/∂z
 * </pre>
 */
public final class ClassificationHead implements Layer {

    private final @Nullable Dense dense;
    private final Slot<Projection> output;
    private final String activated;

    /**
     * The map before the last one.
     *
     * @param map        D and e
     * @param activation act
     * @param before     d₁
     * @param after      d₂
     */
    public record Dense(Slot<Projection> map, Activation activation, Dropout before, Dropout after) {
    }

    /**
     * A head on a vector for each sequence.
     *
     * @param dense  null for none
     * @param output W and b
     */
    public ClassificationHead(@Nullable Dense dense, Slot<Projection> output) {
        this.dense = dense;
        this.output = output;
        activated = dense == null ? "" : dense.map.beside("act");
    }

    /**
     * z = output(tanh(dense(c))), each with dropout before it where it is on.
     *
     * @param c (B, C); written over by dropout
     * @return z, in memory of this head
     */
    public Tensor forward(Tensor c, Workspace ws) {
        Tensor z = ws.block(this, "scores", c.rows(), labels());
        Tensor a = c;
        if (dense != null) {
            dense.before.applyInPlace(c, ws);
            Tensor f = hidden(c.rows(), ws);
            dense.map.get().forward(c, f, ws);
            ws.show(dense.map.name(), f);
            a = ws.block(this, "a", c.rows(), f.columns());
            ws.backend().activate(dense.activation, f, a);
            dense.after.applyInPlace(a, ws);
            ws.show(activated, a);
        }
        output.get().forward(a, z, ws);
        ws.show(output.name(), z);
        return z;
    }

    /**
     * Adds up the gradients of what trains in the head, and writes ∂L/∂c.
     *
     * @param dz ∂L/∂z; read
     * @param dc ∂L/∂c; written; null where nothing below needs it
     */
    public void backward(Tensor dz, @Nullable Tensor dc, Workspace ws) {
        ws.showGradient(output.name(), dz);
        if (dense == null) {
            output.get().backward(dz, dc, ws);
            return;
        }
        if (dc == null && !dense.map.trains()) {
            output.get().backward(dz, null, ws);
            return;
        }
        Tensor df = ws.block(this, "df", dz.rows(), dense.map.get().outFeatures());
        output.get().backward(dz, df, ws);
        ws.showGradient(activated, df);
        dense.after.applyInPlace(df, ws);
        ws.backend().activateBackward(dense.activation, hidden(dz.rows(), ws), df, df);
        ws.showGradient(dense.map.name(), df);
        dense.map.get().backward(df, dc, ws);
        if (dc != null) {
            dense.before.applyInPlace(dc, ws);
        }
    }

    /** f, which backward reads. */
    private Tensor hidden(int rows, Workspace ws) {
        return ws.block(this, "f", rows, dense.map.get().outFeatures());
    }

    /** The number of labels. */
    public int labels() {
        return output.get().outFeatures();
    }

    /** Its maps, in the model's order. */
    public List<Slot<Projection>> slots() {
        return dense == null ? List.of(output) : List.of(dense.map, output);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        slots().forEach(slot -> parameters.addAll(slot.parameters()));
        return parameters;
    }
}
