package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Softmax cross-entropy with label smoothing, a row for each work item; with lse = max + log Σ exp(z − max):
 *
 * <pre>
 *   loss = (1 − ε)·(lse − z_y) + ε·(lse − mean(z))      z ← weight·(exp(z − lse) − (1 − ε)·onehot(y) − ε/V)
 * </pre>
 *
 * <p>Sums are taken in blocks of 64, whose sums are added up, so that their error grows with V/64 and not with V.
 */
public final class CrossEntropyKernels {

    private static final int BLOCK = 64;

    private CrossEntropyKernels() {
    }

    /** args: rows, V, logits, targets, losses, whether the gradient is written. factors: ε, 1 − ε, weight. */
    public static void crossEntropy(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int rows = args[slot];
        int classes = args[slot + 1];
        int targets = args[slot + 3];
        int losses = args[slot + 4];
        int gradient = args[slot + 5];
        float epsilon = factors[slot >> 3];
        float rest = factors[(slot >> 3) + 1];
        float weight = factors[(slot >> 3) + 2];
        for (@Parallel int n = 0; n < rows; n++) {
            int z = args[slot + 2] + n * classes;
            int target = tables[targets + n];
            float loss = 0f;
            if (target >= 0) {
                float max = memory[z];
                for (int j = 1; j < classes; j++) {
                    max = memory[z + j] > max ? memory[z + j] : max;
                }
                float sum = 0f;
                for (int from = 0; from < classes; from += BLOCK) {
                    int to = from + BLOCK < classes ? from + BLOCK : classes;
                    float block = 0f;
                    for (int j = from; j < to; j++) {
                        block += KernelMath.exp(memory[z + j] - max);
                    }
                    sum += block;
                }
                float logSum = KernelMath.log(sum);
                loss = rest * (logSum + (max - memory[z + target]));
                if (epsilon > 0f) {
                    float below = 0f;
                    for (int from = 0; from < classes; from += BLOCK) {
                        int to = from + BLOCK < classes ? from + BLOCK : classes;
                        float block = 0f;
                        for (int j = from; j < to; j++) {
                            block += max - memory[z + j];
                        }
                        below += block;
                    }
                    loss += epsilon * (logSum + below / classes);
                }
                if (gradient != 0) {
                    float smooth = epsilon / classes;
                    for (int j = 0; j < classes; j++) {
                        float expected = j == target ? rest + smooth : smooth;
                        memory[z + j] = weight * (KernelMath.exp(memory[z + j] - max) / sum - expected);
                    }
                }
            } else if (gradient != 0) {
                for (int j = 0; j < classes; j++) {
                    memory[z + j] = 0f;
                }
            }
            memory[losses + n] = loss;
        }
    }
}
