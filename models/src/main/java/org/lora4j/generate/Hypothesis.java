package org.lora4j.generate;

/**
 * What beam search found.
 *
 * @param tokens         without the prompt and the stop token
 * @param stopped        whether it ended with a stop token; otherwise it is as long as was allowed
 * @param logProbability Σ log p of its tokens, the stop token among them
 * @param score          that over lengthᵖ, the stop token counted
 */
public record Hypothesis(int[] tokens, boolean stopped, double logProbability, double score) {
}
