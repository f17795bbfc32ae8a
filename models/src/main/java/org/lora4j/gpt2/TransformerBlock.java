package org.lora4j.gpt2;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.nn.CausalSelfAttention;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.Layer;
import org.lora4j.nn.LayerNorm;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * One pre-norm block of GPT-2:
 *
 * <pre>
 *   x₁ = x + dropout(attention(LayerNorm₁(x)))
 *   x₂ = x₁ + dropout(mlp(LayerNorm₂(x₁)))          all (N, C)
 * </pre>
 *
 * <p>Backward works on one buffer g. It comes in as ∂L/∂x₂, which is also what the residual connections carry down
 * unchanged; each LayerNorm adds its branch's share to it, and it goes out as ∂L/∂x.
 */
final class TransformerBlock implements Layer {

    private final String attentionSum;
    private final String mlpSum;
    private final LayerNorm norm1;
    private final CausalSelfAttention attention;
    private final Dropout attentionDropout;
    private final LayerNorm norm2;
    private final FeedForward mlp;
    private final Dropout mlpDropout;

    /** @param name as Hugging Face writes it, such as {@code transformer.h.0} */
    TransformerBlock(
            String name, LayerNorm norm1, CausalSelfAttention attention, Dropout attentionDropout, LayerNorm norm2,
            FeedForward mlp, Dropout mlpDropout) {
        attentionSum = name + ".attn.residual";
        mlpSum = name + ".mlp.residual";
        this.norm1 = norm1;
        this.attention = attention;
        this.attentionDropout = attentionDropout;
        this.norm2 = norm2;
        this.mlp = mlp;
        this.mlpDropout = mlpDropout;
    }

    /**
     * @param x (N, C); read, and must stay as it is until backward
     * @return x₂ (N, C), in memory of this block
     */
    Tensor forward(Tensor x, Sequences sequences, Workspace ws) {
        Tensor x2 = output(x, ws);
        if (ws.training()) {
            ws.keepInput(this, x);
        }
        ws.enter(this);
        Tensor n1 = normed1(x, ws);
        Tensor x1 = ws.tensor(this, "x1", x.rows(), x.columns());
        norm1.forward(x, n1, ws);
        attention.forward(n1, x1, sequences, ws);
        finish(x, x1, x2, ws);
        ws.leave();
        return x2;
    }

    /** Forward of new positions behind the past. */
    Tensor forward(Tensor x, Past past, Workspace ws) {
        Tensor x2 = output(x, ws);
        Tensor n1 = normed1(x, ws);
        Tensor x1 = ws.tensor(this, "x1", x.rows(), x.columns());
        norm1.forward(x, n1, ws);
        attention.forward(n1, x1, past, ws);
        finish(x, x1, x2, ws);
        return x2;
    }

    /** Where the block's output goes: the next block's input, so never memory that blocks share. */
    private Tensor output(Tensor x, Workspace ws) {
        return ws.tensor(this, "x2", x.rows(), x.columns());
    }

    /** From the attention's output in x1 to the block's in x2. */
    private void finish(Tensor x, Tensor x1, Tensor x2, Workspace ws) {
        attentionDropout.applyInPlace(x1, ws);
        ws.backend().add(x, x1);
        ws.show(attentionSum, x1);

        Tensor n2 = normed2(x, ws);
        norm2.forward(x1, n2, ws);
        mlp.forward(n2, x2, ws);
        mlpDropout.applyInPlace(x2, ws);
        ws.backend().add(x1, x2);
        ws.show(mlpSum, x2);
    }

    /**
     * @param g         ∂L/∂x₂ (N, C); becomes ∂L/∂x, as far as that is needed
     * @param needInput whether anything below this block trains; if not, g's content is undefined afterwards
     */
    void backward(Tensor g, boolean needInput, Sequences sequences, Workspace ws) {
        boolean belowAttention = needInput || norm1.trains();
        boolean belowMlp = belowAttention || attention.trains() || norm2.trains();
        if (!ws.holds(this)) {
            forward(ws.keptInput(this), sequences, ws);
        }
        Tensor dn = ws.scratch("dn", g.rows(), g.columns());
        ws.showGradient(mlpSum, g);

        mlp.backward(dropped(g, mlpDropout, ws), belowMlp ? dn : null, ws);
        if (!belowMlp) {
            return;
        }
        norm2.backward(dn, g, ws);
        ws.showGradient(attentionSum, g);

        attention.backward(dropped(g, attentionDropout, ws), belowAttention ? dn : null, sequences, ws);
        if (belowAttention) {
            norm1.backward(dn, g, ws);
        }
    }

    /** The gradient of a branch's output: g through its dropout, g itself where there is none. */
    private static Tensor dropped(Tensor g, Dropout dropout, Workspace ws) {
        if (!dropout.isActive(ws)) {
            return g;
        }
        Tensor branch = ws.scratch("dbranch", g.rows(), g.columns());
        dropout.apply(g, branch, ws);
        return branch;
    }

    private Tensor normed1(Tensor x, Workspace ws) {
        return attention.keepsInput()
                ? ws.activation(this, "n1", x.rows(), x.columns())
                : ws.scratch("n", x.rows(), x.columns());
    }

    private Tensor normed2(Tensor x, Workspace ws) {
        return mlp.keepsInput()
                ? ws.activation(this, "n2", x.rows(), x.columns())
                : ws.scratch("n", x.rows(), x.columns());
    }

    CausalSelfAttention attention() {
        return attention;
    }

    FeedForward mlp() {
        return mlp;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(norm1.parameters());
        parameters.addAll(attention.parameters());
        parameters.addAll(norm2.parameters());
        parameters.addAll(mlp.parameters());
        return parameters;
    }
}
