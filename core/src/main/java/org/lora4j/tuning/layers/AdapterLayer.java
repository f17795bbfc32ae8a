package org.lora4j.tuning.layers;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
import org.lora4j.nn.Context;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * An adapter layer: a bottleneck of r features with a nonlinearity, added to what goes by (Houlsby et al. 2019, figure 2; the
 * paper's section 5.1):
 *
 * <pre>
 *   n = x, or LayerNorm(x) where the layer has a norm of its own (Lin et al. 2020)
 *   f = n·Dᵀ + d      a = act(f)      y = x + a·Uᵀ + u          x, y: (N, C)   f, a: (N, r)   D: (r, C)   U: (C, r)
 * </pre>
 *
 * D and U begin near zero, so before the first update the layer is almost the identity.
 *
 * <p>With g = ∂L/∂y:
 *
 * <pre>
 *   ∂L/∂U = gᵀ·a      ∂L/∂u = Σ g      q = ∂L/∂f = (g·U) ⊙ act′(f)
 *   ∂L/∂D = qᵀ·n      ∂L/∂d = Σ q      ∂L/∂x = g + q·D, the latter through the norm's backward where there is one
 * </pre>
 *
 * Because of act, no matrix that could be added to one of the base's weights does the same: it costs its time in every pass,
 * which is what the paper's table 1 measures.
 */
public final class AdapterLayer implements Insert {

    private final String name;
    private final @Nullable Normalisation norm;
    private final Linear down;
    private final Linear up;
    private final Activation activation;

    /**
     * A layer of these parts.
     *
     * @param name       as its parameters are called, such as {@code transformer.h.0.attn.branch.adapter}
     * @param norm       null for none
     * @param down       C → r
     * @param up         r → C
     * @param activation act
     */
    public AdapterLayer(String name, @Nullable Normalisation norm, Linear down, Linear up, Activation activation) {
        if (down.inFeatures() != up.outFeatures() || down.outFeatures() != up.inFeatures()) {
            throw new IllegalArgumentException("an adapter layer maps C → r → C, found " + down.inFeatures() + " → "
                    + down.outFeatures() + " and " + up.inFeatures() + " → " + up.outFeatures());
        }
        this.name = name;
        this.norm = norm;
        this.down = down;
        this.up = up;
        this.activation = activation;
    }

    @Override
    public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
        Tensor n = x;
        if (norm != null) {
            n = ws.activation(this, "n", x.rows(), x.columns());
            norm.forward(x, n, ws);
        }
        Tensor f = ws.activation(this, "f", x.rows(), down.outFeatures());
        down.forward(n, f, ws);
        ws.show(name + ".down", f);
        Tensor a = ws.activation(this, "a", x.rows(), down.outFeatures());
        ws.backend().activate(activation, f, a);
        ws.show(name + ".act", a);
        up.forward(a, y, ws);
        ws.backend().add(x, y);
    }

    @Override
    public void backward(Tensor g, @Nullable Tensor dx, Sequences sequences, Workspace ws) {
        if (dx == null && !trains()) {
            return;
        }
        Tensor q = ws.scratch("adapter.q", g.rows(), down.outFeatures());
        up.backward(g, q, ws);
        ws.showGradient(name + ".act", q);
        ws.backend().activateBackward(activation, ws.activation(this, "f", g.rows(), down.outFeatures()), q, q);
        ws.showGradient(name + ".down", q);
        if (norm == null) {
            down.backward(q, dx, ws);
            if (dx != null) {
                ws.backend().add(g, dx);
            }
        } else {
            Tensor dn = ws.scratch("adapter.dn", g.rows(), g.columns());
            down.backward(q, dn, ws);
            Tensor sum = dx != null ? dx : ws.scratch("adapter.dx", g.rows(), g.columns());
            ws.backend().copy(g.matrix(), sum.matrix());
            norm.backward(dn, sum, ws);
        }
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        if (norm != null) {
            parameters.addAll(norm.parameters());
        }
        parameters.addAll(down.parameters());
        parameters.addAll(up.parameters());
        return parameters;
    }
}
