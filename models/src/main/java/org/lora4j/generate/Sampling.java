package org.lora4j.generate;

import org.lora4j.LoraException;

/**
 * How the next token is chosen from the logits z, in this order, which is Transformers':
 *
 * <pre>
 *   repetition penalty   z ← z / penalty where z ≥ 0, z·penalty where z &lt; 0, of tokens that prompt or text has already
 *   temperature          z ← z / temperature;  0: the largest z is taken, and what follows has no effect
 *   topK                 of all tokens only the k with the largest z, and those that equal the last of them
 *   topP                 of those only the smallest set of the likeliest whose probability reaches topP
 *   minP                 of those only tokens that are at least minP times as likely as the likeliest
 *   draw                 from softmax(z) over what is left
 * </pre>
 *
 * <p>Where topP has to choose among tokens of equal logits, it takes the smaller ids.
 *
 * @param temperature       0 takes the largest logit (greedy), the smaller id where two are equal; 1 leaves the model's
 *                          distribution as it is
 * @param topK              how many of the largest to keep, 0 for all
 * @param topP              which share of the probability to keep (Holtzman et al. 2020), 1 for all
 * @param minP              a share of the likeliest token's probability (Nguyen et al. 2024), 0 for none
 * @param repetitionPenalty Keskar et al. 2019; 1 for none, above 1 against repetition
 * @param seed              of the draws; the same seed, number of the request and prompt give the same text on any number of
 *                          threads
 */
public record Sampling(double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {

    /** The largest logit each time. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 1, 0);

    /** Requires numbers that a draw can use; messages name the setting. */
    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new LoraException("`temperature` " + temperature + ": expected 0 (greedy) or a positive number");
        }
        if (topK < 0) {
            throw new LoraException("`topK` " + topK + ": expected 0 (all) or how many of the likeliest tokens to keep");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new LoraException("`topP` " + topP + ": expected a share in (0, 1]");
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new LoraException("`minP` " + minP + ": expected a share in [0, 1], of the likeliest token's probability");
        }
        if (!(repetitionPenalty > 0) || Double.isInfinite(repetitionPenalty)) {
            throw new LoraException("`repetitionPenalty` " + repetitionPenalty
                    + ": expected a positive number, 1 for none, 1.2 say against repetition");
        }
    }

    /** Without minP and repetition penalty. */
    public Sampling(double temperature, int topK, double topP, long seed) {
        this(temperature, topK, topP, 0, 1, seed);
    }

    /** Draws from softmax(z / temperature). */
    public static Sampling of(double temperature, long seed) {
        return new Sampling(temperature, 0, 1, seed);
    }

    /** The same, drawn among the k likeliest. */
    public Sampling withTopK(int k) {
        return new Sampling(temperature, k, topP, minP, repetitionPenalty, seed);
    }

    /** The same, drawn among the likeliest that have this share together. */
    public Sampling withTopP(double share) {
        return new Sampling(temperature, topK, share, minP, repetitionPenalty, seed);
    }

    /** The same, drawn among those that have this share of the likeliest one's probability. */
    public Sampling withMinP(double share) {
        return new Sampling(temperature, topK, topP, share, repetitionPenalty, seed);
    }

    /** The same, with logits of tokens that are there already lowered by this factor. */
    public Sampling withRepetitionPenalty(double penalty) {
        return new Sampling(temperature, topK, topP, minP, penalty, seed);
    }

    /** Whether the likeliest token is always taken. */
    public boolean isGreedy() {
        return temperature == 0;
    }
}
