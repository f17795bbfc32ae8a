package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/**
 * A perceptron with a gate (Shazeer 2020, <i>GLU Variants Improve Transformer</i>), applied to each position; with SILU it is
 * Llama's, with GELU_TANH Gemma's:
 *
 * <pre>
 *   f = x·W_gateᵀ      a = act(f)      u = x·W_upᵀ      h = a ⊙ u      y = h·W_downᵀ
 *   x, y: (N, C)   f, a, u, h: (N, inner); a map may have a bias
 *
 *   ∂L/∂u = dh ⊙ a      ∂L/∂f = (dh ⊙ u) ⊙ act′(f)          dh = g·W_down      g = ∂L/∂y
 *   ∂L/∂x = ∂L/∂f·W_gate + ∂L/∂u·W_up
 * </pre>
 *
 * <p>Forward keeps f and u; a is computed again for backward.
 */
public final class GatedPerceptron implements FeedForward {

    private final Slot<Projection> gate;
    private final Slot<Projection> up;
    private final Slot<Projection> down;
    private final Activation kind;
    private final String activation;

    /**
     * A feed-forward network with a gate.
     *
     * @param gate C → inner, W_gate
     * @param up   C → inner, W_up
     * @param down inner → C, W_down
     * @param kind act
     */
    public GatedPerceptron(Slot<Projection> gate, Slot<Projection> up, Slot<Projection> down, Activation kind) {
        this.gate = gate;
        this.up = up;
        this.down = down;
        this.kind = kind;
        activation = gate.beside("act");
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        Backend backend = ws.backend();
        Tensor f = gateOutput(x.rows(), ws);
        Tensor u = upOutput(x.rows(), ws);
        Tensor h = down.get().keepsInput()
                ? ws.activation(this, "h", x.rows(), inner())
                : ws.scratch("a", x.rows(), inner());
        gate.get().forward(x, f, ws);
        ws.show(gate.name(), f);
        backend.activate(kind, f, h);
        ws.show(activation, h);
        up.get().forward(x, u, ws);
        ws.show(up.name(), u);
        backend.multiply(h, u, h);
        down.get().forward(h, y, ws);
        ws.show(down.name(), y);
    }

    @Override
    public void backward(Tensor dy, Tensor dx, Workspace ws) {
        if (dx == null && !gate.get().trains() && !up.get().trains()) {
            down.get().backward(dy, null, ws);
            return;
        }
        Backend backend = ws.backend();
        Tensor f = gateOutput(dy.rows(), ws);
        Tensor dh = ws.scratch("a", dy.rows(), inner()); // forward's is not needed any more
        Tensor du = ws.scratch("du", dy.rows(), inner());
        down.get().backward(dy, dh, ws);
        backend.activate(kind, f, du);
        backend.multiply(dh, du, du);
        ws.showGradient(up.name(), du);
        up.get().backward(du, dx, ws);
        backend.multiply(dh, upOutput(dy.rows(), ws), dh);
        ws.showGradient(activation, dh);
        backend.activateBackward(kind, f, dh, dh);
        ws.showGradient(gate.name(), dh);
        if (dx == null) {
            gate.get().backward(dh, null, ws);
        } else {
            Tensor share = ws.scratch("feedForward.dx", dx.rows(), dx.columns());
            gate.get().backward(dh, share, ws);
            backend.add(share, dx);
        }
    }

    /** f, which backward reads. */
    private Tensor gateOutput(int rows, Workspace ws) {
        return ws.activation(this, "f", rows, inner());
    }

    /** u, which backward reads. */
    private Tensor upOutput(int rows, Workspace ws) {
        return ws.activation(this, "up", rows, inner());
    }

    private int inner() {
        return up.get().outFeatures();
    }

    @Override
    public boolean keepsInput() {
        return gate.get().keepsInput() || up.get().keepsInput();
    }

    @Override
    public List<Slot<Projection>> slots() {
        return List.of(gate, up, down);
    }
}
