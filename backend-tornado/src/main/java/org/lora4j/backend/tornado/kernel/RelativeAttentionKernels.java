package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Attention whose scores get something from distances too, and its gradient: {@link AttentionKernels} with two more
 * products in each score, in kernels of their own, so that attention without them is not a bit slower.
 *
 * <p>args, from {@code slot}: those of {@link AttentionKernels}, and
 * <pre>
 *   34 rows of distances, in tables   35 relative keys  36 their row  37 features of a head, 0 without them
 *   38 relative queries  39 their row  40 features, 0 without them   41 dRelativeKeys  42  43 dRelativeQueries  44
 *   45 rows of either   46 which of the two gradients
 * </pre>
 */
public final class RelativeAttentionKernels {

    private RelativeAttentionKernels() {
    }

    private static float dot(float[] memory, int x, int y, int count) {
        float sum = 0f;
        for (int c = 0; c < count; c++) {
            sum += memory[x + c] * memory[y + c];
        }
        return sum;
    }

    /** q·k + q·k̂ + q̂·k; table is the row of the distance, head where the head begins in a row. */
    private static float products(float[] memory, int[] args, int slot, int q, int k, int table, int head) {
        return dot(memory, q, k, args[slot + 6])
                + dot(memory, q, args[slot + 35] + table * args[slot + 36] + head, args[slot + 37])
                + dot(memory, args[slot + 38] + table * args[slot + 39] + head, k, args[slot + 40]);
    }

