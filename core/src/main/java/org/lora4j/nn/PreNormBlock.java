package org.lora4j.nn;

import java.util.List;
import org.lora4j.tensor.Tensor;

/**
 * The block of {@link Block#preNorm}. Backward works on one buffer g. It comes in as ∂L/∂x₂, which is also what the stream
 * carries down unchanged; each norm adds its branch's share to it, and it goes out as ∂L/∂x:
 *
 * <pre>
 *   ∂L/∂x₁ = g + norm₂′(feedForward′(g))      ∂L/∂x = ∂L/∂x₁ + norm₁′(attention′(∂L/∂x₁))
 * </pre>
 */
final class PreNormBlock extends Block {

    PreNormBlock(String name, Sublayer<SelfAttention> attention, Sublayer<FeedForward> feedForward) {
        super(name, attention, feedForward);
    }

    @Override
    void through(Tensor x, Tensor x2, Context context, Workspace ws) {
        Tensor n1 = input("n1", attention.layer().keepsInput(), x, ws);
        Tensor x1 = ws.tensor(this, "x1", x.rows(), x.columns());
        Tensor b1 = attentionSum.branch(x1, ws);
        attention.norm().forward(x, n1, ws);
        attention.layer().forward(n1, b1, context, ws);
        attentionSum.forward(b1, x, x1, context, ws);

        Tensor n2 = input("n2", feedForward.layer().keepsInput(), x, ws);
        Tensor b2 = feedForwardSum.branch(x2, ws);
        feedForward.norm().forward(x1, n2, ws);
        feedForward.layer().forward(n2, b2, ws);
        feedForwardSum.forward(b2, x1, x2, context, ws);
    }

    @Override
    void back(Tensor g, boolean needInput, Sequences sequences, Workspace ws) {
        boolean belowAttention = needInput || attention.norm().trains();
        boolean belowAttentionSum = belowAttention || attention.layer().trains();
        boolean belowFeedForward = belowAttentionSum || attentionSum.trains() || feedForward.norm().trains();
        boolean belowFeedForwardSum = belowFeedForward || feedForward.layer().trains();
        Tensor dn = ws.scratch("dn", g.rows(), g.columns());

        Tensor db2 = feedForwardSum.backward(g, belowFeedForwardSum, sequences, ws);
        if (db2 == null) {
            return;
        }
        feedForward.layer().backward(db2, belowFeedForward ? dn : null, ws);
        if (!belowFeedForward) {
            return;
        }
        feedForward.norm().backward(dn, g, ws);

        Tensor db1 = attentionSum.backward(g, belowAttentionSum, sequences, ws);
        if (db1 == null) {
            return;
        }
        attention.layer().backward(db1, belowAttention ? dn : null, sequences, ws);
        if (belowAttention) {
            attention.norm().backward(dn, g, ws);
        }
    }

    @Override
    List<Layer> layers() {
        return List.of(attention.norm(), attention.layer(), feedForward.norm(), feedForward.layer());
    }
}
