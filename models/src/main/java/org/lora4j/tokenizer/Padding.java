package org.lora4j.tokenizer;

/**
 * What fills shorter texts of a batch up to the longest. Models see it by the attention mask and never read it, except for
 * the side: positions count from the left.
 *
 * @param id     a valid id; where a tokenizer has no token for padding, the one that ends a text
 * @param typeId the token type of padding
 * @param side   at which end it is put
 */
public record Padding(int id, int typeId, Side side) {
}
