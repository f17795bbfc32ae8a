package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * Attention of one query of one head, as decoding wants it: laying keys out anew would take longer than using them, so
 * keys and values are read once, where they lie. A score is a sum across lanes.
 */
final class SingleQueryAttention {

    private SingleQueryAttention() {
    }

    /**
     * y ← softmax(scale·q·kᵀ)·v over the first {@code keys} keys.
     *
     * @param hidden 0 or −∞ for each key, to be added; null for none
     * @param factor dropout's factors from {@code begin} on; null for none
     * @return log Σ exp, −∞ with y = 0 where all keys are hidden
     */
    static float attend(
            float[] q, int qOffset, float[] k, int kOffset, int kStride, float[] v, int vOffset, int vStride, int keys,
            int size, float scale, float[] hidden, float[] factor, int begin, float[] y, int yOffset) {
        float[] p = Scratch.local().floats(Slot.SCORES, AttentionPanels.roundUp(keys, LANES));
        scores(q, qOffset, k, kOffset, kStride, keys, size, scale, p);
        Arrays.fill(p, keys, AttentionPanels.roundUp(keys, LANES), Float.NEGATIVE_INFINITY);
        if (hidden != null) {
            ElementwiseKernels.add(hidden, 0, p, 0, keys, 1);
        }
        float max = max(p, keys);
        if (max == Float.NEGATIVE_INFINITY) {
            Arrays.fill(y, yOffset, yOffset + size, 0);
            return max;
        }
        float sum = exponentiate(p, keys, max);
        if (factor != null) {
            ElementwiseKernels.multiply(p, 0, factor, begin, p, 0, keys);
        }
        average(p, keys, 1 / sum, v, vOffset, vStride, size, y, yOffset);
        return (float) (max + Math.log(sum));
    }

    private static void scores(
            float[] q, int qOffset, float[] k, int kOffset, int kStride, int keys, int size, float scale, float[] p) {
        for (int s = 0; s < keys; s++) {
            int at = kOffset + s * kStride;
            FloatVector sums = FloatVector.zero(SPECIES);
            int i = 0;
            for (; i <= size - LANES; i += LANES) {
                sums = FloatVector.fromArray(SPECIES, q, qOffset + i).fma(FloatVector.fromArray(SPECIES, k, at + i), sums);
            }
            float sum = VectorMath.sum(sums);
            for (; i < size; i++) {
                sum = Math.fma(q[qOffset + i], k[at + i], sum);
            }
            p[s] = sum * scale;
        }
    }

    /** The greatest score; NaN if there is one. */
    private static float max(float[] p, int keys) {
        FloatVector greatest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int s = 0; s < keys; s += LANES) {
            greatest = greatest.max(FloatVector.fromArray(SPECIES, p, s));
        }
        return greatest.reduceLanes(VectorOperators.MAX);
    }

    private static float exponentiate(float[] p, int keys, float max) {
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int s = 0; s < keys; s += LANES) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, p, s).sub(max));
            e.intoArray(p, s);
            sums = sums.add(e);
        }
        return VectorMath.sum(sums);
    }

    /** y ← factor·Σ p[s]·v[s]. */
    private static void average(
            float[] p, int keys, float factor, float[] v, int vOffset, int vStride, int size, float[] y, int yOffset) {
        int i = 0;
        for (; i <= size - 4 * LANES; i += 4 * LANES) {
            FloatVector y0 = FloatVector.zero(SPECIES);
            FloatVector y1 = FloatVector.zero(SPECIES);
            FloatVector y2 = FloatVector.zero(SPECIES);
            FloatVector y3 = FloatVector.zero(SPECIES);
            int at = vOffset + i;
            for (int s = 0; s < keys; s++, at += vStride) {
                FloatVector weight = FloatVector.broadcast(SPECIES, p[s]);
                y0 = FloatVector.fromArray(SPECIES, v, at).fma(weight, y0);
                y1 = FloatVector.fromArray(SPECIES, v, at + LANES).fma(weight, y1);
                y2 = FloatVector.fromArray(SPECIES, v, at + 2 * LANES).fma(weight, y2);
                y3 = FloatVector.fromArray(SPECIES, v, at + 3 * LANES).fma(weight, y3);
            }
            y0.mul(factor).intoArray(y, yOffset + i);
            y1.mul(factor).intoArray(y, yOffset + i + LANES);
            y2.mul(factor).intoArray(y, yOffset + i + 2 * LANES);
            y3.mul(factor).intoArray(y, yOffset + i + 3 * LANES);
        }
        for (; i <= size - LANES; i += LANES) {
            FloatVector sums = FloatVector.zero(SPECIES);
            int at = vOffset + i;
            for (int s = 0; s < keys; s++, at += vStride) {
                sums = FloatVector.fromArray(SPECIES, v, at).fma(FloatVector.broadcast(SPECIES, p[s]), sums);
            }
            sums.mul(factor).intoArray(y, yOffset + i);
        }
        for (; i < size; i++) {
            float sum = 0;
            int at = vOffset + i;
            for (int s = 0; s < keys; s++, at += vStride) {
                sum = Math.fma(v[at], p[s], sum);
            }
            y[yOffset + i] = sum * factor;
        }
    }
}
