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
 * @param window  how many keys at most a query sees, the last ones up to its own, where causal; {@link #NO_WINDOW} for all
 */
public record AttentionShape(
        int batch, int queries, int keys, int keyRows, AttentionHeads heads, boolean causal, int window) {

    /** The window of a query that sees all keys up to its own. */
    public static final int NO_WINDOW = Integer.MAX_VALUE;

    /** Requires a positive window, which only causal attention has, and rows for all keys. */
    public AttentionShape {
        if (window < 1 || window != NO_WINDOW && !causal) {
            throw new IllegalArgumentException("a window of " + window + " keys, " + (causal ? "" : "not ")
                    + "causal: expected a positive number, and causal attention");
        }
        if (keyRows < keys) {
            throw new IllegalArgumentException("keyRows " + keyRows + " is less than keys " + keys);
        }
        if (causal && keys < queries) {
            throw new IllegalArgumentException("causal attention needs at least as many keys as queries, found "
                    + keys + " keys and " + queries + " queries");
        }
    }

    /** Without a window. */
    public AttentionShape(int batch, int queries, int keys, int keyRows, AttentionHeads heads, boolean causal) {
        this(batch, queries, keys, keyRows, heads, causal, NO_WINDOW);
    }

    /** The same with a window, or {@link #NO_WINDOW}. */
    public AttentionShape withWindow(int window) {
        return new AttentionShape(batch, queries, keys, keyRows, heads, causal, window);
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

    /** What scores stay below, softly; 0 for none. */
    public double cap() {
        return heads.cap();
    }

    /** Columns of q and the output. */
    public int width() {
        return heads.width();
    }

    /** Columns of k and v. */
    public int keyWidth() {
        return heads.keyWidth();
    }

    /** The first key that query t can see. */
    public int firstKey(int query) {
        return Math.max(0, query + 1 + keys - queries - window);
    }

    /** The key behind the last one that query t can see; without a window, how many it sees before the padding mask. */
    public int visibleKeys(int query) {
        return causal ? Math.min(keys, query + 1 + keys - queries) : keys;
    }
}
