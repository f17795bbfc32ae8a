package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/** Attention of single queries to rows that each names for itself; a query of one head for each work item. */
public final class GatheredAttentionKernels {

    private GatheredAttentionKernels() {
    }

    private static float dot(float[] memory, int x, int y, int count) {
        float sum = 0f;
        for (int c = 0; c < count; c++) {
            sum += memory[x + c] * memory[y + c];
        }
        return sum;
    }

    /**
     * args: queries·heads, keys of each query, heads, headSize, q, its row, k, v, their row, y, its row, rows, mask, whether
     * there is one, 1 or 0, heads that share a key head, window. factors: scale.
     */
    public static void attention(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int keys = args[slot + 1];
        int nHead = args[slot + 2];
        int headSize = args[slot + 3];
        int keyRow = args[slot + 8];
        int rows = args[slot + 11];
        int masked = args[slot + 13];
        float scale = factors[slot >> 3];
        for (@Parallel int item = 0; item < count; item++) {
            int n = item / nHead;
            int head = (item - n * nHead) * headSize;
            int q = args[slot + 4] + n * args[slot + 5] + head;
            int keyHead = (item - n * nHead) / args[slot + 14] * headSize;
            int k = args[slot + 6] + keyHead;
            int v = args[slot + 7] + keyHead;
            int y = args[slot + 9] + n * args[slot + 10] + head;
            int last = keys - 1;
            int going = 1;
            while (going != 0) {
                going = last < 0 ? 0 : 1 - AttentionKernels.sees(tables, masked, args[slot + 12] + n * keys + (last < 0 ? 0 : last));
                last -= going;
            }
            int first = last + 1 - args[slot + 15];
            first = first < 0 ? 0 : first;
            float max = 0f;
            float sum = 0f;
            int seen = 0;
            for (int s = first; s < keys; s++) {
                if (AttentionKernels.sees(tables, masked, args[slot + 12] + n * keys + s) != 0) {
                    float score = scale * dot(memory, q, k + tables[rows + n * keys + s] * keyRow, headSize);
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
            for (int s = first; s < keys; s++) {
                if (AttentionKernels.sees(tables, masked, args[slot + 12] + n * keys + s) != 0) {
                    int row = tables[rows + n * keys + s] * keyRow;
                    float weight = KernelMath.exp(scale * dot(memory, q, k + row, headSize) - max) / sum;
                    for (int c = 0; c < headSize; c++) {
                        memory[y + c] = memory[y + c] + weight * memory[v + row + c];
                    }
                }
            }
        }
    }
}
