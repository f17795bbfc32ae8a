package org.lora4j.nn;

import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;

/**
 * How attention mixes rows, once queries, keys and values are there: what a {@link Context} must know beside them.
 *
 * <p>What a distance adds to a score is no rule but comes with the queries and keys, see {@link QueriesKeysValues#relative}.
 *
 * @param block   the block's number, by which a past finds its keys
 * @param heads   heads of q, heads of k and v, and what multiplies q·k
 * @param sight   which positions a position sees
 * @param window  how many positions at most it sees, the last ones up to itself, where it sees earlier ones only;
 *                {@link AttentionShape#NO_WINDOW} for all
 * @param dropout on the weights, in training
 */
public record AttentionRule(int block, AttentionHeads heads, Sight sight, int window, Dropout dropout) {

    /** Each position sees itself and those before it, and nothing is dropped. */
    public static AttentionRule causal(int block, AttentionHeads heads) {
        return new AttentionRule(block, heads, Sight.EARLIER, AttentionShape.NO_WINDOW, Dropout.NONE);
    }

    /** The same with another sight. */
    public AttentionRule withSight(Sight sight) {
        return new AttentionRule(block, heads, sight, window, dropout);
    }

    /** The same with a window, or {@link AttentionShape#NO_WINDOW}. */
    public AttentionRule withWindow(int window) {
        return new AttentionRule(block, heads, sight, window, dropout);
    }

    /** The same with dropout of the weights. */
    public AttentionRule withDropout(Dropout dropout) {
        return new AttentionRule(block, heads, sight, window, dropout);
    }
}
