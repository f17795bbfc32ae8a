package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/** Rotary embeddings, a pair of columns of one head for each work item. */
public final class RotaryKernels {

    private RotaryKernels() {
    }

    /**
     * a ← a·c − b·s and b ← b·c + a·s. args: rows·heads·half, x, its row, headSize, half, heads, cosines, sines. factors: 1, or −1
     * for the gradient.
     */
    public static void rotate(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int half = args[slot + 4];
        int heads = args[slot + 5];
        float direction = factors[slot >> 3];
        for (@Parallel int item = 0; item < count; item++) {
            int i = item % half;
            int row = item / half / heads;
            int at = args[slot + 1] + row * args[slot + 2] + item / half % heads * args[slot + 3] + i;
            float a = memory[at];
            float b = memory[at + half];
            float c = memory[args[slot + 6] + row * half + i];
            float s = direction * memory[args[slot + 7] + row * half + i];
            memory[at] = a * c - b * s;
            memory[at + half] = b * c + a * s;
        }
    }
}
