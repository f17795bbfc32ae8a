package org.lora4j.backend;

/**
 * The sizes of one masked multi-head attention. Query t of sequence b is row {@code b·queries + t} of q; key s of
 * sequence b is row {@code b·keyRows + s} of k and v; a head of size d begins at column {@code h·d}, of q and the output by
 * the head's number, of k and v by that of its key head.
 *
 * @param batch   number of sequences, B
 * @param queries queries per sequence, T_q
 * @param keys    keys per sequence that take part, T_k ≥ T_q when causal
 * @param keyRows rows from one sequence's first key to the next's, at least {@code keys}; larger in a key/value cache
 * @param causal  whether query t sees only keys s ≤ t + (keys − queries)
 */
public record AttentionShape(int batch, int queries, int keys, int keyRows, AttentionHeads heads, boolean causal) {

    public AttentionShape {
        if (keyRows < keys) {
            throw new IllegalArgumentException("keyRows " + keyRows + " is less than keys " + keys);
        }
        if (causal && keys < queries) {
            throw new IllegalArgumentException("causal attention needs at least as many keys as queries, found "
                    + keys + " keys and " + queries + " queries");
        }
    }

    /** Attention of every position of B sequences of length T to the same sequences. */
    public static AttentionShape self(int batch, int length, AttentionHeads heads, boolean causal) {
        return new AttentionShape(batch, length, length, length, heads, causal);
    }

    /** Attention of every position of B sequences of length T to the same sequences, scaled by 1/√headSize. */
    public static AttentionShape self(int batch, int length, int nHead, int headSize, boolean causal) {
        return self(batch, length, AttentionHeads.of(nHead, headSize, 1 / Math.sqrt(headSize)), causal);
    }

    /** Heads of q and the output. */
    public int nHead() {
        return heads.count();
    }

    /** Columns of one head. */
    public int headSize() {
        return heads.size();
    }

    /** What multiplies q·k. */
    public double scale() {
        return heads.scale();
    }

    /** Columns of q and the output. */
    public int width() {
        return heads.width();
    }

    /** Columns of k and v. */
    public int keyWidth() {
        return heads.keyWidth();
    }

    /** The number of keys that query t can see, before the padding mask. */
    public int visibleKeys(int query) {
        return causal ? Math.min(keys, query + 1 + keys - queries) : keys;
    }
}
