package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;

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
