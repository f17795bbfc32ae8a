package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

/**
 * A Transformer's two-layer perceptron, applied to each position:
 *
 * <pre>
 *   f = x·W₁ᵀ + b₁      a = act(f)      y = a·W₂ᵀ + b₂          x, y: (N, C)   f, a: (N, inner), usually 4C
 *
 *   ∂L/∂f = (g·W₂) ⊙ act′(f)      ∂L/∂x = ∂L/∂f·W₁          g = ∂L/∂y
 * </pre>
 */
public final class Perceptron implements FeedForward {

    private final Slot<Projection> up;
    private final Slot<Projection> down;
    private final Activation kind;
    private final String activation;

    /**
     * y = act(x·W₁ᵀ + b₁)·W₂ᵀ + b₂.
     *
     * @param up   C → inner, W₁
     * @param down inner → C, W₂
     * @param kind act
     */
    public Perceptron(Slot<Projection> up, Slot<Projection> down, Activation kind) {
        this.up = up;
        this.down = down;
        this.kind = kind;
        activation = up.beside("act");
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        Tensor f = hidden(x.rows(), ws);
        Tensor a = down.get().keepsInput()
                ? ws.activation(this, "a", x.rows(), inner())
                : ws.scratch("a", x.rows(), inner());
        up.get().forward(x, f, ws);
        ws.show(up.name(), f);
        ws.backend().activate(kind, f, a);
        ws.show(activation, a);
        down.get().forward(a, y, ws);
        ws.show(down.name(), y);
    }

    @Override
    public void backward(Tensor dy, Tensor dx, Workspace ws) {
        if (dx == null && !up.get().trains()) {
            down.get().backward(dy, null, ws);
            return;
        }
        Tensor df = ws.scratch("a", dy.rows(), inner()); // forward's is not needed any more
        down.get().backward(dy, df, ws);
        ws.showGradient(activation, df);
        ws.backend().activateBackward(kind, hidden(dy.rows(), ws), df, df);
        ws.showGradient(up.name(), df);
        up.get().backward(df, dx, ws);
    }

    /** f, which backward reads. */
    private Tensor hidden(int rows, Workspace ws) {
        return ws.activation(this, "f", rows, inner());
    }

    private int inner() {
        return up.get().outFeatures();
    }

    @Override
    public boolean keepsInput() {
        return up.get().keepsInput();
    }

    @Override
    public List<Slot<Projection>> slots() {
        return List.of(up, down);
    }
}
