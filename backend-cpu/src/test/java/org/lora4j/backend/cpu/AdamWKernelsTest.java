package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.AdamWStep;

class AdamWKernelsTest {

    static Stream<AdamWStep> steps() {
        return Stream.of(
                new AdamWStep(1e-3, new Betas(0.9, 0.999), 1e-8, 0.01, 1, true, DecayOrder.BEFORE),
                new AdamWStep(1e-3, new Betas(0.9, 0.999), 1e-6, 0.1, 7, true, DecayOrder.AFTER),
                new AdamWStep(1e-2, new Betas(0.9, 0.95), 1e-6, 0.1, 1000, false, DecayOrder.BEFORE),
                new AdamWStep(1e-2, new Betas(0.8, 0.98), 1e-6, 0, 3, false, DecayOrder.AFTER));
    }

    @ParameterizedTest
    @MethodSource("steps")
    void theUpdateFollowsTheFormula(AdamWStep step) {
        for (int count : new int[] {1, 4, 6, 13, 16, 207, 702, 1024, 50_001}) {
            float[] p = Fixtures.normal(1, count, 1);
            float[] g = Fixtures.normal(2, count, 0.1);
            float[] m = Fixtures.normal(3, count, 0.1);
            float[] v = Fixtures.normal(4, count, 0.1);
            for (int i = 0; i < count; i++) {
                v[i] *= v[i];
            }
            float[] result = Fixtures.onAnyNumberOfThreads(workers -> {
                float[] p1 = p.clone();
                float[] m1 = m.clone();
                float[] v1 = v.clone();
                AdamWKernels.update(workers, p1, 0, g, 0, m1, 0, v1, 0, count, step);
                return Fixtures.concat(p1, m1, v1);
            });
            for (int i = 0; i < count; i++) {
                double first = step.beta1() * m[i] + (1 - step.beta1()) * g[i];
                double second = step.beta2() * v[i] + (1 - step.beta2()) * g[i] * g[i];
                double update = step.learningRate() * (first / step.firstCorrection())
                        / (Math.sqrt(second / step.secondCorrection()) + step.epsilon());
                double decay = step.learningRate() * step.weightDecay();
                double expected = step.decayOrder() == DecayOrder.BEFORE
                        ? p[i] - decay * p[i] - update
                        : (p[i] - update) - decay * (p[i] - update);
                double firstSize = Math.abs(step.beta1() * m[i]) + Math.abs((1 - step.beta1()) * g[i]);
                assertWithin(result[count + i], first, 3 * UNIT_ROUNDOFF * firstSize, "m");
                assertWithin(result[2 * count + i], second, 4 * UNIT_ROUNDOFF * second, "v");
                double updateSize = Math.abs(update) * firstSize / Math.max(1e-30, Math.abs(first));
                assertWithin(result[i], expected,
                        3 * UNIT_ROUNDOFF * (Math.abs(p[i]) + Math.abs(expected)) + 12 * UNIT_ROUNDOFF * updateSize, "p");
            }
        }
    }

    @Test
    void aSmallDecayIsNotLostToTheRoundingOfItsFactor() {
        // in float 1 − 4e-8 is 1 − 6e-8: as a factor it would move every p by an ulp, though most should stay
        AdamWStep step = new AdamWStep(4e-6, new Betas(0.9, 0.999), 1e-8, 0.01, 1, true, DecayOrder.BEFORE);
        int count = 1000;
        float[] p = new float[count];
        for (int i = 0; i < count; i++) {
            p[i] = 1 + i / (float) count;
        }
        float[] kept = p.clone();
        try (Workers workers = new Workers(1)) {
            AdamWKernels.update(workers, p, 0, new float[count], 0, new float[count], 0, new float[count], 0, count, step);
        }
        for (int i = 0; i < count; i++) {
            assertThat(p[i]).isEqualTo((float) (kept[i] - 4e-8 * kept[i]));
        }
    }

    @Test
    void withoutAnyGradientYetNothingMoves() {
        AdamWStep step = new AdamWStep(1e-3, new Betas(0.9, 0.999), 1e-8, 0, 1, true, DecayOrder.BEFORE);
        float[] p = Fixtures.normal(1, 100, 1);
        float[] kept = p.clone();
        try (Workers workers = new Workers(1)) {
            AdamWKernels.update(workers, p, 0, new float[100], 0, new float[100], 0, new float[100], 0, 100, step);
        }
        Fixtures.assertSameBits(p, kept, "p");
    }
}
