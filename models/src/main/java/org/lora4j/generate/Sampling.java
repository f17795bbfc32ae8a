package org.lora4j.generate;

import org.lora4j.LoraException;

/**
 * How the next token is chosen from the logits z.
 *
 * <pre>
 *   p = softmax(z / temperature), of which only the topK largest are kept, and of those only the smallest set of the
 *   largest whose sum reaches topP; what is left is scaled to 1 and drawn from
 * </pre>
 *
 * @param temperature 0 takes the largest logit (greedy); 1 leaves the model's distribution as it is
 * @param topK        how many of the largest to keep, 0 for all
 * @param topP        which share of the probability to keep (Holtzman et al. 2020), 1 for all
 * @param seed        of the draws; the same seed and prompt give the same text on any number of threads
 */
public record Sampling(double temperature, int topK, double topP, long seed) {

    /** The largest logit each time. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0);

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
    }

    public boolean isGreedy() {
        return temperature == 0;
    }
}
