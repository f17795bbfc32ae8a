package org.lora4j.backend.tornado.kernel;

import org.lora4j.tensor.Philox;
import uk.ac.manchester.tornado.api.annotations.Parallel;

/** Inverted dropout: the Philox word of an element decides, as {@link org.lora4j.backend.DropoutMask} defines it. */
public final class DropoutKernels {

    private DropoutKernels() {
    }

    /** What an element is multiplied by: {@code scale} where it is kept, 0 where it is dropped. */
    static float factor(int key0, int key1, int step, int site, long element, int threshold, float scale) {
        long block = element >>> 2;
        int word = Philox.word(key0, key1, (int) block, (int) (block >>> 32), site, step, (int) element & 3);
        // unsigned comparison
        return (word ^ 0x80000000) >= (threshold ^ 0x80000000) ? scale : 0f;
    }

    /** y ← x ⊙ keep/(1 − p). args: count, x, y, key0, key1, step, site, threshold. factors: 1/(1 − p). */
    public static void dropout(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int x = args[slot + 1];
        int y = args[slot + 2];
        int key0 = args[slot + 3];
        int key1 = args[slot + 4];
        int step = args[slot + 5];
        int site = args[slot + 6];
        int threshold = args[slot + 7];
        float scale = factors[slot >> 3];
        for (@Parallel int i = 0; i < count; i++) {
            float factor = factor(key0, key1, step, site, i, threshold, scale);
            memory[y + i] = factor == 0f ? 0f : memory[x + i] * factor;
        }
    }
}
