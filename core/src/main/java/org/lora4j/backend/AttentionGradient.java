package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.MatrixView;

/**
 * Where an attention's backward puts the gradients of what forward read.
 *
 * @param dq               as q; written
 * @param dk               as k; written in the rows that take part
 * @param dv               as v; written in the rows that take part
 * @param dRelativeKeys    as the keys of {@link RelativeScores}; written; null where it is not wanted or there are none
 * @param dRelativeQueries as its queries; written; null likewise
 */
public record AttentionGradient(
        MatrixView dq, MatrixView dk, MatrixView dv, @Nullable MatrixView dRelativeKeys, @Nullable MatrixView dRelativeQueries) {

    /** Of q, k and v alone. */
    public AttentionGradient(MatrixView dq, MatrixView dk, MatrixView dv) {
        this(dq, dk, dv, null, null);
    }
}
