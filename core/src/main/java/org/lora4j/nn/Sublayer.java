package org.lora4j.nn;

/**
 * One half of a {@link Block} with what belongs to it.
 *
 * @param layer   {@link SelfAttention} or {@link FeedForward}
 * @param norm    before it or behind its sum, as the block's form is
 * @param dropout on its branch, in training
 */
public record Sublayer<L extends Layer>(L layer, Normalisation norm, Dropout dropout) {
}
