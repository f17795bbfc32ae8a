package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Normalisation, a row for each work item, and its gradients. Sums run over ascending indices. One kernel is all kinds:
 * "centred" is 1 for layer normalisation and 0 where no mean is taken out and no beta put in, "shift" what is added to gamma.
 * What is left out is multiplied by 0, and its offset is that of numbers that are read anyway.
 */
public final class NormKernels {

    private NormKernels() {
    }

    /** args: rows, columns, x, gamma, beta, y, mean or −1, rstd. factors: eps, centred, shift. */
    public static void forward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int rows = args[slot];
        int columns = args[slot + 1];
        int x = args[slot + 2];
        int gamma = args[slot + 3];
        int beta = args[slot + 4];
        int y = args[slot + 5];
        int mean = args[slot + 6];
        int rstd = args[slot + 7];
        float eps = factors[slot >> 3];
        float centred = factors[(slot >> 3) + 1];
        float shift = factors[(slot >> 3) + 2];
        for (@Parallel int n = 0; n < rows; n++) {
            int row = n * columns;
            float sum = 0f;
            for (int c = 0; c < columns; c++) {
                sum += memory[x + row + c];
            }
            float mu = centred * (sum / columns);
            float squares = 0f;
            for (int c = 0; c < columns; c++) {
                float d = memory[x + row + c] - mu;
                squares += d * d;
            }
            float r = 1f / (float) Math.sqrt(squares / columns + eps);
            for (int c = 0; c < columns; c++) {
                float normal = (memory[x + row + c] - mu) * r;
                memory[y + row + c] = normal * (memory[gamma + c] + shift) + centred * memory[beta + c];
            }
            if (mean >= 0) {
                memory[mean + n] = mu;
            }
            memory[rstd + n] = r;
        }
    }

    /**
     * dx ← dx + rstd·(d − mean(d) − x̂·mean(d ⊙ x̂)). args: rows, columns, dy, x, gamma, mean, rstd, dx. factors: centred,
     * shift.
     */
    public static void backward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int rows = args[slot];
        int columns = args[slot + 1];
        int dy = args[slot + 2];
        int x = args[slot + 3];
        int gamma = args[slot + 4];
        int mean = args[slot + 5];
        int rstd = args[slot + 6];
        int dx = args[slot + 7];
        float centred = factors[slot >> 3];
        float shift = factors[(slot >> 3) + 1];
        for (@Parallel int n = 0; n < rows; n++) {
            int row = n * columns;
            float mu = centred * memory[mean + n];
            float r = memory[rstd + n];
            float sumOfD = 0f;
            float sumOfDxHat = 0f;
            for (int c = 0; c < columns; c++) {
                float d = memory[dy + row + c] * (memory[gamma + c] + shift);
                sumOfD += d;
                sumOfDxHat += d * ((memory[x + row + c] - mu) * r);
            }
            float meanOfD = centred * (sumOfD / columns);
            float meanOfDxHat = sumOfDxHat / columns;
            for (int c = 0; c < columns; c++) {
                float d = memory[dy + row + c] * (memory[gamma + c] + shift);
                float xHat = (memory[x + row + c] - mu) * r;
                memory[dx + row + c] = memory[dx + row + c] + r * (d - meanOfD - xHat * meanOfDxHat);
            }
        }
    }

    /**
     * dgamma ← dgamma + Σ dy ⊙ x̂ and dbeta ← dbeta + Σ dy, each where it is not −1. args: columns, rows, dy, x, mean, rstd,
     * dgamma, dbeta. factors: centred.
     */
    public static void backwardParameters(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int columns = args[slot];
        int rows = args[slot + 1];
        int dy = args[slot + 2];
        int x = args[slot + 3];
        int mean = args[slot + 4];
        int rstd = args[slot + 5];
        int dgamma = args[slot + 6];
        int dbeta = args[slot + 7];
        float centred = factors[slot >> 3];
        for (@Parallel int c = 0; c < columns; c++) {
            float sumOfDxHat = 0f;
            float sumOfDy = 0f;
            for (int n = 0; n < rows; n++) {
                float g = memory[dy + n * columns + c];
                sumOfDxHat += g * ((memory[x + n * columns + c] - centred * memory[mean + n]) * memory[rstd + n]);
                sumOfDy += g;
            }
            if (dgamma >= 0) {
                memory[dgamma + c] = memory[dgamma + c] + sumOfDxHat;
            }
            if (dbeta >= 0) {
                memory[dbeta + c] = memory[dbeta + c] + sumOfDy;
            }
        }
    }
}
