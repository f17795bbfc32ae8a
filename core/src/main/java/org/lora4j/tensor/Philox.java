package org.lora4j.tensor;

import java.nio.charset.StandardCharsets;

/**
 * Random numbers as a pure function of where they are used: Philox4x32-10.
 *
 * <p>A generator with a state gives other numbers as soon as the order of calls changes: another backend, another
 * number of threads, a resumed run. A counter-based one has no state. It scrambles a 128-bit counter under a 64-bit
 * key into four 32-bit words, and the counter says what the words are for. This is the whole mapping, which every
 * backend follows:
 *
 * <pre>
 *   key0 = low 32 bits of seed       key1 = high 32 bits of seed
 *   block = index / 4                lane = index mod 4            index: number of the element, 0 ≤ index &lt; 2⁶²
 *   c0 = low 32 bits of block        c1 = high 32 bits of block    c2 = site        c3 = step
 *   word(seed, step, site, index) = Philox4x32-10(key0, key1; c0, c1, c2, c3)[lane]
 * </pre>
 *
 * <em>step</em> counts optimiser steps (or epochs); <em>site</em> says which place in the program draws, see
 * {@link #site(String)}; <em>index</em> is the row-major position in the tensor. Two draws that differ in any of
 * the four are independent, two that agree in all four are the same 32 bits on every machine.
 *
 * <p>One round, with · a product of 64 bits split into its high and low half, ten of them, the key growing in between:
 *
 * <pre>
 *   (h0, l0) = D2511F53 · c0         (h1, l1) = CD9E8D57 · c2
 *   (c0, c1, c2, c3) ← (h1 ^ c1 ^ key0, l1, h0 ^ c3 ^ key1, l0)
 *   key0 ← key0 + 9E3779B9           key1 ← key1 + BB67AE85
 * </pre>
 *
 * <p>Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. The generator is not meant for secrets.
 */
public final class Philox {

    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int KEY_STEP_0 = 0x9E3779B9; // golden ratio
    private static final int KEY_STEP_1 = 0xBB67AE85; // sqrt(3) - 1
    private static final long LOW_32 = 0xFFFFFFFFL;
    private static final int ROUNDS = 10;
    private static final double TWO_POW_MINUS_32 = 0x1p-32;
    private static final float TWO_POW_MINUS_24 = 0x1p-24f;

    private final int key0;
    private final int key1;

    /** Random numbers of this seed. */
    public Philox(long seed) {
        this.key0 = (int) seed;
        this.key1 = (int) (seed >>> 32);
    }

