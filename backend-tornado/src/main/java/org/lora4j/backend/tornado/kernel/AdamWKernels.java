package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/** The AdamW update of any number of parameters in one launch. */
public final class AdamWKernels {

    private AdamWKernels() {
    }

    /**
     * args: elements of all parameters together, parameters, whether the decay comes after the update, table of (first
     * elements; offsets of p; of g; of m; of v). factors: β₁, 1 − β₁, β₂, 1 − β₂, η/c₁, 1/√c₂, ε, η·λ, which is
     * not made 1 − η·λ: a float of that knows little of a small η·λ.
     */
    public static void adamW(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int entries = args[slot + 1];
        int after = args[slot + 2];
        int starts = args[slot + 3];
        int first = slot >> 3;
        for (@Parallel int i = 0; i < count; i++) {
            int e = ElementwiseKernels.entryOf(tables, starts, entries, i);
            int element = i - tables[starts + e];
            int p = tables[starts + entries + e] + element;
            int g = tables[starts + 2 * entries + e] + element;
            int m = tables[starts + 3 * entries + e] + element;
            int v = tables[starts + 4 * entries + e] + element;
            float gradient = memory[g];
            float mNew = factors[first] * memory[m] + factors[first + 1] * gradient;
            float vNew = factors[first + 2] * memory[v] + factors[first + 3] * gradient * gradient;
            float root = (float) Math.sqrt(vNew);
            float update = factors[first + 4] * mNew / (root * factors[first + 5] + factors[first + 6]);
            float decay = factors[first + 7];
            float decayBefore = after != 0 ? 0f : decay;
            float decayAfter = after != 0 ? decay : 0f;
            float old = memory[p];
            float moved = old - decayBefore * old - update;
            memory[m] = mNew;
            memory[v] = vNew;
            memory[p] = moved - decayAfter * moved;
        }
    }
}
