package org.lora4j.nn;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.lora4j.tensor.Tensor;

/**
 * The block of {@link Block#preNorm}. Backward works on one buffer g. It comes in as ∂L/∂x₂, which is also what the stream
 * carries down unchanged; each norm adds its branch's share to it, and it goes out as ∂L/∂x, spread where not all rows were read:
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
        Tensor x1 = ws.tensor(this, "x1", x2.rows(), x.columns());
        Tensor b1 = attentionSum.branch(x1, ws);
        attention.norm().forward(x, n1, ws);
        Tensor a1 = inside(attention, "a1", b1, ws);
        attention.layer().forward(n1, a1, context, ws);
        normBranch(attention, a1, b1, ws);
        attentionSum.forward(b1, context.behind(x, ws), x1, context, ws);

        Tensor n2 = input("n2", feedForward.layer().keepsInput(), x2, ws);
        Tensor b2 = feedForwardSum.branch(x2, ws);
        feedForward.norm().forward(x1, n2, ws);
        Tensor a2 = inside(feedForward, "a2", b2, ws);
        feedForward.layer().forward(n2, a2, ws);
        normBranch(feedForward, a2, b2, ws);
        feedForwardSum.forward(b2, x1, x2, context, ws);
    }

    @Override
    void back(Tensor g, Tensor dx, boolean needInput, Sequences sequences, Workspace ws) {
        boolean belowAttention = needInput || attention.norm().trains();
        boolean belowAttentionSum = belowAttention || attention.trains();
        boolean belowFeedForward = belowAttentionSum || attentionSum.trains() || feedForward.norm().trains();
        boolean belowFeedForwardSum = belowFeedForward || feedForward.trains();
        Tensor dn = ws.scratch("dn", g.rows(), g.columns());

        Tensor db2 = feedForwardSum.backward(g, belowFeedForwardSum, sequences, ws);
        if (db2 == null) {
            return;
        }
        Tensor da2 = throughNorm(feedForward, db2, ws);
        feedForward.layer().backward(da2, belowFeedForward ? dn : null, ws);
        if (!belowFeedForward) {
            return;
        }
        feedForward.norm().backward(dn, g, ws);

        Tensor db1 = attentionSum.backward(g, belowAttentionSum, sequences, ws);
        if (db1 == null) {
            return;
        }
        Tensor da1 = throughNorm(attention, db1, ws);
        Tensor dn1 = dx == g ? dn : ws.scratch("dn", dx.rows(), dx.columns());
        attention.layer().backward(da1, belowAttention ? dn1 : null, sequences, ws);
        if (belowAttention) {
            if (dx != g) {
                ws.backend().fill(dx, 0);
                addBelow(g, dx, sequences, ws);
            }
            attention.norm().backward(dn1, dx, ws);
        }
    }

    /** Where a layer writes: the branch itself, unless a norm stands between. */
    private Tensor inside(Sublayer<?> half, String name, Tensor branch, Workspace ws) {
        return half.after() == null ? branch : ws.activation(this, name, branch.rows(), branch.columns());
    }

    private static void normBranch(Sublayer<?> half, Tensor inside, Tensor branch, Workspace ws) {
        if (half.after() != null) {
            half.after().forward(inside, branch, ws);
        }
    }

    /** From the derivative by the branch to that by what the layer gave. */
    private static Tensor throughNorm(Sublayer<?> half, Tensor dBranch, Workspace ws) {
        if (half.after() == null) {
            return dBranch;
        }
        Tensor inside = ws.scratch("dinside", dBranch.rows(), dBranch.columns());
        ws.backend().fill(inside, 0); // a norm adds
        half.after().backward(dBranch, inside, ws);
        return inside;
    }

    @Override
    List<Layer> layers() {
        return Stream.of(attention.norm(), attention.layer(), attention.after(), feedForward.norm(), feedForward.layer(),
                feedForward.after()).filter(Objects::nonNull).map(Layer.class::cast).toList();
    }
}
