package org.lora4j.tokenizer.pipeline;

import java.util.Arrays;

/**
 * Tokens by their beginnings, char by char: from a node and a char to the next node, in a hash table with open addressing,
 * since every place of a text asks it as often as the longest token there has letters.
 */
final class CharTrie {

    /** Where every token begins. */
    static final int ROOT = 0;

    /** No node, or no token that ends at one. */
    static final int NONE = -1;

    private static final long EMPTY = -1;

    private long[] keys = new long[1 << 10];
    private int[] nodes = new int[1 << 10];
    private int[] tokens = new int[1 << 10];
    private int size = 1;

    CharTrie() {
        Arrays.fill(keys, EMPTY);
        Arrays.fill(tokens, NONE);
    }

    /** A token put twice has the later id. */
    void put(String token, int id) {
        int node = ROOT;
        for (int i = 0; i < token.length(); i++) {
            node = grow(node, token.charAt(i));
        }
        tokens[node] = id;
    }

    /** The node behind another; {@link #NONE} if no token goes on with this letter. */
    int next(int node, char letter) {
        int slot = slot(node, letter);
        return keys[slot] == EMPTY ? NONE : nodes[slot];
    }

    /** The id of the token that ends at a node, or {@link #NONE}. */
    int token(int node) {
        return tokens[node];
    }

    /** The node behind a text; {@link #NONE} if no token begins with it. */
    int walk(String text) {
        int node = ROOT;
        for (int i = 0; i < text.length() && node != NONE; i++) {
            node = next(node, text.charAt(i));
        }
        return node;
    }

    private int grow(int node, char letter) {
        int slot = slot(node, letter);
        if (keys[slot] != EMPTY) {
            return nodes[slot];
        }
        keys[slot] = key(node, letter);
        nodes[slot] = size;
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, size * 2);
            Arrays.fill(tokens, size, size * 2, NONE);
        }
        size++;
        if (size * 2 > keys.length) {
            widen();
        }
        return size - 1;
    }

    private void widen() {
        long[] oldKeys = keys;
        int[] oldNodes = nodes;
        keys = new long[oldKeys.length * 2];
        nodes = new int[keys.length];
        Arrays.fill(keys, EMPTY);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != EMPTY) {
                int slot = slot((int) (oldKeys[i] >>> 16), (char) oldKeys[i]);
                keys[slot] = oldKeys[i];
                nodes[slot] = oldNodes[i];
            }
        }
    }

    private int slot(int node, char letter) {
        long key = key(node, letter);
        int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & keys.length - 1;
        while (keys[slot] != EMPTY && keys[slot] != key) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }

    private static long key(int node, char letter) {
        return (long) node << 16 | letter;
    }
}
