package org.lora4j.generate;

import java.util.BitSet;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * Chooses tokens after {@link Sampling}'s rules. Nothing is sorted: which logits are kept is found by {@link Threshold},
 * and the draw walks through what is left in the order of the ids.
 *
 * <p>A draw is a pure function of (seed, request, sample, n), n the number of the new token; all four enter Philox in
 * places of their own, so no two draws are the same number by construction, and a text does not depend on what else is
 * written beside it:
 *
 * <pre>
 *   u = Philox(seed).uniform(step n, site "generate", index request·2³¹ + sample)
 * </pre>
 */
final class Sampler {

    private static final int SITE = Philox.site("generate");
    private static final int SAMPLE_BITS = 31;

    private final Threshold threshold = new Threshold();
    private final int[] ids;
    private final int[] keys;
    private final double[] weights;
    private int count;
    private double sum;

    Sampler(int vocabulary) {
        ids = new int[vocabulary];
        keys = new int[vocabulary];
        weights = new double[vocabulary];
    }

    /** z / penalty or z·penalty, whichever is smaller, for the tokens that are there already; in float, as the logits are. */
    static void penalize(float[] logits, BitSet there, double repetitionPenalty) {
        float penalty = (float) repetitionPenalty;
        for (int id = there.nextSetBit(0); id >= 0 && id < logits.length; id = there.nextSetBit(id + 1)) {
            logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
        }
    }

    /** Makes tokens impossible. */
    static void ban(float[] logits, Set<Integer> tokens) {
        for (int id : tokens) {
            if (id >= 0 && id < logits.length) {
                logits[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /**
     * @param logits  of the whole vocabulary, after {@link #penalize} and {@link #ban}; read
     * @param request the number of what was asked
     * @param sample  which of its texts this is for
     * @param n       how many tokens that text has already
     * @return a token id
     */
    int draw(float[] logits, Sampling sampling, int request, int sample, int n) {
        int best = largest(logits);
        if (sampling.isGreedy()) {
            return best;
        }
        keep(logits, logits[best], sampling);
        double u = new Philox(sampling.seed()).uniform(n, SITE, (long) request << SAMPLE_BITS | sample);
        double target = u * sum;
        int last = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] > 0) {
                last = i;
                target -= weights[i];
                if (target < 0) {
                    break;
                }
            }
        }
        return ids[last];
    }

    /** The distribution that a token is drawn from: {@code probabilities[id]}, 0 for what is not kept. */
    double[] probabilities(float[] logits, Sampling sampling) {
        double[] p = new double[logits.length];
        int best = largest(logits);
        if (sampling.isGreedy()) {
            p[best] = 1;
            return p;
        }
        keep(logits, logits[best], sampling);
        for (int i = 0; i < count; i++) {
            p[ids[i]] = weights[i] / sum;
        }
        return p;
    }

    static LoraException notFinite(double found) {
        return new LoraException("the model's logits are " + found + ", so no token can be chosen: its weights, or the"
                + " adapter's, hold values that are not finite. Take another copy of them");
    }

    /** The smaller id where two logits are equal. */
    private static int largest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best] || Float.isNaN(logits[i])) {
                best = i;
            }
        }
        if (!Float.isFinite(logits[best])) {
            throw notFinite(logits[best]);
        }
        return best;
    }

    /** Puts the kept tokens, with weights that are 1 for the likeliest, into ids and weights. */
    private void keep(float[] logits, float top, Sampling sampling) {
        int k = sampling.topK();
        boolean all = k == 0 || k >= logits.length;
        int least = all ? Integer.MIN_VALUE : kthLargest(logits, k);
        double rate = 1 / sampling.temperature();
        count = 0;
        sum = 0;
        for (int id = 0; id < logits.length; id++) {
            int key = Threshold.key(logits[id]);
            if (key >= least) {
                double weight = weight(logits[id], top, rate);
                ids[count] = id;
                keys[count] = key;
                weights[count++] = weight;
                sum += weight;
            }
        }
        if (sampling.topP() < 1) {
            keepNucleus(sampling.topP());
        }
        if (sampling.minP() > 0) {
            keepAtLeast(sampling.minP());
        }
    }

    /** exp((z − top)/temperature), 1 for the top itself at any temperature, however small. */
    private static double weight(float z, float top, double rate) {
        return z == top ? 1 : Math.exp(((double) z - top) * rate);
    }

    private int kthLargest(float[] logits, int k) {
        for (int id = 0; id < logits.length; id++) {
            keys[id] = Threshold.key(logits[id]);
        }
        return threshold.find(keys, null, logits.length, k);
    }

    /** Tokens above the threshold, and of those that are just at it the first ones that are needed. */
    private void keepNucleus(double share) {
        double target = share * sum;
        int least = threshold.find(keys, weights, count, target);
        double missing = target;
        for (int i = 0; i < count; i++) {
            missing -= keys[i] > least ? weights[i] : 0;
        }
        int kept = 0;
        double keptSum = 0;
        boolean first = true;
        for (int i = 0; i < count; i++) {
            boolean atIt = keys[i] == least && (first || missing > 0);
            if (keys[i] > least || atIt) {
                if (atIt) {
                    missing -= weights[i];
                    first = false;
                }
                keptSum += weights[i];
                kept = take(kept, i);
            }
        }
        count = kept;
        sum = keptSum;
    }

    private void keepAtLeast(double share) {
        int kept = 0;
        double keptSum = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] >= share) {
                keptSum += weights[i];
                kept = take(kept, i);
            }
        }
        count = kept;
        sum = keptSum;
    }

    private int take(int to, int from) {
        ids[to] = ids[from];
        keys[to] = keys[from];
        weights[to] = weights[from];
        return to + 1;
    }
}
