package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** What {@link LoraLinear} and {@link MergedLoraLinear} have: W₀ and b, A, B, s, and dropout on the low-rank branch. */
abstract sealed class LowRankMap implements LoraProjection permits LoraLinear, MergedLoraLinear {

    final Linear base;
    final Parameter a;
    final Parameter b;
    final double alpha;
    final double scaling;
    final Dropout dropout;

    LowRankMap(Linear base, Parameter a, Parameter b, double alpha, double scaling, Dropout dropout) {
        this.base = base;
        this.a = a;
        this.b = b;
        this.alpha = alpha;
        this.scaling = scaling;
        this.dropout = dropout;
    }

    /** u's columns: r for each update. */
    final int width() {
        return a.shape().dim(0);
    }

    /**
     * The products of {@link #addUpdate}, to be computed among those of other maps: all of {@code down}, then all of {@code up}.
     *
     * @param u (N, {@link #width}); written
     */
    abstract void addUpdate(MatrixView x, MatrixView y, MatrixView u, List<MatrixProduct> down, List<MatrixProduct> up);

    @Override
    public final void addUpdate(MatrixView x, MatrixView y, @Nullable Tensor bias, Workspace ws) {
        List<MatrixProduct> down = new ArrayList<>();
        List<MatrixProduct> up = new ArrayList<>();
        addUpdate(x, y, ws.scratch("u", x.rows(), width()).matrix(), down, up);
        ws.backend().matmulAll(down);
        ws.backend().matmulAll(up);
    }

    @Override
    public Dropout dropout() {
        return dropout;
    }

    @Override
    public Linear base() {
        return base;
    }

    @Override
    public Parameter loraA() {
        return a;
    }

    @Override
    public Parameter loraB() {
        return b;
    }

    @Override
    public double alpha() {
        return alpha;
    }

    @Override
    public double scaling() {
        return scaling;
    }

    /** A's gradient reads it, and so may W₀'s. */
    @Override
    public boolean keepsInput() {
        return a.isTrainable() || base.keepsInput();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(base.parameters());
        parameters.add(a);
        parameters.add(b);
        return parameters;
    }
}
