package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/**
 * {@link GatedPerceptron} whose gate and up are one map, as Phi-3's:
 *
 * <pre>
 *   [f u] = x·Wᵀ      h = act(f) ⊙ u      y = h·W_downᵀ          x, y: (N, C)   f, u, h: (N, inner)   W: (2·inner, C)
 *
 *   ∂L/∂x = [(dh ⊙ u) ⊙ act′(f)   dh ⊙ act(f)]·W          dh = g·W_down      g = ∂L/∂y
 * </pre>
 */
public final class FusedGatedPerceptron implements FeedForward {

    private final Slot<Projection> gateUp;
    private final Slot<Projection> down;
    private final Activation kind;
    private final String activation;
    private final int inner;

    /**
     * A feed-forward network whose gate and up are one map.
     *
     * @param gateUp C → 2·inner, the gate's outputs before those of up
     * @param down   inner → C
     * @param kind   act
     */
    public FusedGatedPerceptron(Slot<Projection> gateUp, Slot<Projection> down, Activation kind) {
        this.gateUp = gateUp;
        this.down = down;
        this.kind = kind;
        inner = down.get().inFeatures();
        activation = gateUp.beside("act");
        SeparateMaps.requireFeatures(gateUp, "gate and up", 2 * inner);
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        Backend backend = ws.backend();
        Tensor fused = ws.scratch("gateUp", x.rows(), 2 * inner);
        gateUp.get().forward(x, fused, ws);
        ws.show(gateUp.name(), fused);
        Tensor f = gate(x.rows(), ws);
        Tensor u = up(x.rows(), ws);
        backend.copy(fused.columns(0, inner), f.matrix());
        backend.copy(fused.columns(inner, inner), u.matrix());
        Tensor h = down.get().keepsInput() ? ws.activation(this, "h", x.rows(), inner) : ws.scratch("a", x.rows(), inner);
        backend.activate(kind, f, h);
        ws.show(activation, h);
        backend.multiply(h, u, h);
        down.get().forward(h, y, ws);
        ws.show(down.name(), y);
    }

    @Override
    public void backward(Tensor dy, Tensor dx, Workspace ws) {
        if (dx == null && !gateUp.trains()) {
            down.get().backward(dy, null, ws);
            return;
        }
        Backend backend = ws.backend();
        Tensor f = gate(dy.rows(), ws);
        Tensor dh = ws.scratch("df", dy.rows(), inner);
        Tensor du = ws.scratch("du", dy.rows(), inner);
        Tensor fused = ws.scratch("gateUp", dy.rows(), 2 * inner);
        down.get().backward(dy, dh, ws);
        backend.activate(kind, f, du);
        backend.multiply(dh, du, du);
        backend.copy(du.matrix(), fused.columns(inner, inner));
        backend.multiply(dh, up(dy.rows(), ws), dh);
        ws.showGradient(activation, dh);
        backend.activateBackward(kind, f, dh, dh);
        backend.copy(dh.matrix(), fused.columns(0, inner));
        ws.showGradient(gateUp.name(), fused);
        gateUp.get().backward(fused, dx, ws);
    }

    private Tensor gate(int rows, Workspace ws) {
        return ws.activation(this, "f", rows, inner);
    }

    private Tensor up(int rows, Workspace ws) {
        return ws.activation(this, "up", rows, inner);
    }

    @Override
    public boolean keepsInput() {
        return gateUp.get().keepsInput();
    }

    @Override
    public List<Slot<Projection>> slots() {
        return List.of(gateUp, down);
    }
}
