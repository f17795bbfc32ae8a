package org.lora4j.tokenizer.pipeline;

import java.util.Arrays;

/**
 * Which two neighbouring tokens join, in which order of preference, to which token: a hash table with open addressing,
 * because every byte of a text asks it several times.
 */
public final class MergeTable {

    /** The rank of a pair that does not join: after all others. */
    public static final int NONE = Integer.MAX_VALUE;

    private static final long EMPTY = -1; // no pair: ids are not negative

    private final long[] pairs;
    private final int[] ranks;
    private final int[] results;
    private final int shift;

    public MergeTable(int size) {
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(size, 4)); // between a quarter and a half full
        pairs = new long[1 << bits];
        ranks = new int[1 << bits];
        results = new int[1 << bits];
        shift = 64 - bits;
        Arrays.fill(pairs, EMPTY);
    }

    /** A pair put twice keeps the later rank, as in a Python dictionary. */
    public void put(int left, int right, int rank, int result) {
        int slot = slot(left, right);
        pairs[slot] = pair(left, right);
        ranks[slot] = rank;
        results[slot] = result;
    }

    /** The smaller, the earlier; {@link #NONE} if the two do not join. */
    public int rank(int left, int right) {
        int slot = slot(left, right);
        return pairs[slot] == EMPTY ? NONE : ranks[slot];
    }

    /** The token that two which do join give. */
    public int result(int left, int right) {
        return results[slot(left, right)];
    }

    /** A number that says which pairs are here, with their ranks. */
    int digest() {
        return 31 * Arrays.hashCode(pairs) + Arrays.hashCode(ranks);
    }

    private int slot(int left, int right) {
        long pair = pair(left, right);
        int slot = (int) ((pair * 0x9E3779B97F4A7C15L) >>> shift); // Fibonacci hashing spreads neighbouring ids
        while (pairs[slot] != EMPTY && pairs[slot] != pair) {
            slot = (slot + 1) & (pairs.length - 1);
        }
        return slot;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }
}
