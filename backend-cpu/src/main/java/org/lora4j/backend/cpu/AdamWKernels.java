package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.lora4j.backend.AdamWStep;

/**
 * One AdamW update (Loshchilov and Hutter 2019), element by element, in one pass over the four arrays:
 *
 * <pre>
 *   m ← β₁·m + (1 − β₁)·g      v ← β₂·v + (1 − β₂)·g²
 *   p ← p − (η/c₁)·m / (√v·(1/√c₂) + ε)      p ← p − η·λ·p before or after
 * </pre>
 *
 * <p>The decay is one fused p − (η·λ)·p: as a factor 1 − η·λ, a small η·λ would be lost to rounding.
 */
final class AdamWKernels {

    private AdamWKernels() {
    }

    /** Updates p, m and v with the gradient g. */
    static void update(
            Workers workers, float[] p, int pOffset, float[] g, int gOffset, float[] m, int mOffset, float[] v,
            int vOffset, int count, AdamWStep step) {
        Factors factors = new Factors(step);
        Chunks.elements(workers, count, (from, to) ->
                update(p, pOffset, g, gOffset, m, mOffset, v, vOffset, from, to, factors));
    }

    /** The step's numbers, rounded once. */
    private static final class Factors {
        final float beta1;
        final float oneMinusBeta1;
        final float beta2;
        final float oneMinusBeta2;
        final float minusRate;
        final float rootFactor;
        final float epsilon;
        final float minusDecayBefore;
        final float minusDecayAfter;

        Factors(AdamWStep step) {
            boolean before = step.decayOrder() == AdamWStep.DecayOrder.BEFORE;
            float minusDecay = (float) (-step.learningRate() * step.weightDecay());
            beta1 = (float) step.beta1();
            oneMinusBeta1 = (float) (1 - step.beta1());
            beta2 = (float) step.beta2();
            oneMinusBeta2 = (float) (1 - step.beta2());
            minusRate = (float) (-step.learningRate() / step.firstCorrection());
            rootFactor = (float) (1 / Math.sqrt(step.secondCorrection()));
            epsilon = (float) step.epsilon();
            minusDecayBefore = before ? minusDecay : 0;
            minusDecayAfter = before ? 0 : minusDecay;
        }
    }

    private static void update(
            float[] p, int pOffset, float[] g, int gOffset, float[] m, int mOffset, float[] v, int vOffset, int from,
            int to, Factors f) {
        FloatVector beta1 = FloatVector.broadcast(SPECIES, f.beta1);
        FloatVector beta2 = FloatVector.broadcast(SPECIES, f.beta2);
        FloatVector minusRate = FloatVector.broadcast(SPECIES, f.minusRate);
        FloatVector rootFactor = FloatVector.broadcast(SPECIES, f.rootFactor);
        FloatVector epsilon = FloatVector.broadcast(SPECIES, f.epsilon);
        FloatVector before = FloatVector.broadcast(SPECIES, f.minusDecayBefore);
        FloatVector after = FloatVector.broadcast(SPECIES, f.minusDecayAfter);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector gradient = FloatVector.fromArray(SPECIES, g, gOffset + i);
            FloatVector first = FloatVector.fromArray(SPECIES, m, mOffset + i)
                    .fma(beta1, gradient.mul(f.oneMinusBeta1));
            FloatVector second = FloatVector.fromArray(SPECIES, v, vOffset + i)
                    .fma(beta2, gradient.mul(f.oneMinusBeta2).mul(gradient));
            FloatVector value = FloatVector.fromArray(SPECIES, p, pOffset + i);
            value = value.fma(before, value);
            value = first.div(second.sqrt().fma(rootFactor, epsilon)).fma(minusRate, value);
            value = value.fma(after, value);
            first.intoArray(m, mOffset + i);
            second.intoArray(v, vOffset + i);
            value.intoArray(p, pOffset + i);
        }
        for (; i < to; i++) {
            float gradient = g[gOffset + i];
            float first = Math.fma(m[mOffset + i], f.beta1, gradient * f.oneMinusBeta1);
            float second = Math.fma(v[vOffset + i], f.beta2, gradient * f.oneMinusBeta2 * gradient);
            float value = p[pOffset + i];
            value = Math.fma(value, f.minusDecayBefore, value);
            float root = (float) Math.sqrt(second); // exactly the rounded root: double has more than twice the bits
            value = Math.fma(first / Math.fma(root, f.rootFactor, f.epsilon), f.minusRate, value);
            value = Math.fma(value, f.minusDecayAfter, value);
            m[mOffset + i] = first;
            v[vOffset + i] = second;
            p[pOffset + i] = value;
        }
    }
}
