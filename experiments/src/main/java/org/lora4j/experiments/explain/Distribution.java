package org.lora4j.experiments.explain;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Logits of one position and what follows from them, in double. */
final class Distribution {

    private final float[] logits;
    private final double logSum;

    /** @param logits kept, not copied */
    Distribution(float[] logits) {
        this.logits = logits;
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        logSum = largest + Math.log(sum);
    }

    boolean isFinite() {
        return Double.isFinite(logSum);
    }

    double logProbability(int id) {
        return logits[id] - logSum;
    }

    double score(int id) {
        return logits[id];
    }

    int size() {
        return logits.length;
    }

    /** 1 + how many are likelier. */
    int rank(int id) {
        int above = 0;
        for (float logit : logits) {
            above += logit > logits[id] ? 1 : 0;
        }
        return above + 1;
    }

    /** The likeliest ids, of equal ones the smaller. */
    int[] top(int count) {
        int[] best = new int[Math.min(count, logits.length)];
        int filled = 0;
        for (int id = 0; id < logits.length; id++) {
            int at = filled;
            while (at > 0 && logits[best[at - 1]] < logits[id]) {
                at--;
            }
            if (at < best.length) {
                int moved = Math.min(filled, best.length - 1) - at;
                System.arraycopy(best, at, best, at + 1, moved);
                best[at] = id;
                filled = Math.min(best.length, filled + 1);
            }
        }
        return Arrays.copyOf(best, filled);
    }

    /** √ of the mean over the vocabulary of (Δz − mean Δz)²: a shift of all logits changes no probability. */
    double movedFrom(Distribution other) {
        double mean = 0;
        for (int i = 0; i < logits.length; i++) {
            mean += (double) logits[i] - other.logits[i];
        }
        mean /= logits.length;
        double squares = 0;
        for (int i = 0; i < logits.length; i++) {
            double moved = (double) logits[i] - other.logits[i] - mean;
            squares += moved * moved;
        }
        return Math.sqrt(squares / logits.length);
    }

    /** KL(this ‖ other) = Σ p·(log p − log q), never below 0. */
    double divergenceFrom(Distribution other) {
        return Math.max(0, IntStream.range(0, logits.length).mapToDouble(i -> {
            double log = logProbability(i);
            return Math.exp(log) * (log - other.logProbability(i));
        }).sum());
    }

    double[] probabilities() {
        return IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logProbability(i))).toArray();
    }
}
