package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Masked multi-head attention and its gradient, a query or a key of one head for each work item.
 *
 * <p>args, from {@code slot}, the same for all three kernels:
 * <pre>
 *    0 work items   1 batch   2 queries   3 keys   4 keyRows   5 nHead   6 headSize   7 causal
 *    8 mask   9 lse, or −1   10 dropout's key0   11 key1   12 step   13 site   14 threshold, 15 whether it drops
 *   16 q  17 its row   18 k  19   20 v  21   22 y  23   24 dy  25   26 dq  27   28 dk  29   30 dv  31   32 whether there is a mask, 1 or 0
 *   33 heads that share a key head   34 window
 * </pre>
 * factors: scale, dropout's 1/(1 − p), −∞.
 */
public final class AttentionKernels {

    private AttentionKernels() {
    }

    private static float dot(float[] memory, int x, int y, int count) {
        float sum = 0f;
        for (int c = 0; c < count; c++) {
            sum += memory[x + c] * memory[y + c];
        }
        return sum;
    }

    /**
     * Whether a key may be seen, 1 or 0, without a branch: a loop body that two branches lead into, as those of
     * {@code mask < 0 || tables[…] != 0} do, is not skipped where it should be in what TornadoVM 5.2.0 makes of it.
     *
     * @param masked 1 if there is a mask, else 0
     */
    static int sees(int[] tables, int masked, int at) {
        return 1 - masked + masked * tables[masked * at];
    }

    /** What dropout multiplies a weight with. */
    static float kept(int[] args, float[] factors, int slot, int row, int s) {
        if (args[slot + 15] == 0) {
            return 1f;
        }
        long element = (long) row * args[slot + 3] + s;
        return DropoutKernels.factor(args[slot + 10], args[slot + 11], args[slot + 12], args[slot + 13], element,
                args[slot + 14], factors[(slot >> 3) + 1]);
    }