    /** y and lse, one work item a query: the maximum and the sum of its scores in one pass, then the weighted values. */
    public static void forward(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int headSize = args[slot + 6];
        int masked = args[slot + 32];
        float scale = factors[slot >> 3];
        for (@Parallel int row = 0; row < count; row++) {
            int t = row % queries;
            int h = row / queries % args[slot + 5];
            int b = row / queries / args[slot + 5];
            int head = h * headSize;
            int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + head;
            int k = args[slot + 18] + b * args[slot + 4] * args[slot + 19] + h / args[slot + 33] * headSize;
            int v = args[slot + 20] + b * args[slot + 4] * args[slot + 21] + h / args[slot + 33] * headSize;
            int y = args[slot + 22] + (b * queries + t) * args[slot + 23] + head;
            int visible = args[slot + 7] != 0 ? t + 1 + keys - queries : keys;
            int mask = args[slot + 8] + b * keys;
            int distance = args[slot + 34] + t + keys - 1;
            float max = 0f;
            float sum = 0f;
            int seen = 0;
            for (int s = 0; s < visible; s++) {
                if (AttentionKernels.sees(tables, masked, mask + s) != 0) {
                    float score = scale * products(memory, args, slot, q, k + s * args[slot + 19], tables[distance - s], head);
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
            for (int s = 0; s < visible; s++) {
                if (AttentionKernels.sees(tables, masked, mask + s) != 0) {
                    float score = scale * products(memory, args, slot, q, k + s * args[slot + 19], tables[distance - s], head);
                    float weight = KernelMath.exp(score - max) / sum * AttentionKernels.kept(args, factors, slot, row, s);
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

    /** scale·dS of a query and a key of one head, both of which are seen. */
    private static float slope(
            float[] memory, int[] tables, int[] args, float[] factors, int slot, int b, int h, int t, int s) {
        int queries = args[slot + 2];
        int headSize = args[slot + 6];
        int head = h * headSize;
        int keyHead = h / args[slot + 33] * headSize;
        int query = b * queries + t;
        int key = b * args[slot + 4] + s;
        int row = (b * args[slot + 5] + h) * queries + t;
        int dy = args[slot + 24] + query * args[slot + 25] + head;
        float score = factors[slot >> 3] * products(memory, args, slot, args[slot + 16] + query * args[slot + 17] + head,
                args[slot + 18] + key * args[slot + 19] + keyHead, tables[args[slot + 34] + t - s + args[slot + 3] - 1], head);
        float p = KernelMath.exp(score - memory[args[slot + 9] + row]);
        float d = dot(memory, dy, args[slot + 22] + query * args[slot + 23] + head, headSize);
        float dyv = dot(memory, dy, args[slot + 20] + key * args[slot + 21] + keyHead, headSize);
        return factors[slot >> 3] * (p * (AttentionKernels.kept(args, factors, slot, row, s) * dyv - d));
    }

    /** dq ← scale·dS·(k + k̂), one work item a query. */
    public static void backwardQueries(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int headSize = args[slot + 6];
        for (@Parallel int row = 0; row < count; row++) {
            int t = row % queries;
            int h = row / queries % args[slot + 5];
            int b = row / queries / args[slot + 5];
            int k = args[slot + 18] + b * args[slot + 4] * args[slot + 19] + h / args[slot + 33] * headSize;
            int dq = args[slot + 26] + (b * queries + t) * args[slot + 27] + h * headSize;
            int visible = args[slot + 7] != 0 ? t + 1 + keys - queries : keys;
            for (int c = 0; c < headSize; c++) {
                memory[dq + c] = 0f;
            }
            for (int s = 0; s < visible; s++) {
                if (AttentionKernels.sees(tables, args[slot + 32], args[slot + 8] + b * keys + s) != 0) {
                    float ds = slope(memory, tables, args, factors, slot, b, h, t, s);
                    int key = k + s * args[slot + 19];
                    int table = args[slot + 35] + tables[args[slot + 34] + t - s + keys - 1] * args[slot + 36] + h * headSize;
                    for (int c = 0; c < headSize; c++) {
                        memory[dq + c] = memory[dq + c] + ds * memory[key + c];
                    }
                    for (int c = 0; c < args[slot + 37]; c++) {
                        memory[dq + c] = memory[dq + c] + ds * memory[table + c];
                    }
                }
            }
        }
    }

    /** dk ← scale·dSᵀ·(q + q̂), one work item a key of a key head, over all heads that share it. */
    public static void backwardKeys(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int headSize = args[slot + 6];
        int group = args[slot + 33];
        for (@Parallel int item = 0; item < count; item++) {
            int s = item % keys;
            int keyHead = item / keys % (args[slot + 5] / group);
            int b = item / keys / (args[slot + 5] / group);
            int dk = args[slot + 28] + (b * args[slot + 4] + s) * args[slot + 29] + keyHead * headSize;
            for (int c = 0; c < headSize; c++) {
                memory[dk + c] = 0f;
            }
            if (AttentionKernels.sees(tables, args[slot + 32], args[slot + 8] + b * keys + s) != 0) {
                int first = args[slot + 7] != 0 ? s - (keys - queries) : 0;
                first = first < 0 ? 0 : first;
                int each = queries - first;
                for (int i = 0; i < group * each; i++) {
                    int h = keyHead * group + i / each;
                    int t = first + i % each;
                    float ds = slope(memory, tables, args, factors, slot, b, h, t, s);
                    int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize;
                    int table = args[slot + 38] + tables[args[slot + 34] + t - s + keys - 1] * args[slot + 39] + h * headSize;
                    for (int c = 0; c < headSize; c++) {
                        memory[dk + c] = memory[dk + c] + ds * memory[q + c];
                    }
                    for (int c = 0; c < args[slot + 40]; c++) {
                        memory[dk + c] = memory[dk + c] + ds * memory[table + c];
                    }
                }
            }
        }
    }

    /** dv ← (P ⊙ M)ᵀ·dy, one work item a key of a key head, over all heads that share it. */
    public static void backwardValues(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int headSize = args[slot + 6];
        int group = args[slot + 33];
        for (@Parallel int item = 0; item < count; item++) {
            int s = item % keys;
            int keyHead = item / keys % (args[slot + 5] / group);
            int b = item / keys / (args[slot + 5] / group);
            int k = args[slot + 18] + (b * args[slot + 4] + s) * args[slot + 19] + keyHead * headSize;
            int dv = args[slot + 30] + (b * args[slot + 4] + s) * args[slot + 31] + keyHead * headSize;
            for (int c = 0; c < headSize; c++) {
                memory[dv + c] = 0f;
            }
            if (AttentionKernels.sees(tables, args[slot + 32], args[slot + 8] + b * keys + s) != 0) {
                int first = args[slot + 7] != 0 ? s - (keys - queries) : 0;
                first = first < 0 ? 0 : first;
                int each = queries - first;
                for (int i = 0; i < group * each; i++) {
                    int h = keyHead * group + i / each;
                    int t = first + i % each;
                    int row = (b * args[slot + 5] + h) * queries + t;
                    int q = args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize;
                    int dy = args[slot + 24] + (b * queries + t) * args[slot + 25] + h * headSize;
                    float score = factors[slot >> 3]
                            * products(memory, args, slot, q, k, tables[args[slot + 34] + t - s + keys - 1], h * headSize);
                    float weight = KernelMath.exp(score - memory[args[slot + 9] + row])
                            * AttentionKernels.kept(args, factors, slot, row, s);
                    for (int c = 0; c < headSize; c++) {
                        memory[dv + c] = memory[dv + c] + weight * memory[dy + c];
                    }
                }
            }
        }
    }

    /**
     * One of the two: dk̂ ← scale·Σ dS·q or dq̂ ← scale·Σ dS·k, one work item a row of the table and a head, over all
     * sequences, and all queries and keys at a distance that has this row.
     */
    public static void backwardTable(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int queries = args[slot + 2];
        int keys = args[slot + 3];
        int headSize = args[slot + 6];
        int other = args[slot + 46];
        for (@Parallel int item = 0; item < count; item++) {
            int p = item % args[slot + 45];
            int h = item / args[slot + 45];
            int to = args[slot + 41 + 2 * other] + p * args[slot + 42 + 2 * other] + h * headSize;
            for (int c = 0; c < headSize; c++) {
                memory[to + c] = 0f;
            }
            int pairs = queries * keys;
            for (int i = 0; i < args[slot + 1] * pairs; i++) {
                int b = i / pairs;
                int t = i % pairs / keys;
                int s = i % keys;
                int sees = AttentionKernels.sees(tables, args[slot + 32], args[slot + 8] + b * keys + s);
                int future = args[slot + 7] != 0 ? s - t - keys + queries : 0;
                sees = future > 0 ? 0 : sees;
                sees = tables[args[slot + 34] + t - s + keys - 1] == p ? sees : 0;
                if (sees != 0) {
                    float ds = slope(memory, tables, args, factors, slot, b, h, t, s);
                    int from = other == 0 ? args[slot + 16] + (b * queries + t) * args[slot + 17] + h * headSize
                            : args[slot + 18] + (b * args[slot + 4] + s) * args[slot + 19] + h / args[slot + 33] * headSize;
                    for (int c = 0; c < headSize; c++) {
                        memory[to + c] = memory[to + c] + ds * memory[from + c];
                    }
                }
            }
        }
    }
}
