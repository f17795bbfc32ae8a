package org.lora4j.blocks;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.nn.Context;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** An adapter layer (Houlsby et al. 2019): y = x + tanh(x·W₁ᵀ + b₁)·W₂ᵀ + b₂. */
final class Adapter implements Insert {

    private static final int INNER = 3;

    private final Linear down;
    private final Linear up;

    Adapter(Blocks model, String name) {
        down = new Linear(model.parameter(name + ".down.weight", 0.4, INNER, Form.WIDTH), model.parameter(name + ".down.bias", 0.4, INNER));
        up = new Linear(model.parameter(name + ".up.weight", 0.4, Form.WIDTH, INNER), model.parameter(name + ".up.bias", 0.4, Form.WIDTH));
        parameters().forEach(Parameter::train);
    }

    @Override
    public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
        Tensor f = ws.activation(this, "f", x.rows(), INNER);
        Tensor a = ws.activation(this, "a", x.rows(), INNER);
        down.forward(x, f, ws);
        ws.backend().activate(Activation.TANH, f, a);
        up.forward(a, y, ws);
        ws.backend().add(x, y);
    }

    @Override
    public void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws) {
        Tensor df = ws.scratch("adapter.df", dy.rows(), INNER);
        up.backward(dy, df, ws);
        ws.backend().activateBackward(Activation.TANH, ws.activation(this, "f", dy.rows(), INNER), df, df);
        down.backward(df, dx, ws);
        if (dx != null) {
            ws.backend().add(dy, dx);
        }
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(down.parameters());
        parameters.addAll(up.parameters());
        return parameters;
    }
}
