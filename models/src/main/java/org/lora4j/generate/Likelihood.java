package org.lora4j.generate;

/**
 * How likely a token was, and the likeliest ones in its place: log-probabilities by softmax over the model's logits as they
 * are, whatever rule chose.
 *
 * @param logProbability of the token that was chosen
 * @param ids            the likeliest, in their order; of equal ones the smaller id first
 * @param values         their log-probabilities
 */
public record Likelihood(double logProbability, int[] ids, double[] values) {

    /** log Σ exp z, in double. */
    static double logSum(float[] logits) {
        float top = Float.NEGATIVE_INFINITY;
        for (float z : logits) {
            top = Math.max(top, z);
        }
        double sum = 0;
        for (float z : logits) {
            sum += Math.exp((double) z - top);
        }
        return top + Math.log(sum);
    }

    /**
     * @param logits of the whole vocabulary; read
     * @param chosen the token's logit
     * @param count  how many of the likeliest are wanted
     */
    static Likelihood of(float[] logits, float chosen, int count) {
        int[] ids = new int[Math.min(count, logits.length)];
        double[] values = new double[ids.length];
        int found = 0;
        for (int id = 0; id < logits.length; id++) {
            float z = logits[id];
            if (found < ids.length || found > 0 && z > values[found - 1]) {
                found = Math.min(found + 1, ids.length);
                int at = found - 1;
                for (; at > 0 && values[at - 1] < z; at--) {
                    ids[at] = ids[at - 1];
                    values[at] = values[at - 1];
                }
                ids[at] = id;
                values[at] = z;
            }
        }
        double logSum = logSum(logits);
        for (int i = 0; i < found; i++) {
            values[i] -= logSum;
        }
        return new Likelihood(chosen - logSum, ids, values);
    }
}
