package org.lora4j.generate;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * Draws tokens after {@link Sampling}'s rule. The draw for sequence b at its n-th new token is a pure function of (seed,
 * b, n), so the text does not depend on what else is in the batch.
 */
final class Sampler {

    private static final int SITE = Philox.site("generate");

    private final Sampling sampling;
    private final Philox random;

    Sampler(Sampling sampling) {
        this.sampling = sampling;
        this.random = new Philox(sampling.seed());
    }

    /**
     * @param logits   of the whole vocabulary, at {@code logits[from … from + size − 1]}
     * @param sequence which sequence this is for
     * @param drawn    how many tokens it has drawn before
     * @return a token id
     */
    int draw(float[] logits, int from, int size, int sequence, int drawn) {
        if (sampling.isGreedy()) {
            return largest(logits, from, size);
        }
        int[] order = kept(logits, from, size);
        requireNumber(logits[from + order[0]]); // NaN is sorted first
        double[] weights = new double[order.length];
        double top = logits[from + order[0]];
        double sum = 0;
        for (int i = 0; i < order.length; i++) {
            weights[i] = Math.exp((logits[from + order[i]] - top) / sampling.temperature());
            sum += weights[i];
        }
        int count = nucleus(weights, sum);
        double keptSum = 0;
        for (int i = 0; i < count; i++) {
            keptSum += weights[i];
        }
        double target = random.uniform(sequence, SITE, drawn) * keptSum;
        for (int i = 0; i < count - 1; i++) {
            target -= weights[i];
            if (target < 0) {
                return order[i];
            }
        }
        return order[count - 1];
    }

    private static void requireNumber(float largest) {
        if (!Float.isFinite(largest)) {
            throw notFinite(largest);
        }
    }

    static LoraException notFinite(double found) {
        return new LoraException("the model's logits are " + found + ", so no token can be chosen: its weights, or the"
                + " adapter's, hold values that are not finite. Take another copy of them");
    }

    /** The smaller id where two logits are equal. */
    private static int largest(float[] logits, int from, int size) {
        int best = 0;
        for (int i = 1; i < size; i++) {
            if (logits[from + i] > logits[from + best] || Float.isNaN(logits[from + i])) {
                best = i;
            }
        }
        requireNumber(logits[from + best]);
        return best;
    }

    /** The ids of the topK largest logits, largest first. */
    private int[] kept(float[] logits, int from, int size) {
        int[] ids = IntStream.range(0, size).boxed()
                .sorted((i, j) -> Float.compare(logits[from + j], logits[from + i]))
                .mapToInt(Integer::intValue).toArray();
        return sampling.topK() > 0 && sampling.topK() < size ? Arrays.copyOf(ids, sampling.topK()) : ids;
    }

    /** How many of the largest make up the share topP. */
    private int nucleus(double[] weights, double sum) {
        double reached = 0;
        for (int i = 0; i < weights.length; i++) {
            reached += weights[i] / sum;
            if (reached >= sampling.topP()) {
                return i + 1;
            }
        }
        return weights.length;
    }
}
