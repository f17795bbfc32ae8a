package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.nn.ConvolutionShape;
import org.lora4j.nn.ConvolutionShape.Plane;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.PlaneConvolution;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A frozen convolution with a trainable low-rank update, for kernels of any size, stride, padding, dilation and groups:
 *
 * <pre>
 *   h = x ∗ W₀ + b + s·((x ∗ A) ∗ B)          s = alpha / r
 *   x: (N, C)   W₀: (out, C/g, k_h, k_w)   A: (r, C/g, k_h, k_w), with W₀'s stride, padding, dilation and groups
 *   B: (out, r/g, 1, 1), in g groups           h: (M, out)
 * </pre>
 *
 * The same as adding to each group's kernels ΔW_j = s·B_j·A_j, with A_j as (r/g, C/g·k_h·k_w): the matrix whose rows are kernels gets
 * an update of rank r/g, see {@link #merged}. B starts at zero.
 *
 * <p>With g = ∂L/∂h and u = x ∗ A:
 *
 * <pre>
 *   ∂L/∂B = s·Σ gᵀ·u      q = ∂L/∂u = s·g·B      ∂L/∂A, and ∂L/∂x = g ∗ᵀ W₀ + q ∗ᵀ A, by the backward of the convolutions
 * </pre>
 *
 * <p>Differs from loralib, whose A and B have r·k rows and columns whatever the kernel's dimensions: (B·A) is then seen as W₀'s shape, in
 * which rows and columns are no longer kernels, and Conv1d and Conv3d with k > 1 fail, since the sizes agree for k² only. Differs
 * from PEFT where it has no answer: there A sees all groups, so that nothing can be merged, and forgets W₀'s dilation.
 */
public final class LoraConv2d implements Layer {

    private final PlaneConvolution base;
    private final PlaneConvolution down;
    private final PlaneConvolution up;
    private final double scaling;
    private final Dropout dropout;

    private LoraConv2d(PlaneConvolution base, PlaneConvolution down, PlaneConvolution up, double scaling, Dropout dropout) {
        this.base = base;
        this.down = down;
        this.up = up;
        this.scaling = scaling;
        this.dropout = dropout;
    }

    /**
     * Beside a convolution, A drawn from U(−1/√(C/g·k_h·k_w), …) as PyTorch, loralib and PEFT draw it, B zero; both train.
     *
     * @param rank r, at least g and divisible by it
     * @throws LoraException if r does not fit
     */
    public static LoraConv2d beside(
            PlaneConvolution base, String name, int rank, double alpha, LoraScaling scaling, Dropout dropout, long seed) {
        ConvolutionShape shape = base.shape();
        Backend backend = base.weight().backend();
        int inner = base.weight().shape().dim(1) * shape.taps();
        if (rank < 1 || rank % shape.groups() != 0 || rank / shape.groups() > Math.min(inner, base.outputs() / shape.groups())) {
            throw new LoraException("`rank` " + rank + ": a convolution of " + base.outputs() + " kernels of " + inner + " numbers in "
                    + shape.groups() + " groups takes a rank that is a multiple of " + shape.groups() + ", and of each group at most "
                    + Math.min(inner, base.outputs() / shape.groups()));
        }
        Parameter a = Parameter.zeros(name + ".lora_A.weight", backend,
                Shape.of(rank, base.weight().shape().dim(1), shape.kernel().height(), shape.kernel().width()));
        Parameter b = Parameter.zeros(name + ".lora_B.weight", backend, Shape.of(base.outputs(), rank / shape.groups(), 1, 1));
        double[] values = new double[Math.toIntExact(a.size())];
        double bound = 1 / Math.sqrt(inner);
        new Philox(seed).fillUniform(values, -bound, bound, 0, Philox.site(a.name()));
        backend.upload(values, a.value());
        return new LoraConv2d(base, new PlaneConvolution(a.train(), null, shape),
                new PlaneConvolution(b.train(), null, ConvolutionShape.of(1, 1).withGroups(shape.groups())),
                scaling.of(alpha, rank), dropout);
    }

    /**
     * The base's convolution and the update beside it.
     *
     * @param x     (N, C); read, and must stay as it is until backward
     * @param y     (M, out); written
     * @param plane where x's rows stand
     */
    public void forward(Tensor x, Tensor y, Plane plane, Workspace ws) {
        base.forward(x, y, plane, ws);
        Plane made = base.shape().output(plane);
        Tensor in = x;
        if (dropout.isActive(ws)) {
            in = ws.activation(this, "x", x.rows(), x.columns());
            dropout.apply(x, in, ws);
        }
        Tensor u = ws.activation(this, "u", y.rows(), down.outputs());
        down.forward(in, u, plane, ws);
        Tensor update = ws.scratch("conv.y", y.rows(), y.columns());
        up.forward(u, update, made, ws);
        ws.backend().add(update.matrix(), y.matrix(), scaling);
    }

    /**
     * Adds up the gradients of what trains, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y (M, out); read
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    public void backward(Tensor dy, @Nullable Tensor dx, Plane plane, Workspace ws) {
        Backend backend = ws.backend();
        base.backward(dy, dx, plane, ws);
        Tensor g = ws.scratch("conv.y", dy.rows(), dy.columns());
        backend.copy(dy.matrix(), g.matrix());
        backend.scale(g, scaling);
        Tensor q = ws.scratch("conv.q", dy.rows(), down.outputs());
        up.backward(g, q, base.shape().output(plane), ws);
        Tensor branch = dx == null ? null : ws.scratch("conv.dx", dx.rows(), dx.columns());
        down.backward(q, branch, plane, ws);
        if (branch != null) {
            dropout.applyInPlace(branch, ws);
            backend.add(branch, dx);
        }
    }

    /** A plain convolution with W₀ + ΔW, in memory of its own; W₀ is not written. */
    public PlaneConvolution merged() {
        Parameter weight = base.weight();
        Backend backend = weight.backend();
        Tensor sum = backend.allocate(weight.shape());
        int rows = base.outputs() / base.shape().groups();
        int rank = down.outputs() / base.shape().groups();
        Shape kernels = Shape.of(base.outputs(), weight.shape().dim(1) * base.shape().taps());
        backend.copy(weight.value().as(kernels).matrix(), sum.as(kernels).matrix());
        Tensor a = loraA().value().as(Shape.of(down.outputs(), kernels.dim(1)));
        Tensor b = loraB().value().as(Shape.of(base.outputs(), rank));
        for (int group = 0; group < base.shape().groups(); group++) {
            backend.matmul(b.rows(group * rows, rows), a.rows(group * rank, rank), sum.as(kernels).rows(group * rows, rows), scaling, 1);
        }
        return new PlaneConvolution(new Parameter(weight.name(), backend, sum), base.bias(), base.shape());
    }

    /** A (r, C/g, k_h, k_w). */
    public Parameter loraA() {
        return down.weight();
    }

    /** B (out, r/g, 1, 1). */
    public Parameter loraB() {
        return up.weight();
    }

    /** s. */
    public double scaling() {
        return scaling;
    }

    /** The frozen convolution. */
    public PlaneConvolution base() {
        return base;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(base.parameters());
        parameters.addAll(down.parameters());
        parameters.addAll(up.parameters());
        return parameters;
    }
}
