package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Normalisation and cross-entropy for GPUs: a work group of {@value #GROUP} for each row, whose work items take every
 * {@value #GROUP}th element and add their sums up in local memory, in a tree of fixed shape.
 */
public final class TiledRows {

    /** Work items of a group. */
    public static final int GROUP = 256;

    private TiledRows() {
    }

    /** As {@link NormKernels#forward}. */
    public static void norm(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] sums = context.allocateFloatLocalArray(GROUP);
        int columns = args[slot + 1];
        float centred = factors[(slot >> 3) + 1];
        float shift = factors[(slot >> 3) + 2];
        int n = context.groupIdx;
        int item = context.localIdx;
        int x = args[slot + 2] + n * columns;
        float sum = 0f;
        for (int c = item; c < columns; c += GROUP) {
            sum += memory[x + c];
        }
        sums[item] = sum;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                sums[item] += sums[item + half];
            }
            context.localBarrier();
        }
        float mu = centred * (sums[0] / columns);
        context.localBarrier();
        float squares = 0f;
        for (int c = item; c < columns; c += GROUP) {
            float d = memory[x + c] - mu;
            squares += d * d;
        }
        sums[item] = squares;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                sums[item] += sums[item + half];
            }
            context.localBarrier();
        }
        float r = 1f / (float) Math.sqrt(sums[0] / columns + factors[slot >> 3]);
        int y = args[slot + 5] + n * columns;
        for (int c = item; c < columns; c += GROUP) {
            float normal = (memory[x + c] - mu) * r;
            memory[y + c] = normal * (memory[args[slot + 3] + c] + shift) + centred * memory[args[slot + 4] + c];
        }
        if (item == 0) {
            if (args[slot + 6] >= 0) {
                memory[args[slot + 6] + n] = mu;
            }
            memory[args[slot + 7] + n] = r;
        }
    }

    /** As {@link NormKernels#backward}. */
    public static void normBackward(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] sums = context.allocateFloatLocalArray(GROUP);
        float[] others = context.allocateFloatLocalArray(GROUP);
        int columns = args[slot + 1];
        float centred = factors[slot >> 3];
        float shift = factors[(slot >> 3) + 1];
        int n = context.groupIdx;
        int item = context.localIdx;
        int dy = args[slot + 2] + n * columns;
        int x = args[slot + 3] + n * columns;
        int gamma = args[slot + 4];
        float mu = centred * memory[args[slot + 5] + n];
        float r = memory[args[slot + 6] + n];
        float sumOfD = 0f;
        float sumOfDxHat = 0f;
        for (int c = item; c < columns; c += GROUP) {
            float d = memory[dy + c] * (memory[gamma + c] + shift);
            sumOfD += d;
            sumOfDxHat += d * ((memory[x + c] - mu) * r);
        }
        sums[item] = sumOfD;
        others[item] = sumOfDxHat;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                sums[item] += sums[item + half];
                others[item] += others[item + half];
            }
            context.localBarrier();
        }
        float meanOfD = centred * (sums[0] / columns);
        float meanOfDxHat = others[0] / columns;
        int dx = args[slot + 7] + n * columns;
        for (int c = item; c < columns; c += GROUP) {
            float d = memory[dy + c] * (memory[gamma + c] + shift);
            float xHat = (memory[x + c] - mu) * r;
            memory[dx + c] = memory[dx + c] + r * (d - meanOfD - xHat * meanOfDxHat);
        }
    }

    /** As {@link CrossEntropyKernels#crossEntropy}. */
    public static void crossEntropy(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] values = context.allocateFloatLocalArray(GROUP);
        float[] others = context.allocateFloatLocalArray(GROUP);
        int classes = args[slot + 1];
        int n = context.groupIdx;
        int item = context.localIdx;
        int z = args[slot + 2] + n * classes;
        int target = tables[args[slot + 3] + n];
        float epsilon = factors[slot >> 3];
        float rest = factors[(slot >> 3) + 1];
        float weight = factors[(slot >> 3) + 2];
        int ignored = target < 0 ? 1 : 0;
        float max = memory[z];
        for (int j = item; j < classes; j += GROUP) {
            max = memory[z + j] > max ? memory[z + j] : max;
        }
        values[item] = max;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                if (values[item + half] > values[item]) {
                    values[item] = values[item + half];
                }
            }
            context.localBarrier();
        }
        float top = values[0];
        context.localBarrier();
        float sum = 0f;
        float below = 0f;
        for (int j = item; j < classes; j += GROUP) {
            sum += KernelMath.exp(memory[z + j] - top);
            below += top - memory[z + j];
        }
        values[item] = sum;
        others[item] = below;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                values[item] += values[item + half];
                others[item] += others[item + half];
            }
            context.localBarrier();
        }
        float total = values[0];
        if (item == 0) {
            float loss = 0f;
            if (ignored == 0) {
                float logSum = KernelMath.log(total);
                loss = rest * (logSum + (top - memory[z + target]));
                if (epsilon > 0f) {
                    loss += epsilon * (logSum + others[0] / classes);
                }
            }
            memory[args[slot + 4] + n] = loss;
        }
        context.localBarrier();
        if (args[slot + 5] != 0) {
            float smooth = epsilon / classes;
            for (int j = item; j < classes; j += GROUP) {
                float expected = j == target ? rest + smooth : smooth;
                float gradient = 0f;
                if (ignored == 0) {
                    gradient = weight * (KernelMath.exp(memory[z + j] - top) / total - expected);
                }
                memory[z + j] = gradient;
            }
        }
    }
}
