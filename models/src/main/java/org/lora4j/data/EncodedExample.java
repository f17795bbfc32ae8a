package org.lora4j.data;

import java.util.Arrays;

/**
 * An example as the model is trained on it, here a pair:
 *
 * <pre>
 *   tokens   context …  ⏎  completion …  ⏎          ⏎ = end-of-text
 *   learned                ‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
 * </pre>
 *
 * Every token that is learned is predicted from all before it, the closing end-of-text too: that is how the model learns to
 * stop. The others are read, never predicted (eq. 1 and 2 of the paper sum over the completion). In a chat there may be several
 * stretches of them.
 *
 * @param tokens  not copied; treat as constant
 * @param learned as many; the first is predicted from nothing, so it is never one
 */
public record EncodedExample(int[] tokens, boolean[] learned) {

    /** Requires a mark for each token, the first of which is not learned. */
    public EncodedExample {
        if (learned.length != tokens.length || learned.length > 0 && learned[0]) {
            throw new IllegalArgumentException("of " + tokens.length + " tokens " + learned.length
                    + " are marked as learned or not" + (learned.length > 0 && learned[0] ? ", the first as learned" : ""));
        }
    }

    /**
     * One whose tokens are learned from some place on.
     *
     * @param completionStart the index of the first one, at least 1
     */
    public EncodedExample(int[] tokens, int completionStart) {
        this(tokens, from(tokens.length, completionStart));
    }

    private static boolean[] from(int length, int start) {
        if (start < 1 || start > length) {
            throw new IllegalArgumentException(
                    "a completion begins at 1 to " + length + ", the number of tokens, found " + start);
        }
        boolean[] learned = new boolean[length];
        Arrays.fill(learned, start, length, true);
        return learned;
    }

    /** How many tokens it has. */
    public int length() {
        return tokens.length;
    }

    /** The index of the first token that is learned; the length where none is. */
    public int completionStart() {
        int start = 0;
        while (start < tokens.length && !learned[start]) {
            start++;
        }
        return start;
    }

    /** How many tokens the loss is taken over. */
    public int targets() {
        int count = 0;
        for (boolean one : learned) {
            count += one ? 1 : 0;
        }
        return count;
    }

    /** Whether all is learned from the first learned token on. */
    public boolean endsLearned() {
        return targets() == tokens.length - completionStart();
    }
}
