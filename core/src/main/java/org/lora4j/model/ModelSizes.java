package org.lora4j.model;

/**
 * The sizes that every Transformer has.
 *
 * @param vocabulary V, the number of tokens
 * @param positions  the longest sequence
 * @param width      C, the features of a token
 * @param blocks     number of Transformer blocks
 * @param heads      attention heads of a block
 * @param innerWidth features inside a block's feed-forward network
 * @param keyWidth   features of the keys of one position, C unless groups of heads share theirs
 */
public record ModelSizes(int vocabulary, int positions, int width, int blocks, int heads, int innerWidth, int keyWidth) {
}
