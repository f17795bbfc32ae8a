package org.lora4j.adapters;

import org.lora4j.io.NamedTensor;

/**
 * One low-rank update as an adapter's file has it.
 *
 * @param module    the name of the module, such as {@code transformer.h.0.attn.c_attn}
 * @param embedding whether it is an embedding's, whose A starts at zero and not B
 * @param a         A, (r, in)
 * @param b         B, (out, r)
 */
public record StoredUpdate(String module, boolean embedding, NamedTensor a, NamedTensor b) {

    /** r: the rows of A. */
    public int rank() {
        return a.shape().dim(0);
    }

    /** in: the columns of A. */
    public int inFeatures() {
        return a.shape().dim(1);
    }

    /** out: the rows of B. */
    public int outFeatures() {
        return b.shape().dim(0);
    }
}
