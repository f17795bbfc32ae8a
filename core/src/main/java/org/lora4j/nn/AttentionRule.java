package org.lora4j.nn;

import org.lora4j.backend.AttentionHeads;

/**
 * How attention mixes rows, once queries, keys and values are there: what a {@link Context} must know beside them.
 *
 * <p>What a distance adds to a score is no rule but comes with the queries and keys, see {@link QueriesKeysValues#relative}.
 *
 * @param block   the block's number, by which a past finds its keys
 * @param heads   heads of q, heads of k and v, and what multiplies q·k
 * @param sight   which positions a position sees
 * @param dropout on the weights, in training
 */
public record AttentionRule(int block, AttentionHeads heads, Sight sight, Dropout dropout) {

    /** Each position sees itself and those before it, and nothing is dropped. */
    public static AttentionRule causal(int block, AttentionHeads heads) {
        return new AttentionRule(block, heads, Sight.EARLIER, Dropout.NONE);
    }

    /** The same with another sight. */
    public AttentionRule withSight(Sight sight) {
        return new AttentionRule(block, heads, sight, dropout);
    }

    /** The same with dropout of the weights. */
    public AttentionRule withDropout(Dropout dropout) {
        return new AttentionRule(block, heads, sight, dropout);
    }
}
