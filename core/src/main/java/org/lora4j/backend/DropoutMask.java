package org.lora4j.backend;

/**
 * Which elements an inverted dropout keeps: a pure function of (seed, step, site, element), so that backward, every
 * backend and every resumed run see the same mask and nothing is stored.
 *
 * <p>Element i is kept when its Philox word w(seed, step, site, i), read as an unsigned 32-bit number, is at least
 * ⌊p·2³²⌋; what is kept is multiplied by 1/(1 − p).
 *
 * @param p    probability of dropping, 0 ≤ p &lt; 1
 * @param seed the run's seed
 * @param step the pass's number, different for every pass of a run: step·accumulation + micro-batch
 * @param site a number that is different for every place in the model that drops
 */
public record DropoutMask(double p, long seed, long step, int site) {

    /** Drops nothing. */
    public static final DropoutMask NONE = new DropoutMask(0, 0, 0, 0);

    /** Requires a probability from 0 to below 1. */
    public DropoutMask {
        if (!(p >= 0 && p < 1)) {
            throw new IllegalArgumentException("a dropout probability lies in [0, 1), found " + p);
        }
    }

    /** Whether nothing is dropped. */
    public boolean isNone() {
        return p == 0;
    }

    /** ⌊p·2³²⌋ as the bits of an int: words below it, unsigned, are dropped. */
    public int threshold() {
        return (int) (long) (p * 0x1p32);
    }

    /** 1/(1 − p): keeps the expectation. */
    public double scale() {
        return 1 / (1 - p);
    }
}
