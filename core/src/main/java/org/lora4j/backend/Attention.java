package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;

/**
 * What an attention reads; {@link AttentionShape} says which row and column is which.
 *
 * @param q        (batch·queries, width)
 * @param k        (batch·keyRows, keyWidth)
 * @param v        (batch·keyRows, keyWidth)
 * @param mask     (batch, keys), 1 for a key that may be seen and 0 for padding; null if all may
 * @param relative what distances add to the scores; null for nothing
 */
public record Attention(
        MatrixView q, MatrixView k, MatrixView v, @Nullable IntTensor mask, AttentionShape shape, DropoutMask dropout,
        @Nullable RelativeScores relative) {

    /** Scores are scale·q·kᵀ and no more. */
    public Attention(
            MatrixView q, MatrixView k, MatrixView v, @Nullable IntTensor mask, AttentionShape shape, DropoutMask dropout) {
        this(q, k, v, mask, shape, dropout, null);
    }

    /** All keys may be seen, and nothing is dropped. */
    public static Attention of(MatrixView q, MatrixView k, MatrixView v, AttentionShape shape) {
        return new Attention(q, k, v, null, shape, DropoutMask.NONE, null);
    }

    /** The same with a padding mask, or null for none. */
    public Attention withMask(@Nullable IntTensor mask) {
        return new Attention(q, k, v, mask, shape, dropout, relative);
    }

    /** The same with dropout of the weights. */
    public Attention withDropout(DropoutMask dropout) {
        return new Attention(q, k, v, mask, shape, dropout, relative);
    }

    /** The same with scores that depend on distances too, or null for none. */
    public Attention withRelative(@Nullable RelativeScores relative) {
        return new Attention(q, k, v, mask, shape, dropout, relative);
    }
}
