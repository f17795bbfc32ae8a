package org.lora4j.generate;

/**
 * A text.
 *
 * @param tokens without the prompt and the stop token
 * @param end    why there are no more; null while it is being written
 */
public record Written(int[] tokens, End end) {
}
