package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Whole sequences of one length: row {@code b·length + t} of an activation (N, C) is position t of sequence b. A row sees
 * rows of its own sequence, those that the rule lets it see and that are not padding.
 *
 * @param batch     B
 * @param length    T; N = B·T
 * @param mask      (B, T), 1 for a token and 0 for padding, or null where there is no padding
 * @param positions (N), the position of each row, from 0
 * @param read      the rows that are read behind the block which is given these sequences; null for all
 */
public record Sequences(int batch, int length, @Nullable IntTensor mask, IntTensor positions, @Nullable ReadRows read)
        implements Context {

    /** All rows are read. */
    public Sequences(int batch, int length, @Nullable IntTensor mask, IntTensor positions) {
        this(batch, length, mask, positions, null);
    }

    /** The same for a model's last block, where only these rows are read behind it; null for all. */
    public Sequences reading(@Nullable ReadRows read) {
        return new Sequences(batch, length, mask, positions, read);
    }

    /** B·T. */
    public int rows() {
        return Math.multiplyExact(batch, length);
    }

    @Override
    public int rowsBehind(int rows) {
        return read == null ? rows : batch;
    }

    @Override
    public Tensor behind(Tensor x, Workspace ws) {
        return read == null ? x : read.choose(x, "read.x", ws);
    }

    @Override
    public Tensor asking(Tensor x, Workspace ws) {
        return read == null ? x : read.choose(x, "read.asking", ws);
    }

    @Override
    public void attend(AttentionRule rule, QueriesKeysValues in, Tensor y, Tensor lse, Workspace ws) {
        ws.backend().attention(attention(rule, in, ws), output(rule, y, lse));
    }

    /**
     * The gradient of {@link #attend}.
     *
     * @param y        what forward wrote; read
     * @param lse      what forward wrote; read
     * @param dy       ∂L/∂y; read
     * @param gradient ∂L/∂q, ∂L/∂k and ∂L/∂v; written
     */
    public void attendBackward(
            AttentionRule rule, QueriesKeysValues in, Tensor y, Tensor lse, Tensor dy, QueriesKeysValues gradient, Workspace ws) {
        boolean spreads = read != null && gradient.q().rows() != batch;
        MatrixView dq = !spreads ? gradient.q() : read.queryGradients(gradient.q(), ws);
        ws.backend().attentionBackward(attention(rule, in, ws), output(rule, y, lse), dy.matrix(), gradient(dq, gradient));
        if (spreads) {
            read.spread(dq, gradient.q(), ws);
        }
    }

    private static AttentionGradient gradient(MatrixView dq, QueriesKeysValues gradient) {
        RelativeScores relative = gradient.relative();
        return new AttentionGradient(dq, gradient.k(), gradient.v(), relative == null ? null : relative.keys(),
                relative == null ? null : relative.queries());
    }

    private Attention attention(AttentionRule rule, QueriesKeysValues in, Workspace ws) {
        if (read != null) {
            return new Attention(in.q().rows() == batch ? in.q() : read.queries(in.q(), ws), in.k(), in.v(), read.mask(),
                    new AttentionShape(batch, 1, length, length, rule.heads(), false), rule.dropout().mask(ws),
                    read.relative(in.relative(), length));
        }
        return new Attention(in.q(), in.k(), in.v(), mask,
                AttentionShape.self(batch, length, rule.heads(), rule.sight() == Sight.EARLIER).withWindow(rule.window()),
                rule.dropout().mask(ws), in.relative());
    }

    /** The backend wants lse by heads: (B·heads, T), or (B·heads, 1) where one row of each sequence is read. */
    private AttentionOutput output(AttentionRule rule, Tensor y, Tensor lse) {
        return new AttentionOutput(y.matrix(),
                lse == null ? null : lse.as(Shape.of(batch * rule.heads().count(), read == null ? length : 1)));
    }
}
