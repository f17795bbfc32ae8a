package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;

/**
 * What attention's scores get from how far apart query and key are, as disentangled attention (He et al. 2021) wants it.
 * With δ for the row of a distance, query t of a head and key s have
 *
 * <pre>
 *   S[t, s] = scale·(q[t]·k[s] + q[t]·keys[δ(t − s)] + queries[δ(t − s)]·k[s])
 * </pre>
 *
 * <p>Only these P rows are kept, for all sequences; the scores of (batch·nHead, queries, keys) are never stored.
 *
 * @param keys    (P, width), the part of each head in the columns of that head; null where the first of the two terms is left out
 * @param queries (P, width), likewise; null where the second one is left out
 * @param rows    (queries + keys − 1), each in 0 … P − 1: δ(t − s) is at t − s + keys − 1
 */
public record RelativeScores(@Nullable MatrixView keys, @Nullable MatrixView queries, IntTensor rows) {

    /** Requires keys, queries or both. */
    public RelativeScores {
        if (keys == null && queries == null) {
            throw new IllegalArgumentException("relative scores have keys, queries or both: expected one of them at least");
        }
    }

    /** P. */
    public int count() {
        return keys != null ? keys.rows() : queries.rows();
    }
}
