package org.lora4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;
import static org.lora4j.ByHand.trained;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.ByHand;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.nn.Parameter;

/**
 * Two steps of one number by hand, with β₁ = ½, β₂ = ¾ and η = 0.1 from p = 1, and the gradients 2 and 1:
 *
 * <pre>
 *   t = 1   m = ½·0 + ½·2 = 1   c₁ = ½   m/c₁ = 2      v = ¾·0 + ¼·4 = 1   c₂ = ¼      v/c₂ = 4
 *   t = 2   m = ½·1 + ½·1 = 1   c₁ = ¾   m/c₁ = 4/3    v = ¾·1 + ¼·1 = 1   c₂ = 7/16   v/c₂ = 16/7
 * </pre>
 */
class AdamWTest {

    private static final double ETA = 0.1;
    /** A dozen roundings of numbers around 1. */
    private static final double ROUNDINGS = 12 * 0x1p-53;

    private final Parameter p = trained("p", row(1));

    @Test
    void theMomentsAreRunningMeans() {
        AdamW adam = adam(0, 0, DecayOrder.BEFORE, false);
        step(adam, 2);
        assertThat(rows(adam.firstMoment(0))[0]).containsExactly(1);
        assertThat(rows(adam.secondMoment(0))[0]).containsExactly(1);
        step(adam, 1);
        assertThat(rows(adam.firstMoment(0))[0]).containsExactly(1);
        assertThat(rows(adam.secondMoment(0))[0]).containsExactly(1);
        assertThat(adam.steps()).isEqualTo(2);
    }

    @Test
    void twoStepsWithoutDecay() {
        AdamW adam = adam(0, 0, DecayOrder.BEFORE, false);
        step(adam, 2);
        is(1 - ETA * 2 / 2); // √4 = 2
        step(adam, 1);
        is(0.9 - ETA * (4 / 3.0) / (4 / Math.sqrt(7))); // √(16/7) = 4/√7
    }

    @Test
    void pytorchDecaysBeforeTheUpdate() {
        AdamW adam = adam(0, 0.5, DecayOrder.BEFORE, false); // η·λ = 0.05
        step(adam, 2);
        is(0.95 * 1 - 0.1);
        step(adam, 1);
        is(0.95 * 0.85 - ETA * Math.sqrt(7) / 3);
    }

    @Test
    void theAuthorsDecayAfterTheUpdate() {
        AdamW adam = adam(0, 0.5, DecayOrder.AFTER, false);
        step(adam, 2);
        is(0.95 * (1 - 0.1));
        step(adam, 1);
        is(0.95 * (0.855 - ETA * Math.sqrt(7) / 3));
    }

    @Test
    void pytorchAddsEpsilonToTheCorrectedRoot() {
        AdamW adam = adam(1, 0, DecayOrder.BEFORE, false); // ε = 1, to be seen
        step(adam, 2);
        is(1 - ETA * 2 / (2 + 1));
        step(adam, 1);
        is(1 - ETA * 2 / 3 - ETA * (4 / 3.0) / (4 / Math.sqrt(7) + 1));
    }

    @Test
    void theAuthorsAddEpsilonToTheRawRoot() {
        // p ← p − η·(√c₂/c₁)·m/(√v + ε)
        AdamW adam = adam(1, 0, DecayOrder.BEFORE, true);
        step(adam, 2);
        is(1 - ETA * (0.5 / 0.5) * 1 / (1 + 1));
        step(adam, 1);
        is(0.95 - ETA * (Math.sqrt(7) / 4 / 0.75) * 1 / (1 + 1));
    }

    @Test
    void theFirstStepIsTheLearningRateWhateverTheGradientsSize() {
        for (double gradient : new double[] {1e-6, 1, -1e6}) {
            Parameter q = trained("q", row(1));
            AdamW adam = new AdamW(REFERENCE, List.of(q), settings(0, 0, DecayOrder.BEFORE, false));
            ByHand.set(q.gradient(), row(gradient));
            adam.step(ETA);
            assertThat(rows(q.value())[0][0]).isCloseTo(1 - ETA * Math.signum(gradient), within(ROUNDINGS));
        }
    }

    @Test
    void decayDoesNotDependOnTheGradient() {
        AdamW adam = adam(1e-8, 0.5, DecayOrder.BEFORE, false);
        step(adam, 0);
        is(0.95);
    }

    @Test
    void theGradientStaysAsItIs() {
        step(adam(0, 0.5, DecayOrder.AFTER, true), 2);
        assertThat(rows(p.gradient())[0]).containsExactly(2);
    }

    private AdamW adam(double epsilon, double weightDecay, DecayOrder order, boolean epsilonOnRaw) {
        return new AdamW(REFERENCE, List.of(p), settings(epsilon, weightDecay, order, epsilonOnRaw));
    }

    private static AdamW.Settings settings(double epsilon, double weightDecay, DecayOrder order, boolean epsilonOnRaw) {
        return new AdamW.Settings(0.5, 0.75, epsilon, weightDecay, order, epsilonOnRaw);
    }

    private void step(AdamW adam, double gradient) {
        ByHand.set(p.gradient(), row(gradient));
        adam.step(ETA);
    }

    private void is(double expected) {
        assertThat(rows(p.value())[0][0]).isCloseTo(expected, within(ROUNDINGS));
    }
}
