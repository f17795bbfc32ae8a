package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Attention on a {@link Backend}: its forward and its gradient, and the form that decoding wants. */
public interface AttentionOperations extends TensorMemory, EmbeddingOperations {

    /**
     * Masked multi-head attention (Vaswani et al. 2017), for each sequence and head, with the key head that is the head's:
     *
     * <pre>
     *   S = scale·q·kᵀ, and −∞ where the causal mask, the window or the padding mask hides the key
     *   P = softmax over keys of S      y = dropout(P)·v      lse = log Σ exp S
     * </pre>
     *
     * <p>Where there are {@link RelativeScores}, with k̂ and q̂ for their rows, scale·(q·k̂[δ] + q̂[δ]·k) is added to S.
     *
     * <p>Where the heads have a cap, S ← cap·tanh(S/cap) before anything is hidden.
     *
     * <p>A query that sees no key at all (in the padding on the left) gets y = 0 and lse = −∞. A score that is NaN makes its
     * query's y NaN. Dropout's element of sequence b, head h, query t, key s is ((b·nHead + h)·queries + t)·keys + s.
     *
     * @param in  read
     * @param out written; its lse may be null
     */
    void attention(Attention in, AttentionOutput out);

    /**
     * The gradient of {@link #attention}, recomputing P = exp(S − lse) instead of storing it. With M the dropout mask
     * and its factor, and D = Σ over features of dy ⊙ y:
     *
     * <pre>
     *   dv = (P ⊙ M)ᵀ·dy      dS = P ⊙ (M ⊙ (dy·vᵀ) − D)      dq = scale·dS·k      dk = scale·dSᵀ·q
     * </pre>
     *
     * <p>Where the heads have a cap, dS ← dS ⊙ (1 − (S/cap)²) before the last two, S being the score below the cap.
     *
     * <p>Where heads share a key head, its dk and dv are the sums over them. With {@link RelativeScores}, and sums over all
     * sequences and all pairs t, s for the last two:
     *
     * <pre>
     *   dq[t] += scale·Σₛ dS[t, s]·k̂[δ(t − s)]                        dk[s] += scale·Σₜ dS[t, s]·q̂[δ(t − s)]
     *   dk̂[p] = scale·Σ over δ(t − s) = p of dS[t, s]·q[t]            dq̂[p] = scale·Σ over δ(t − s) = p of dS[t, s]·k[s]
     * </pre>
     *
     * @param in       as in forward; read
     * @param out      what forward wrote; read
     * @param dy       ∂L/∂y; read
     * @param gradient written
     */
    void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient);

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
     * gathers the rows first and has no window.
     *
     * @param q    (N, width); read
     * @param keys k and v are read in the rows named
     * @param y    (N, width); written
     * @throws IndexOutOfBoundsException if a row is outside k and v
     */
    default void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        Checks.gatheredAttention(q, keys, heads, y);
        if (keys.window() != AttentionShape.NO_WINDOW) {
            throw new IllegalArgumentException(name() + " gathers rows first, and has no window of " + keys.window());
        }
        int count = keys.rows().size();
        if (count == 0) {
            return;
        }
        int each = count / q.rows();
        Tensor k = allocate(Shape.of(count, heads.keyWidth()));
        Tensor v = allocate(Shape.of(count, heads.keyWidth()));
        gatherRows(keys.k(), keys.rows(), k, 0);
        gatherRows(keys.v(), keys.rows(), v, 0);
        AttentionShape shape = new AttentionShape(q.rows(), 1, each, each, heads, false);
        attention(Attention.of(q, k.matrix(), v.matrix(), shape).withMask(keys.mask()), new AttentionOutput(y, null));
    }
}
