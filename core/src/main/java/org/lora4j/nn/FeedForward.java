package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

/**
 * A Transformer's two-layer perceptron, applied to each position:
 *
 * <pre>
 *   f = x·W₁ᵀ + b₁      a = act(f)      y = a·W₂ᵀ + b₂          x, y: (N, C)   f, a: (N, 4C)
 *
 *   ∂L/∂f = (g·W₂) ⊙ act′(f)      ∂L/∂x = ∂L/∂f·W₁          g = ∂L/∂y
 * </pre>
 */
public final class FeedForward implements Layer {

    private final Slot<Projection> up;
    private final Slot<Projection> down;
    private final Activation kind;
    private final String activation;

    /**
     * @param up   C → 4C, W₁
     * @param down 4C → C, W₂
     * @param kind act
     */
    public FeedForward(Slot<Projection> up, Slot<Projection> down, Activation kind) {
        this.up = up;
        this.down = down;
        this.kind = kind;
        activation = up.name().replaceFirst("[^.]*$", "act");
    }

    /**
     * @param x (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @param y (N, C); written
     */
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

    /**
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        if (dx == null && !up.get().trains()) {
            down.get().backward(dy, null, ws);
            return;
        }
        Tensor df = ws.scratch("df", dy.rows(), inner());
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

    /** Whether backward reads the forward's input. */
    public boolean keepsInput() {
        return up.get().keepsInput();
    }

    public Slot<Projection> up() {
        return up;
    }

    public Slot<Projection> down() {
        return down;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(up.parameters());
        parameters.addAll(down.parameters());
        return parameters;
    }
}
