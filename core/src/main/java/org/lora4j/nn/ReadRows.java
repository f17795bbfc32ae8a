package org.lora4j.nn;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * One row of each sequence, where the rest of a model reads no other: then its last block asks all rows for keys and values,
 * but only these for what they see, and everything behind is computed for them alone:
 *
 * <pre>
 *   c[b] = x[rows[b]]          x: (B·T, C)   c: (B, C)          ∂L/∂x[rows[b]] = ∂L/∂c[b], and 0 elsewhere
 * </pre>
 *
 * <p>Their values are those that a block which computes all rows would give, but for the order of sums. Dropout counts the
 * elements that there are, so it drops others than in a block of all rows.
 */
public final class ReadRows {

    private final int[] onHost;
    private final IntTensor rows;
    private final @Nullable IntTensor mask;

    private ReadRows(int[] onHost, IntTensor rows, @Nullable IntTensor mask) {
        this.onHost = onHost;
        this.rows = rows;
        this.mask = mask;
    }

    /**
     * Rows of a pass, laid out on its backend; to be made before the first block's forward.
     *
     * @param rows the number of each sequence's row in the pass
     * @param rule what they may see in the block that is to compute them alone
     * @param mask (B·T) as {@link Sequences#mask}; null for none
     */
    public static ReadRows of(int[] rows, AttentionRule rule, Sequences sequences, int @Nullable [] mask, Workspace ws) {
        ws.expectRows(rows.length);
        IntTensor visible = rule.sight() == Sight.ALL ? sequences.mask()
                : ws.ints(ReadRows.class, "mask", visible(rows, rule, sequences.length(), mask))
                        .as(Shape.of(rows.length, sequences.length()));
        return new ReadRows(rows.clone(), ws.ints(ReadRows.class, "rows", rows), visible);
    }

    /** 1 where the row of a sequence sees a key: what a causal mask would say, and a window. */
    private static int[] visible(int[] rows, AttentionRule rule, int length, int @Nullable [] mask) {
        int[] visible = new int[rows.length * length];
        for (int b = 0; b < rows.length; b++) {
            int position = rows[b] - b * length;
            int from = rule.window() == AttentionShape.NO_WINDOW ? 0 : Math.max(0, position + 1 - rule.window());
            for (int s = from; s <= position; s++) {
                visible[b * length + s] = mask == null || mask[b * length + s] != 0 ? 1 : 0;
            }
        }
        return visible;
    }

    /** (B), the row of each sequence. */
    public IntTensor rows() {
        return rows;
    }

    /** (B, T), the keys that each may see; null for all. */
    @Nullable IntTensor mask() {
        return mask;
    }

    /** c of x, in scratch memory of this name. */
    Tensor choose(Tensor x, String name, Workspace ws) {
        Tensor chosen = ws.scratch(name, onHost.length, x.columns());
        ws.backend().gatherRows(x, rows, chosen, 0);
        return chosen;
    }

    /** The rows of queries, which may stand beside keys and values in one tensor; in scratch memory. */
    MatrixView queries(MatrixView q, Workspace ws) {
        return besideOthers(choose(q.tensor(), "read.q", ws), q);
    }

    /** Scratch memory for the gradients of these queries; 0 beside them. All rows of dq become 0. */
    MatrixView queryGradients(MatrixView dq, Workspace ws) {
        ws.backend().fill(dq.tensor(), 0);
        Tensor these = ws.scratch("read.dq", onHost.length, dq.tensor().columns());
        ws.backend().fill(these, 0);
        return besideOthers(these, dq);
    }

    /** Adds what {@link #queryGradients} got to these rows of dq. */
    void spread(MatrixView these, MatrixView dq, Workspace ws) {
        ws.backend().scatterAddRows(these.tensor(), rows, dq.tensor());
    }

    /** The columns that q has of its tensor. */
    private static MatrixView besideOthers(Tensor rows, MatrixView q) {
        return rows.columns((int) (q.offset() % q.rowStride()), q.columns());
    }

    /** Distances from the first position, which is where the rows must be: δ(0 − s) at T − 1 − s. */
    @Nullable RelativeScores relative(@Nullable RelativeScores relative, int length) {
        if (relative == null) {
            return null;
        }
        if (!Arrays.equals(onHost, first(onHost.length, length))) {
            throw new IllegalStateException("distances from rows that are not the first of their sequences");
        }
        return new RelativeScores(relative.keys(), relative.queries(), relative.rows().as(Shape.of(length)));
    }

    private static int[] first(int batch, int length) {
        int[] rows = new int[batch];
        Arrays.setAll(rows, b -> b * length);
        return rows;
    }
}
