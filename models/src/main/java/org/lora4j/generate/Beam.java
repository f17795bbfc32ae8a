package org.lora4j.generate;

import org.lora4j.LoraException;

/**
 * How beam search goes, see {@link BeamSearch}.
 *
 * @param width         hypotheses that are kept side by side, at most {@link #WIDEST}
 * @param lengthPenalty p in the score of a hypothesis, Σ log-probabilities / lengthᵖ: 0 prefers short ones, 1 counts the
 *                      mean of a token
 * @param noRepeatNgram n: no n tokens may come again in the order in which they were written before; 0 for no such rule
 */
public record Beam(int width, double lengthPenalty, int noRepeatNgram) {

    /** The paper's for E2E (table 11): 10 hypotheses, length penalty 0.9, no four tokens twice. */
    public static final Beam PAPER = new Beam(10, 0.9, 4);

    /** Each hypothesis costs a row of the model for each token, and wider beams find worse texts rather than better ones. */
    public static final int WIDEST = 1000;

    /** Requires a width of at least 1 and numbers that a search can use; messages name the setting. */
    public Beam {
        if (width < 1 || width > WIDEST) {
            throw new LoraException("`width` " + width + ": expected 1 to " + WIDEST + ", since each hypothesis is computed like a "
                    + "text of its own");
        }
        if (!Double.isFinite(lengthPenalty)) {
            throw new LoraException("`lengthPenalty` " + lengthPenalty + ": expected a number");
        }
        if (noRepeatNgram < 0) {
            throw new LoraException("`noRepeatNgram` " + noRepeatNgram + ": expected 0 (no such rule) or a number of tokens");
        }
    }
}
