package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.ConvolutionShape.Plane;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A convolution over planes, PyTorch's {@code Conv2d}, whose rows are positions and whose columns are channels:
 *
 * <pre>
 *   y[p] = b + Σ over taps t of x[q(p, t)]·W[·, ·, t]ᵀ          x: (N, C)   W: (out, C/groups, k_h, k_w)   b: (out)   y: (M, out)
 *
 *   ∂L/∂W[·, ·, t] = Σ g[p]ᵀ·x[q(p, t)]      ∂L/∂b = Σ g      ∂L/∂x[q(p, t)] += g[p]·W[·, ·, t]          g = ∂L/∂y
 * </pre>
 *
 * with q(p, t) the position that tap t of output p reads, where x is zero outside the plane. A kernel of 1 × k on planes of one
 * row is a {@code Conv1d}. What a frozen W or b needs not is not computed.
 */
public final class PlaneConvolution implements Layer {

    private final Parameter weight;
    private final @Nullable Parameter bias;
    private final ConvolutionShape shape;

    /**
     * A convolution over a plane.
     *
     * @param weight (out, C/groups, k_h, k_w)
     * @param bias   (out), or null for none
     * @throws IllegalArgumentException if they do not fit the shape
     */
    public PlaneConvolution(Parameter weight, @Nullable Parameter bias, ConvolutionShape shape) {
        Shape extents = weight.shape();
        if (extents.rank() != 4 || extents.dim(2) != shape.kernel().height() || extents.dim(3) != shape.kernel().width()
                || extents.dim(0) % shape.groups() != 0 || bias != null && bias.size() != extents.dim(0)) {
            throw new IllegalArgumentException(weight + " and " + bias + " with " + shape + ", expected (out, C/groups, k_h, k_w) with "
                    + "out in groups, and (out)");
        }
        this.weight = weight;
        this.bias = bias;
        this.shape = shape;
    }

    /**
     * y of the plane, its positions as rows.
     *
     * @param x     (N, C), N the plane's positions; read, and must stay as it is until backward
     * @param y     (M, out), M those of {@link ConvolutionShape#output}; written
     * @param plane where x's rows stand
     */
    public void forward(Tensor x, Tensor y, Plane plane, Workspace ws) {
        Backend backend = ws.backend();
        require(x.rows() == plane.positions() && x.columns() == channels(), "x", x);
        require(y.rows() == shape.output(plane).positions() && y.columns() == outputs(), "y", y);
        Tensor padded = padded(x, ws);
        for (int t = 0; t < shape.taps(); t++) {
            Tensor read = ws.scratch("plane.x", y.rows(), x.columns());
            backend.gatherRows(padded, rows(t, plane, ws), read, 0);
            Tensor w = tap(t, ws);
            for (int group = 0; group < shape.groups(); group++) {
                backend.matmul(in(read, group), out(w, group).t(), made(y, group), 1, t == 0 ? 0 : 1);
            }
        }
        if (bias != null) {
            backend.addRow(bias.value().as(Shape.of(1, y.columns())).matrix(), 1, y.matrix());
        }
        if (ws.training() && weight.isTrainable()) {
            ws.keepInput(this, x);
        }
    }

    private void require(boolean fits, String what, Tensor found) {
        if (!fits) {
            throw new IllegalArgumentException(weight + ": " + what + " has shape " + found.shape() + ", which does not fit its plane");
        }
    }

    /**
     * Adds up the gradients of weight and bias as far as they train, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y (M, out); read
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    public void backward(Tensor dy, @Nullable Tensor dx, Plane plane, Workspace ws) {
        Backend backend = ws.backend();
        if (bias != null && bias.isTrainable()) {
            backend.addColumnSums(dy.matrix(), bias.gradient());
        }
        Tensor padded = weight.isTrainable() ? padded(ws.keptInput(this), ws) : null;
        Tensor dPadded = null;
        if (dx != null) {
            dPadded = ws.scratch("plane.dpadded", plane.positions() + 1, channels());
            backend.fill(dPadded, 0);
        }
        for (int t = 0; t < shape.taps(); t++) {
            IntTensor rows = rows(t, plane, ws);
            Tensor read = ws.scratch("plane.x", dy.rows(), channels());
            if (padded != null) {
                backend.gatherRows(padded, rows, read, 0);
                Tensor dw = ws.block(this, "dw", outputs(), perGroup());
                for (int group = 0; group < shape.groups(); group++) {
                    backend.matmul(made(dy, group).t(), in(read, group), out(dw, group), 1, 0);
                }
                backend.add(column(dw), taps(weight.gradient()).columns(t, 1), 1);
            }
            if (dPadded != null) {
                Tensor w = tap(t, ws);
                for (int group = 0; group < shape.groups(); group++) {
                    backend.matmul(made(dy, group), out(w, group), in(read, group), 1, 0);
                }
                backend.scatterAddRows(read, rows, dPadded);
            }
        }
        if (dPadded != null) {
            backend.copy(dPadded.rows(0, dx.rows()), dx.matrix());
        }
    }

    /** x, and a row of zeros for what is outside. */
    private Tensor padded(Tensor x, Workspace ws) {
        Backend backend = ws.backend();
        Tensor padded = ws.scratch("plane.padded", x.rows() + 1, x.columns());
        Tensor none = ws.block(this, "none", 1, x.columns());
        backend.fill(none, 0);
        backend.copy(x.matrix(), padded.rows(0, x.rows()));
        backend.copy(none.matrix(), padded.rows(x.rows(), 1));
        return padded;
    }

    /** W[·, ·, t]: the taps of one weight lie side by side. */
    private Tensor tap(int t, Workspace ws) {
        Tensor tap = ws.block(this, "w", outputs(), perGroup());
        ws.backend().copy(taps(weight.value()).columns(t, 1), column(tap));
        return tap;
    }

    private Tensor taps(Tensor values) {
        return values.as(Shape.of(outputs() * perGroup(), shape.taps()));
    }

    private static MatrixView column(Tensor x) {
        return x.as(Shape.of(Math.toIntExact(x.size()), 1)).matrix();
    }

    private IntTensor rows(int t, Plane plane, Workspace ws) {
        return ws.ints(this, "rows" + t, shape.rows(t, plane));
    }

    private MatrixView in(Tensor x, int group) {
        return x.columns(group * perGroup(), perGroup());
    }

    private MatrixView made(Tensor y, int group) {
        int width = outputs() / shape.groups();
        return y.columns(group * width, width);
    }

    private MatrixView out(Tensor w, int group) {
        int width = outputs() / shape.groups();
        return w.rows(group * width, width);
    }

    private int perGroup() {
        return weight.shape().dim(1);
    }

    /** C. */
    public int channels() {
        return perGroup() * shape.groups();
    }

    /** How many features an output has. */
    public int outputs() {
        return weight.shape().dim(0);
    }

    /** Kernel, stride, padding, dilation and groups. */
    public ConvolutionShape shape() {
        return shape;
    }

    /** The weight (out, C/groups, k_h, k_w). */
    public Parameter weight() {
        return weight;
    }

    /** The bias, or null for none. */
    public @Nullable Parameter bias() {
        return bias;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(List.of(weight));
        if (bias != null) {
            parameters.add(bias);
        }
        return parameters;
    }
}
