package org.lora4j.backend;

/**
 * The heads of an attention. With fewer key heads than heads, neighbouring heads share one (Ainslie et al. 2023): head h
 * looks at key head ⌊h/group⌋, group = count/keyHeads.
 *
 * @param count    heads of q and of the output
 * @param keyHeads heads of k and v; divides count
 * @param size     columns of one head
 * @param scale    what multiplies q·k, usually 1/√size
 * @param cap      what scores stay below, softly: s ← cap·tanh(s/cap), as in Gemma 2; 0 for none
 */
public record AttentionHeads(int count, int keyHeads, int size, double scale, double cap) {

    /** Requires positive numbers, and key heads that divide the heads. */
    public AttentionHeads {
        if (count < 1 || keyHeads < 1 || size < 1 || count % keyHeads != 0) {
            throw new IllegalArgumentException(count + " heads of " + size + " columns and " + keyHeads
                    + " key heads: expected positive numbers, and key heads that divide the heads");
        }
        if (!(cap >= 0)) {
            throw new IllegalArgumentException("scores that stay below " + cap + ": expected a positive number, or 0 for none");
        }
    }

    /** Without a cap. */
    public AttentionHeads(int count, int keyHeads, int size, double scale) {
        this(count, keyHeads, size, scale, 0);
    }

    /** The same with a cap, or 0. */
    public AttentionHeads withCap(double cap) {
        return new AttentionHeads(count, keyHeads, size, scale, cap);
    }

    /** As many key heads as heads. */
    public static AttentionHeads of(int count, int size, double scale) {
        return new AttentionHeads(count, count, size, scale);
    }

    /** The same with this many key heads. */
    public AttentionHeads withKeyHeads(int keyHeads) {
        return new AttentionHeads(count, keyHeads, size, scale, cap);
    }

    /** Heads that share a key head. */
    public int group() {
        return count / keyHeads;
    }

    /** Columns of q and the output. */
    public int width() {
        return count * size;
    }

    /** Columns of k and v. */
    public int keyWidth() {
        return keyHeads * size;
    }
}
