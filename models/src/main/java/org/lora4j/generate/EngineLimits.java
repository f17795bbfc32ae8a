package org.lora4j.generate;

import org.lora4j.LoraException;

/**
 * What an {@link Engine} may take.
 *
 * @param texts            texts that are written at a time; more requests wait
 * @param bytes            what keys and values may take, unless a single request takes more
 * @param sharesBeginnings whether keys and values of prompts are kept while there is room, so that a prompt that begins like
 *                         an earlier one under the same adapter, with the same instructions say, computes only the rest
 */
public record EngineLimits(int texts, long bytes, boolean sharesBeginnings) {

    /** 32 texts and 256 MiB; nothing is kept beyond its request. */
    public static final EngineLimits DEFAULT = new EngineLimits(32, 256L << 20, false);

    /** Requires positive numbers. */
    public EngineLimits {
        if (texts < 1 || bytes < 1) {
            throw new LoraException("`texts` " + texts + ", `bytes` " + bytes + ": expected positive numbers");
        }
    }
}
