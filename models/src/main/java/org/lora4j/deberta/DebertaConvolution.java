package org.lora4j.deberta;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
import org.lora4j.nn.Convolution;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.PaddingRows;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * The convolution of the embeddings that joins the stream behind the first block:
 *
 * <pre>
 *   f = dropout(mask·conv(x₀))      s = x₁ + act(f)      y = mask·LayerNorm(s)          all (N, C); mask 0 for padding
 *
 *   ∂L/∂x₁ = ∂L/∂s = LayerNorm′(mask·g)      ∂L/∂x₀ += conv′(mask·dropout(∂L/∂s ⊙ act′(f)))
 * </pre>
 */
final class DebertaConvolution implements Layer {

    private static final String NAME = DebertaNames.CONVOLUTION;

    private final Convolution convolution;
    private final Normalisation norm;
    private final Activation activation;
    private final Dropout dropout;

    DebertaConvolution(DebertaConfig.Convolved choice, double epsilon, Function<String, Parameter> parameter, double p) {
        convolution = new Convolution(parameter.apply(NAME + ".weight"), parameter.apply(NAME + ".bias"), choice.groups());
        norm = Normalisation.layer(parameter.apply(DebertaNames.CONVOLUTION_NORM + ".weight"),
                parameter.apply(DebertaNames.CONVOLUTION_NORM + ".bias"), epsilon);
        activation = choice.activation();
        dropout = new Dropout(p, Philox.site(DebertaNames.PREFIX + "encoder.conv.dropout"));
    }

    /**
     * @param x0 the embeddings; read
     * @param x1 what the first block gave; read
     * @return y, in memory of this layer
     */
    Tensor forward(Tensor x0, Tensor x1, Sequences sequences, @Nullable PaddingRows padding, Workspace ws) {
        Tensor f = hidden(x0.rows(), x0.columns(), ws);
        convolution.forward(x0, f, sequences, ws);
        if (padding != null) {
            padding.clear(f, ws);
        }
        dropout.applyInPlace(f, ws);
        Tensor s = ws.tensor(this, "s", x0.rows(), x0.columns());
        ws.backend().activate(activation, f, s);
        ws.backend().add(x1, s);
        Tensor y = ws.tensor(this, "y", x0.rows(), x0.columns());
        norm.forward(s, y, ws);
        if (padding != null) {
            padding.clear(y, ws);
        }
        return y;
    }

    /**
     * @param g         ∂L/∂y; becomes ∂L/∂x₁
     * @param needInput whether anything below trains
     * @return ∂L/∂x₀, as far as it comes from here, in memory of this layer; null where it is not needed
     */
    @Nullable Tensor backward(Tensor g, boolean needInput, Sequences sequences, @Nullable PaddingRows padding, Workspace ws) {
        if (padding != null) {
            padding.clear(g, ws);
        }
        Tensor ds = ws.scratch("dsum", g.rows(), g.columns());
        ws.backend().fill(ds, 0); // a norm adds
        norm.backward(g, ds, ws);
        ws.backend().copy(ds.matrix(), g.matrix());
        if (!needInput && !convolution.trains()) {
            return null;
        }
        ws.backend().activateBackward(activation, hidden(g.rows(), g.columns(), ws), ds, ds);
        dropout.applyInPlace(ds, ws);
        if (padding != null) {
            padding.clear(ds, ws);
        }
        Tensor dx0 = needInput ? ws.tensor(this, "dx0", g.rows(), g.columns()) : null;
        convolution.backward(ds, dx0, sequences, ws);
        return dx0;
    }

    /** f, which backward reads. */
    private Tensor hidden(int rows, int columns, Workspace ws) {
        return ws.tensor(this, "f", rows, columns);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(convolution.parameters());
        parameters.addAll(norm.parameters());
        return parameters;
    }
}
