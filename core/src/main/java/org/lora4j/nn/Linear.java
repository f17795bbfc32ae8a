package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/**
 * A linear map:
 *
 * <pre>
 *   y = x·Wᵀ + b          x: (N, in)   W: (out, in)   b: (out)   y: (N, out)
 *
 *   ∂L/∂W = gᵀ·x       ∂L/∂b = Σ over rows of g       ∂L/∂x = g·W          g = ∂L/∂y
 * </pre>
 *
 * <p>W lies as out × in, whatever the file it came from; GPT-2's Conv1D is turned around in its loader. Gradients of a
 * frozen W or b are not computed.
 */
public final class Linear implements Projection {

    private final Parameter weight;
    private final @Nullable Parameter bias;

    /**
     * y = x·Wᵀ + b of these.
     *
     * @param weight (out, in)
     * @param bias   (out), or null for none
     */
    public Linear(Parameter weight, @Nullable Parameter bias) {
        if (weight.shape().rank() != 2 || bias != null && bias.size() != weight.shape().dim(0)) {
            throw new IllegalArgumentException("a linear layer takes a weight (out, in) and a bias (out), found " + weight
                    + " and " + bias);
        }
        this.weight = weight;
        this.bias = bias;
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        ws.backend().linear(x.matrix(), weight.value().matrix(), bias == null ? null : bias.value(), y.matrix());
        if (ws.training() && keepsInput()) {
            ws.keepInput(this, x);
        }
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        Backend backend = ws.backend();
        if (weight.isTrainable()) {
            Tensor x = ws.keptInput(this);
            backend.matmul(dy.matrix().t(), x.matrix(), weight.gradient().matrix(), 1, 1);
        }
        if (bias != null && bias.isTrainable()) {
            backend.addColumnSums(dy.matrix(), bias.gradient());
        }
        if (dx != null) {
            backend.matmul(dy.matrix(), weight.value().matrix(), dx.matrix(), 1, 0);
        }
    }

    /** W (out, in). */
    public Parameter weight() {
        return weight;
    }

    /** The bias, or null if this map has none. */
    public @Nullable Parameter bias() {
        return bias;
    }

    @Override
    public int inFeatures() {
        return weight.shape().dim(1);
    }

    @Override
    public int outFeatures() {
        return weight.shape().dim(0);
    }

    @Override
    public boolean keepsInput() {
        return weight.isTrainable();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(2);
        parameters.add(weight);
        if (bias != null) {
            parameters.add(bias);
        }
        return parameters;
    }
}
