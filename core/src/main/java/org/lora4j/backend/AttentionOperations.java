package org.lora4j.backend;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Attention on a {@link Backend}: its forward and its gradient, and the form that decoding wants. */
public interface AttentionOperations extends TensorMemory, EmbeddingOperations {

    /**
     * Masked multi-head attention (Vaswani et al. 2017), for each sequence and head:
     *
     * <pre>
     *   S = scale·q·kᵀ, and −∞ where the causal or the padding mask hides the key
     *   P = softmax over keys of S      y = dropout(P)·v      lse = log Σ exp S
     * </pre>
     *
     * <p>A query that sees no key at all (in the padding on the left) gets y = 0 and lse = −∞. Dropout's element of
     * sequence b, head h, query t, key s is ((b·nHead + h)·queries + t)·keys + s.
     *
     * @param q    (batch·queries, width); read
     * @param k    (batch·keyRows, width); read
     * @param v    (batch·keyRows, width); read
     * @param mask (batch, keys), 1 for a key that may be seen and 0 for padding; null if all may
     * @param y    (batch·queries, width); written
     * @param lse  (batch·nHead, queries); written, for backward; null if there will be none
     */
    void attention(
            MatrixView q, MatrixView k, MatrixView v, IntTensor mask, AttentionShape shape, DropoutMask dropout,
            MatrixView y, Tensor lse);

    /**
     * The gradient of {@link #attention}, recomputing P = exp(S − lse) instead of storing it. With M the dropout mask
     * and its factor, and D = Σ over features of dy ⊙ y:
     *
     * <pre>
     *   dv = (P ⊙ M)ᵀ·dy      dS = P ⊙ (M ⊙ (dy·vᵀ) − D)      dq = scale·dS·k      dk = scale·dSᵀ·q
     * </pre>
     *
     * @param dy ∂L/∂y; read
     * @param y  what forward wrote; read
     * @param dq as q; written
     * @param dk as k; written in the rows that take part
     * @param dv as v; written in the rows that take part
     */
    void attentionBackward(
            MatrixView dy, MatrixView q, MatrixView k, MatrixView v, MatrixView y, Tensor lse, IntTensor mask,
            AttentionShape shape, DropoutMask dropout, MatrixView dq, MatrixView dk, MatrixView dv);

    /**
     * Attention of single queries to keys that lie anywhere, each query with a list of rows of its own. It is what decoding
     * wants where sequences share their beginning or branch off from one another: they name the same rows, and none is
     * copied. For each query n and head:
     *
     * <pre>
     *   S[s] = scale·q·k[rows[n, s]], and −∞ where the mask hides it      P = softmax over s of S      y = Σ P[s]·v[rows[n, s]]
     * </pre>
     *
     * <p>A query whose keys are all hidden gets y = 0. A query's y depends on its own keys only, not on how many there are
     * of either in the call: on {@code cpu} not by a bit. A backend without a kernel for it inherits this one, which
     * gathers the rows first.
     *
     * @param q     (N, width); read
     * @param k     (R, width); read in the rows named
     * @param v     (R, width); read in the rows named
     * @param rows  (N, S), each in 0 … R − 1, those of hidden keys too; read
     * @param mask  (N, S), 1 for a key that may be seen and 0 for one that is hidden; null if all may
     * @param nHead number of heads, divides the width
     * @param scale what multiplies q·k
     * @param y     (N, width); written
     * @throws IndexOutOfBoundsException if a row is outside k and v
     */
    default void gatheredAttention(
            MatrixView q, Tensor k, Tensor v, IntTensor rows, IntTensor mask, int nHead, double scale, MatrixView y) {
        Checks.gatheredAttention(q, k, v, rows, mask, nHead, y);
        if (rows.size() == 0) {
            return;
        }
        int keys = rows.size() / q.rows();
        Tensor gatheredKeys = allocate(Shape.of(rows.size(), q.columns()));
        Tensor gatheredValues = allocate(Shape.of(rows.size(), q.columns()));
        gatherRows(k, rows, gatheredKeys, 0);
        gatherRows(v, rows, gatheredValues, 0);
        attention(q, gatheredKeys.matrix(), gatheredValues.matrix(), mask,
                new AttentionShape(q.rows(), 1, keys, keys, nHead, q.columns() / nHead, scale, false), DropoutMask.NONE, y,
                null);
    }
}