    /** One work item a query: maximum and sum of its scores in one pass, then the weighted values. */
    public static void forward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int mask = args[slot + 8];
        int masked = args[slot + 32];
        float scale = factors[slot >> 3];
        for (@Parallel int row = 0; row < count; row++) {
            int t = row % queries;
            int h = row / queries % nHead;
            int b = row / queries / nHead;
            int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize;
            int k = args[slot + 18] + b * args[slot + 4] * args[slot + 19] + h / args[slot + 33] * headSize;
            int v = args[slot + 20] + b * args[slot + 4] * args[slot + 21] + h / args[slot + 33] * headSize;
            int y = args[slot + 22] + (b * queries + t) * args[slot + 23] + h * headSize;
            int visible = args[slot + 7] != 0 ? t + 1 + keys - queries : keys;
            int first = visible - args[slot + 34];
            first = first < 0 ? 0 : first;
            float max = 0f;
            float sum = 0f;
            int seen = 0;
            for (int s = first; s < visible; s++) {
                if (sees(tables, masked, mask + b * keys + s) != 0) {
                    float score = scale * dot(memory, q, k + s * args[slot + 19], headSize);
                    if (seen == 0) {
                        max = score;
                        sum = 1f;
                    } else if (score > max) {
                        sum = sum * KernelMath.exp(max - score) + 1f;
                        max = score;
                    } else {
                        sum += KernelMath.exp(score - max);
                    }
                    seen = 1;
                }
            }
            for (int c = 0; c < headSize; c++) {
                memory[y + c] = 0f;
            }
            for (int s = first; s < visible; s++) {
                if (sees(tables, masked, mask + b * keys + s) != 0) {
                    float score = scale * dot(memory, q, k + s * args[slot + 19], headSize);
                    float weight = KernelMath.exp(score - max) / sum * kept(args, factors, slot, row, s);
                    int value = v + s * args[slot + 21];
                    for (int c = 0; c < headSize; c++) {
                        memory[y + c] = memory[y + c] + weight * memory[value + c];
                    }
                }
            }
            if (args[slot + 9] >= 0) {
                memory[args[slot + 9] + row] = seen == 0 ? factors[(slot >> 3) + 2] : max + KernelMath.log(sum);
            }
        }
    }

    /** dq ← scale·dS·k, one work item a query. */
    public static void backwardQueries(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int mask = args[slot + 8];
        int masked = args[slot + 32];
        float scale = factors[slot >> 3];
        for (@Parallel int row = 0; row < count; row++) {
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
            int first = visible - args[slot + 34];
            first = first < 0 ? 0 : first;
            float lse = memory[args[slot + 9] + row];
            float d = dot(memory, dy, y, headSize);
            for (int c = 0; c < headSize; c++) {
                memory[dq + c] = 0f;
            }
            for (int s = first; s < visible; s++) {
                if (sees(tables, masked, mask + b * keys + s) != 0) {
                    int key = k + s * args[slot + 19];
                    float p = KernelMath.exp(scale * dot(memory, q, key, headSize) - lse);
                    float dyv = dot(memory, dy, v + s * args[slot + 21], headSize);
                    float ds = scale * (p * (kept(args, factors, slot, row, s) * dyv - d));
                    for (int c = 0; c < headSize; c++) {
                        memory[dq + c] = memory[dq + c] + ds * memory[key + c];
                    }
                }
            }
        }
    }

    /** dk ← scale·dSᵀ·q and dv ← (P ⊙ M)ᵀ·dy, one work item a key of a key head, over all heads that share it. */
    public static void backwardKeys(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int nHead = args[slot + 5];
        int headSize = args[slot + 6];
        int mask = args[slot + 8];
        int masked = args[slot + 32];
        int group = args[slot + 33];
        float scale = factors[slot >> 3];
        for (@Parallel int item = 0; item < count; item++) {
            int s = item % keys;
            int keyHead = item / keys % (nHead / group);
            int b = item / keys / (nHead / group);
            int head = keyHead * headSize;
            int k = args[slot + 18] + (b * args[slot + 4] + s) * args[slot + 19] + head;
            int v = args[slot + 20] + (b * args[slot + 4] + s) * args[slot + 21] + head;
            int dk = args[slot + 28] + (b * args[slot + 4] + s) * args[slot + 29] + head;
            int dv = args[slot + 30] + (b * args[slot + 4] + s) * args[slot + 31] + head;
            for (int c = 0; c < headSize; c++) {
                memory[dk + c] = 0f;
                memory[dv + c] = 0f;
            }
            if (sees(tables, masked, mask + b * keys + s) != 0) {
                int first = args[slot + 7] != 0 ? s - (keys - queries) : 0;
                first = first < 0 ? 0 : first;
                int window = args[slot + 34] < keys ? args[slot + 34] : keys;
                int behind = s - (keys - queries) + window;
                behind = behind < queries ? behind : queries;
                int each = behind - first;
                for (int i = 0; i < group * each; i++) {
                    int h = keyHead * group + i / each;
                    int t = first + i % each;
                    int row = (b * nHead + h) * queries + t;
                    int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize;
                    int y = args[slot + 22] + (b * queries + t) * args[slot + 23] + h * headSize;
                    int dy = args[slot + 24] + (b * queries + t) * args[slot + 25] + h * headSize;
                    float p = KernelMath.exp(scale * dot(memory, q, k, headSize) - memory[args[slot + 9] + row]);
                    float m = kept(args, factors, slot, row, s);
                    float d = dot(memory, dy, y, headSize);
                    float ds = scale * (p * (m * dot(memory, dy, v, headSize) - d));
                    for (int c = 0; c < headSize; c++) {
                        memory[dv + c] = memory[dv + c] + p * m * memory[dy + c];
                        memory[dk + c] = memory[dk + c] + ds * memory[q + c];
                    }
                }
            }
        }
    }
}
