package org.lora4j.nn;

import java.util.List;
import org.lora4j.tensor.Tensor;

/**
 * The block of {@link Block#postNorm}. With s₁ and s₂ for the sums that go into the norms:
 *
 * <pre>
 *   ∂L/∂s₂ = norm₂′(g)             ∂L/∂x₁ = ∂L/∂s₂ + feedForward′(∂L/∂s₂)
 *   ∂L/∂s₁ = norm₁′(∂L/∂x₁)        ∂L/∂x = ∂L/∂s₁ + attention′(∂L/∂s₁)
 * </pre>
 */
final class PostNormBlock extends Block {

    PostNormBlock(String name, Sublayer<SelfAttention> attention, Sublayer<FeedForward> feedForward) {
        super(name, attention, feedForward);
        if (attention.after() != null || feedForward.after() != null) {
            throw new IllegalArgumentException(name + ": a norm on the branch as well, where norms stand behind the sums");
        }
    }

    @Override
    void through(Tensor x, Tensor x2, Context context, Workspace ws) {
        Tensor s1 = ws.activation(this, "s1", x2.rows(), x.columns());
        Tensor b1 = attentionSum.branch(s1, ws);
        attention.layer().forward(x, b1, context, ws);
        attentionSum.forward(b1, context.behind(x, ws), s1, context, ws);
        Tensor x1 = input("x1", feedForward.layer().keepsInput(), x2, ws);
        attention.norm().forward(s1, x1, ws);

        Tensor s2 = ws.activation(this, "s2", x2.rows(), x.columns());
        Tensor b2 = feedForwardSum.branch(s2, ws);
        feedForward.layer().forward(x1, b2, ws);
        feedForwardSum.forward(b2, x1, s2, context, ws);
        feedForward.norm().forward(s2, x2, ws);
    }

    @Override
    void again(Tensor x2, Workspace ws) {
        feedForward.norm().again(ws.activation(this, "s2", x2.rows(), x2.columns()), x2, ws);
    }

    @Override
    void back(Tensor g, Tensor dx, boolean needInput, Sequences sequences, Workspace ws) {
        boolean belowAttentionSum = needInput || attention.layer().trains();
        boolean belowNorm1 = belowAttentionSum || attentionSum.trains();
        boolean belowFeedForward = belowNorm1 || attention.norm().trains();
        boolean belowFeedForwardSum = belowFeedForward || feedForward.layer().trains();
        Tensor ds = ws.scratch("dsum", g.rows(), g.columns());

        ws.backend().fill(ds, 0); // a norm adds
        feedForward.norm().backward(g, ds, ws);
        Tensor db2 = feedForwardSum.backward(ds, belowFeedForwardSum, sequences, ws);
        if (db2 == null) {
            return;
        }
        feedForward.layer().backward(db2, belowFeedForward ? g : null, ws);
        if (!belowFeedForward) {
            return;
        }
        ws.backend().add(ds, g);

        ws.backend().fill(ds, 0);
        attention.norm().backward(g, ds, ws);
        if (!belowNorm1) {
            return;
        }
        Tensor db1 = attentionSum.backward(ds, belowAttentionSum, sequences, ws);
        if (db1 == null) {
            return;
        }
        attention.layer().backward(db1, needInput ? dx : null, sequences, ws);
        if (needInput) {
            addBelow(ds, dx, sequences, ws);
        }
    }

    @Override
    List<Layer> layers() {
        return List.of(attention.layer(), attention.norm(), feedForward.layer(), feedForward.norm());
    }
}
