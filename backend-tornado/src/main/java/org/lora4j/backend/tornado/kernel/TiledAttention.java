package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Attention and its gradient for GPUs: a work group of {@value #GROUP} for each query, or each key, of one head. Its work
 * items first share the scores out among them, which stay in local memory, then the features. args as in
 * {@link AttentionKernels}.
 */
public final class TiledAttention {

    /** Work items of a group. */
    public static final int GROUP = 64;
    /** Most keys, and most queries, whose scores local memory holds. */
    public static final int MOST_KEYS = 2048;

    private TiledAttention() {
    }

    private static float dot(float[] memory, int x, int y, int count) {
        float sum = 0f;
        for (int c = 0; c < count; c++) {
            sum += memory[x + c] * memory[y + c];
        }
        return sum;
    }

    /** As {@link AttentionKernels#forward}. */
    public static void forward(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] weights = context.allocateFloatLocalArray(MOST_KEYS);
        float[] partial = context.allocateFloatLocalArray(GROUP);
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int masked = args[slot + 32];
        float lowest = factors[(slot >> 3) + 2]; // −∞
        int row = context.groupIdx;
        int item = context.localIdx;
        int t = row % queries;
        int h = row / queries % nHead;
        int b = row / queries / nHead;
        int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize;
        int k = args[slot + 18] + b * args[slot + 4] * args[slot + 19] + h / args[slot + 33] * headSize;
        int v = args[slot + 20] + b * args[slot + 4] * args[slot + 21] + h / args[slot + 33] * headSize;
        int y = args[slot + 22] + (b * queries + t) * args[slot + 23] + h * headSize;
        int visible = args[slot + 7] != 0 ? t + 1 + keys - queries : keys;
        float max = lowest;
        for (int s = item; s < visible; s += GROUP) {
            float score = lowest;
            if (AttentionKernels.sees(tables, masked, args[slot + 8] + b * keys + s) != 0) {
                score = factors[slot >> 3] * dot(memory, q, k + s * args[slot + 19], headSize);
            }
            weights[s] = score;
            max = score > max ? score : max;
        }
        partial[item] = max;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                if (partial[item + half] > partial[item]) {
                    partial[item] = partial[item + half];
                }
            }
            context.localBarrier();
        }
        float top = partial[0];
        context.localBarrier();
        float sum = 0f;
        for (int s = item; s < visible; s += GROUP) {
            float weight = 0f;
            // not "is greater than the lowest": a score that is NaN must become a weight that is NaN
            if (AttentionKernels.sees(tables, masked, args[slot + 8] + b * keys + s) != 0) {
                weight = KernelMath.exp(weights[s] - top);
            }
            weights[s] = weight;
            sum += weight;
        }
        partial[item] = sum;
        context.localBarrier();
        for (int half = GROUP / 2; half > 0; half >>= 1) {
            if (item < half) {
                partial[item] += partial[item + half];
            }
            context.localBarrier();
        }
        float total = partial[0];
        context.localBarrier();
        for (int s = item; s < visible; s += GROUP) {
            float weight = 0f;
            if (weights[s] != 0f) {
                weight = weights[s] / total * AttentionKernels.kept(args, factors, slot, row, s);
            }
            weights[s] = weight;
        }
        context.localBarrier();
        for (int c = item; c < headSize; c += GROUP) {
            float mixed = 0f;
            for (int s = 0; s < visible; s++) {
                if (weights[s] != 0f) { // a hidden key's value may be anything, NaN too
                    mixed += weights[s] * memory[v + s * args[slot + 21] + c];
                }
            }
            memory[y + c] = mixed;
        }
        if (item == 0) {
            if (args[slot + 9] >= 0) {
                memory[args[slot + 9] + row] = total == 0f ? lowest : top + KernelMath.log(total);
            }
        }
    }

    /** As {@link AttentionKernels#backwardQueries}. */
    public static void backwardQueries(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] slopes = context.allocateFloatLocalArray(MOST_KEYS);
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int masked = args[slot + 32];
        float scale = factors[slot >> 3];
        int row = context.groupIdx;
        int item = context.localIdx;
        int t = row % queries;
        int h = row / queries % nHead;
        int b = row / queries / nHead;
        int head = h * headSize;
        int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + head;
        int keyHead = h / args[slot + 33] * headSize;
        int k = args[slot + 18] + b * args[slot + 4] * args[slot + 19] + keyHead;
        int v = args[slot + 20] + b * args[slot + 4] * args[slot + 21] + keyHead;
        int y = args[slot + 22] + (b * queries + t) * args[slot + 23] + head;
        int dy = args[slot + 24] + (b * queries + t) * args[slot + 25] + head;
        int dq = args[slot + 26] + (b * queries + t) * args[slot + 27] + head;
        int visible = args[slot + 7] != 0 ? t + 1 + keys - queries : keys;
        float lse = memory[args[slot + 9] + row];
        float d = dot(memory, dy, y, headSize);
        for (int s = item; s < visible; s += GROUP) {
            float ds = 0f;
            if (AttentionKernels.sees(tables, masked, args[slot + 8] + b * keys + s) != 0) {
                float p = KernelMath.exp(scale * dot(memory, q, k + s * args[slot + 19], headSize) - lse);
                float dyv = dot(memory, dy, v + s * args[slot + 21], headSize);
                ds = scale * (p * (AttentionKernels.kept(args, factors, slot, row, s) * dyv - d));
            }
            slopes[s] = ds;
        }
        context.localBarrier();
        for (int c = item; c < headSize; c += GROUP) {
            float sum = 0f;
            for (int s = 0; s < visible; s++) {
                if (AttentionKernels.sees(tables, masked, args[slot + 8] + b * keys + s) != 0) {
                    sum += slopes[s] * memory[k + s * args[slot + 19] + c];
                }
            }
            memory[dq + c] = sum;
        }
    }

    /** As {@link AttentionKernels#backwardKeys}. */
    public static void backwardKeys(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] weights = context.allocateFloatLocalArray(MOST_KEYS);
        float[] slopes = context.allocateFloatLocalArray(MOST_KEYS);
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int masked = args[slot + 32];
        float scale = factors[slot >> 3];
        int item = context.localIdx;
        int group = args[slot + 33];
        int s = context.groupIdx % keys;
        int keyHead = context.groupIdx / keys % (nHead / group);
        int b = context.groupIdx / keys / (nHead / group);
        int k = args[slot + 18] + (b * args[slot + 4] + s) * args[slot + 19] + keyHead * headSize;
        int v = args[slot + 20] + (b * args[slot + 4] + s) * args[slot + 21] + keyHead * headSize;
        int dk = args[slot + 28] + (b * args[slot + 4] + s) * args[slot + 29] + keyHead * headSize;
        int dv = args[slot + 30] + (b * args[slot + 4] + s) * args[slot + 31] + keyHead * headSize;
        int first = args[slot + 7] != 0 ? s - (keys - queries) : 0;
        first = first < 0 ? 0 : first;
        // a key that nobody sees is seen from behind the last query
        first = AttentionKernels.sees(tables, masked, args[slot + 8] + b * keys + s) != 0 ? first : queries;
        for (int c = item; c < headSize; c += GROUP) {
            memory[dk + c] = 0f;
            memory[dv + c] = 0f;
        }
        for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
            int q = args[slot + 16] + b * queries * args[slot + 17] + h * headSize;
            int y = args[slot + 22] + b * queries * args[slot + 23] + h * headSize;
            int dy = args[slot + 24] + b * queries * args[slot + 25] + h * headSize;
            for (int t = first + item; t < queries; t += GROUP) {
                int row = (b * nHead + h) * queries + t;
                float p = KernelMath.exp(
                        scale * dot(memory, q + t * args[slot + 17], k, headSize) - memory[args[slot + 9] + row]);
                float m = AttentionKernels.kept(args, factors, slot, row, s);
                float d = dot(memory, dy + t * args[slot + 25], y + t * args[slot + 23], headSize);
                weights[t] = p * m;
                slopes[t] = scale * (p * (m * dot(memory, dy + t * args[slot + 25], v, headSize) - d));
            }
            context.localBarrier();
            for (int c = item; c < headSize; c += GROUP) {
                float sumOfV = 0f;
                float sumOfK = 0f;
                for (int t = first; t < queries; t++) {
                    sumOfV += weights[t] * memory[dy + t * args[slot + 25] + c];
                    sumOfK += slopes[t] * memory[q + t * args[slot + 17] + c];
                }
                memory[dv + c] = memory[dv + c] + sumOfV;
                memory[dk + c] = memory[dk + c] + sumOfK;
            }
            context.localBarrier(); // before the next head's weights take their place
        }
    }
}
