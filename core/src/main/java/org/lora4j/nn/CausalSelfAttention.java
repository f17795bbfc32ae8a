package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Multi-head self-attention in which a position sees itself and those before it (Vaswani et al. 2017, as GPT-2 does it):
 *
 * <pre>
 *   [q k v] = x·W_qkvᵀ + b_qkv          one fused product of width 3C, cut into views
 *   P = softmax(scale·q·kᵀ, later positions and padding hidden), for each head
 *   y = (P·v)·W_projᵀ + b_proj
 * </pre>
 *
 * <p>Backward goes through q, and through the keys and values of every earlier position that q saw. The scores are never
 * stored: forward keeps the log of each row's sum and backward recomputes P from it.
 */
public final class CausalSelfAttention implements Layer {

    private final int layer;
    private final int nHead;
    private final double scale;
    private final Dropout probabilityDropout;
    private final Slot<Projection> qkv;
    private final Slot<Projection> output;
    private final String heads;

    /**
     * @param layer              the block's number, by which a past finds its keys
     * @param nHead              number of heads; divides C
     * @param scale              what multiplies q·k
     * @param probabilityDropout on P, in training
     * @param qkv                C → 3C, the outputs in the order q, k, v
     * @param output             C → C
     */
    public CausalSelfAttention(
            int layer, int nHead, double scale, Dropout probabilityDropout, Slot<Projection> qkv,
            Slot<Projection> output) {
        this.layer = layer;
        this.nHead = nHead;
        this.scale = scale;
        this.probabilityDropout = probabilityDropout;
        this.qkv = qkv;
        this.output = output;
        heads = qkv.name().replaceFirst("[^.]*$", "heads");
    }

    /**
     * @param x    (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @param y    (N, C); written
     */
    public void forward(Tensor x, Tensor y, Sequences sequences, Workspace ws) {
        int width = x.columns();
        Tensor fused = fused(x.rows(), width, ws);
        Tensor mixed = mixed(x.rows(), width, ws);
        qkv.get().forward(x, fused, ws);
        ws.show(qkv.name(), fused);
        ws.backend().attention(attention(fused, sequences, ws),
                new AttentionOutput(mixed.matrix(), ws.training() ? logSumExp(sequences, ws) : null));
        ws.show(heads, mixed);
        output.get().forward(mixed, y, ws);
        ws.show(output.name(), y);
    }

    /**
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    public void backward(Tensor dy, @Nullable Tensor dx, Sequences sequences, Workspace ws) {
        if (dx == null && !qkv.get().trains()) {
            output.get().backward(dy, null, ws);
            return;
        }
        int rows = dy.rows();
        int width = dy.columns();
        Tensor fused = fused(rows, width, ws);
        Tensor mixed = mixed(rows, width, ws);
        Tensor mixedGradient = ws.scratch("attention.dmixed", rows, width);
        Tensor fusedGradient = ws.scratch("attention.dqkv", rows, 3 * width);
        output.get().backward(dy, mixedGradient, ws);
        ws.showGradient(heads, mixedGradient);
        ws.backend().attentionBackward(
                attention(fused, sequences, ws), new AttentionOutput(mixed.matrix(), logSumExp(sequences, ws)),
                mixedGradient.matrix(), new AttentionGradient(fusedGradient.columns(0, width),
                        fusedGradient.columns(width, width), fusedGradient.columns(2 * width, width)));
        ws.showGradient(qkv.name(), fusedGradient);
        qkv.get().backward(fusedGradient, dx, ws);
    }

    /** Forward of new positions behind the past. */
    public void forward(Tensor x, Tensor y, Past past, Workspace ws) {
        int width = x.columns();
        Tensor fused = fused(x.rows(), width, ws);
        Tensor mixed = mixed(x.rows(), width, ws);
        qkv.get().forward(x, fused, ws);
        past.attend(layer, fused.columns(0, width), fused.columns(width, width), fused.columns(2 * width, width), nHead, scale,
                mixed.matrix(), ws);
        output.get().forward(mixed, y, ws);
    }

    /** q, k and v, which backward reads. */
    private Tensor fused(int rows, int width, Workspace ws) {
        return ws.activation(this, "qkv", rows, 3 * width);
    }

    /** The heads' outputs side by side, which backward reads. */
    private Tensor mixed(int rows, int width, Workspace ws) {
        return ws.activation(this, "mixed", rows, width);
    }

    /** Of q, k and v side by side in {@code fused}. */
    private Attention attention(Tensor fused, Sequences sequences, Workspace ws) {
        int width = fused.columns() / 3;
        return new Attention(
                fused.columns(0, width), fused.columns(width, width), fused.columns(2 * width, width), sequences.mask(),
                AttentionShape.self(sequences.batch(), sequences.length(), heads(width), true),
                ws.dropout(probabilityDropout.p(), probabilityDropout.site()));
    }

    private AttentionHeads heads(int width) {
        return AttentionHeads.of(nHead, width / nHead, scale);
    }

    private Tensor logSumExp(Sequences sequences, Workspace ws) {
        Tensor byToken = ws.tensor(this, "lse", sequences.rows(), nHead);
        return byToken.as(Shape.of(sequences.batch() * nHead, sequences.length()));
    }

    /** Whether backward reads the forward's input. */
    public boolean keepsInput() {
        return qkv.get().keepsInput();
    }

    /** The fused map to q, k and v. */
    public Slot<Projection> qkv() {
        return qkv;
    }

    /** The map after the heads are put side by side. */
    public Slot<Projection> output() {
        return output;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(qkv.parameters());
        parameters.addAll(output.parameters());
        return parameters;
    }
}