    /**
     * The number of a named place that draws: "shuffle", "h.0.attn.c_attn.lora_A". Its FNV-1a hash over UTF-8, so it
     * stays the same when other places come and go. Among 1,000 names two agree with a probability of about 10⁻⁴.
     */
    public static int site(String name) {
        int hash = 0x811C9DC5;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * 0x01000193;
        }
        return hash;
    }

    /**
     * One word of one block. Plain integer arithmetic without allocation, calls or exceptions, so that a compiler for
     * GPUs takes this very method.
     *
     * @param lane which of the block's four words, 0 to 3
     */
    public static int word(int key0, int key1, int c0, int c1, int c2, int c3, int lane) {
        int k0 = key0;
        int k1 = key1;
        int x0 = c0;
        int x1 = c1;
        int x2 = c2;
        int x3 = c3;
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (x0 & LOW_32);
            long p1 = MULTIPLIER_1 * (x2 & LOW_32);
            x0 = (int) (p1 >>> 32) ^ x1 ^ k0;
            x1 = (int) p1;
            x2 = (int) (p0 >>> 32) ^ x3 ^ k1;
            x3 = (int) p0;
            k0 += KEY_STEP_0;
            k1 += KEY_STEP_1;
        }
        int low = lane == 0 ? x0 : x1;
        int high = lane == 2 ? x2 : x3;
        return lane < 2 ? low : high;
    }

    /**
     * All four words of one block into out[at] … out[at + 3]: a quarter of the work where many elements in a row are
     * wanted on the CPU.
     */
    public static void block(int key0, int key1, int c0, int c1, int c2, int c3, int[] out, int at) {
        int k0 = key0;
        int k1 = key1;
        int x0 = c0;
        int x1 = c1;
        int x2 = c2;
        int x3 = c3;
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (x0 & LOW_32);
            long p1 = MULTIPLIER_1 * (x2 & LOW_32);
            x0 = (int) (p1 >>> 32) ^ x1 ^ k0;
            x1 = (int) p1;
            x2 = (int) (p0 >>> 32) ^ x3 ^ k1;
            x3 = (int) p0;
            k0 += KEY_STEP_0;
            k1 += KEY_STEP_1;
        }
        out[at] = x0;
        out[at + 1] = x1;
        out[at + 2] = x2;
        out[at + 3] = x3;
    }

    /** Uniform in [0, 1), a multiple of 2⁻²⁴: the upper 24 bits of the word, which a float holds exactly. */
    public static float toFloat(int word) {
        return (word >>> 8) * TWO_POW_MINUS_24;
    }

    /** Uniform in (0, 1), never 0 and never 1: (word + ½)·2⁻³², which a double holds exactly. */
    public static double toDouble(int word) {
        return ((word & LOW_32) + 0.5) * TWO_POW_MINUS_32;
    }

    /** The 32 random bits of an element. */
    public int word(int step, int site, long index) {
        long block = index >>> 2;
        return word(key0, key1, (int) block, (int) (block >>> 32), site, step, (int) index & 3);
    }

    /** {@link #toDouble} of the element's word. */
    public double uniform(int step, int site, long index) {
        return toDouble(word(step, site, index));
    }

    /**
     * Standard normal, by Box and Muller's transform of the pair of words the element belongs to:
     *
     * <pre>
     *   u = toDouble(word(2j))   v = toDouble(word(2j + 1))
     *   element 2j: √(−2 ln u)·cos 2πv        element 2j + 1: √(−2 ln u)·sin 2πv
     * </pre>
     *
     * Values stay within ±6.77, where 32 bits end. StrictMath, because Math may round differently on another machine.
     */
    public double normal(int step, int site, long index) {
        long even = index & ~1L;
        double u = uniform(step, site, even);
        double v = uniform(step, site, even + 1);
        return boxMuller(u, v, (index & 1) == 0);
    }

    /**
     * A whole number in [0, bound), each with exactly the same probability (Lemire's multiplication with rejection).
     * Attempt k, 0 for all but a share of less than bound/2³², reads the word of index + k·2³⁴, that is c1 = k.
     */
    public int bounded(int bound, int step, int site, int index) {
        if (bound <= 0 || index < 0) {
            throw new IllegalArgumentException(
                    "a random number below " + bound + " for element " + index
                            + ": the bound must be positive, the element not negative");
        }
        // 2³² words do not divide evenly among bound numbers: as many words as the remainder are drawn again
        long remainder = (1L << 32) % bound;
        long element = index;
        while (true) {
            long product = (word(step, site, element) & LOW_32) * bound;
            if ((product & LOW_32) >= remainder) {
                return (int) (product >>> 32);
            }
            element += 1L << 34;
        }
    }

    /** A random order of 0 … n−1, all n! equally likely: Fisher and Yates, position i swapped with bounded(i + 1). */
    public int[] permutation(int n, int step, int site) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            int j = bounded(i + 1, step, site, i);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /** out[i] ← low + (high − low)·uniform(i). */
    public void fillUniform(double[] out, double low, double high, int step, int site) {
        for (int i = 0; i < out.length; i++) {
            out[i] = low + (high - low) * uniform(step, site, i);
        }
    }

    /** The same numbers as for double[], rounded to float: low and high themselves can come out. */
    public void fillUniform(float[] out, double low, double high, int step, int site) {
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (low + (high - low) * uniform(step, site, i));
        }
    }

    /** out[i] ← standardDeviation·normal(i). */
    public void fillNormal(double[] out, double standardDeviation, int step, int site) {
        for (int i = 0; i < out.length; i++) {
            out[i] = standardDeviation * normal(step, site, i);
        }
    }

    /** The same numbers as for double[], rounded to float. */
    public void fillNormal(float[] out, double standardDeviation, int step, int site) {
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (standardDeviation * normal(step, site, i));
        }
    }

    private static double boxMuller(double u, double v, boolean even) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(u));
        double angle = 2 * StrictMath.PI * v;
        return radius * (even ? StrictMath.cos(angle) : StrictMath.sin(angle));
    }
}
