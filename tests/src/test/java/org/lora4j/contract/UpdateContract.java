package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.AdamWStep;
import org.lora4j.tensor.Tensor;

/** Reductions to one number, and the optimiser's update. */
abstract class UpdateContract extends ContractFamily {

    UpdateContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void sumsAreTakenWithDoublesCare(int size) {
        double[] x = numbers("x", 101 * size);
        Tensor tensor = tensor(x, 101, size);
        double sum = 0;
        double size1 = 0;
        double squares = 0;
        for (double value : x) {
            sum += value;
            size1 += Math.abs(value);
            squares += value * value; // exact in double, as value is a float
        }
        // n terms in double, on both sides, whatever the tensor's precision
        double care = 2 * x.length * 0x1p-53;
        assertThat(backend().sum(tensor)).isCloseTo(sum, within(care * size1));
        assertThat(backend().sumOfSquares(tensor)).isCloseTo(squares, within(care * squares));
        assertThat(backend().sum(tensor)).isEqualTo(backend().sum(tensor));
        assertThat(backend().sumOfSquares(tensor)).isEqualTo(backend().sumOfSquares(tensor));
    }

    @Test
    void sumsNeitherCancelNorOverflowWhereDoubleWouldNot() {
        assertThat(backend().sum(vector(1e8f, 1, -1e8f))).isEqualTo(1);
        assertThat(backend().sum(vector(Float.MAX_VALUE, Float.MAX_VALUE))).isEqualTo(2.0 * Float.MAX_VALUE);
        assertThat(backend().sumOfSquares(vector(0x1p100, 0, -0.0))).isEqualTo(0x1p200);
        assertThat(backend().sumOfSquares(vector(0x1p-100))).isEqualTo(0x1p-200);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void adamWFollowsItsFormula(int size) {
        double[] p = numbers("p", size);
        double[] m = numbers("m", size);
        double[] v = Oracle.abs(numbers("v", size));
        for (boolean correction : new boolean[] {true, false}) {
            for (DecayOrder order : DecayOrder.values()) {
                for (long t : new long[] {1, 2, 1000}) {
                    AdamWStep step = new AdamWStep(1e-2, new Betas(0.9, 0.999), 1e-6, 0.1, t, correction, order);
                    checkAdamW(p, numbers("g" + t, size), m, v, step);
                }
            }
        }
    }

    /** 1 − η·λ as a float would be off by up to half of η·λ = 10⁻⁷, in every step the same way. */
    @Test
    void aSmallWeightDecayIsRoundedOnlyWithTheParameter() {
        double[] p = numbers("p", 1000);
        for (DecayOrder order : DecayOrder.values()) {
            Tensor parameter = tensor(p, 1000);
            backend().adamW(parameter, tensor(constant(0, 1000), 1000), tensor(constant(0, 1000), 1000),
                    tensor(constant(0, 1000), 1000), new AdamWStep(1e-5, new Betas(0.9, 0.999), 1e-6, 0.01, 1, true, order));
            double[] expected = Arrays.stream(p).map(x -> x - 1e-7 * x).toArray();
            assertWithin(read(parameter), expected, i -> roundings(1.001) * Math.abs(p[i]));
        }
    }

    private void checkAdamW(double[] p, double[] g, double[] m, double[] v, AdamWStep step) {
        int size = p.length;
        Tensor pT = tensor(p, size);
        Tensor mT = tensor(m, size);
        Tensor vT = tensor(v, size);
        backend().adamW(pT, tensor(g, size), mT, vT, step);
        double c1 = step.biasCorrection() ? 1 - Math.pow(step.beta1(), step.step()) : 1;
        double c2 = step.biasCorrection() ? 1 - Math.pow(step.beta2(), step.step()) : 1;
        double lr = step.learningRate();
        double[] first = new double[size];
        double[] second = new double[size];
        double[] after = new double[size];
        double[] firstSize = new double[size];
        double[] updateError = new double[size];
        for (int i = 0; i < size; i++) {
            first[i] = m[i] + (1 - step.beta1()) * (g[i] - m[i]);
            firstSize[i] = step.beta1() * Math.abs(m[i]) + (1 - step.beta1()) * Math.abs(g[i]);
            second[i] = v[i] + (1 - step.beta2()) * (g[i] * g[i] - v[i]);
            double denominator = Math.sqrt(second[i] / c2) + step.epsilon();
            double update = lr / c1 * first[i] / denominator;
            double shrink = 1 - lr * step.weightDecay();
            after[i] = step.decayOrder() == DecayOrder.BEFORE ? p[i] * shrink - update : (p[i] - update) * shrink;
            // m's error passes through; v's is halved by the root; the corrections, two divisions, the root and the sum
            updateError[i] = lr / c1 * roundings(3) * firstSize[i] / denominator + roundings(2 + 8) * Math.abs(update);
        }
        // β and its complement, the product and the sum
        assertWithin(read(mT), first, i -> roundings(3) * firstSize[i]);
        assertWithin(read(vT), second, i -> roundings(4) * second[i]);
        assertWithin(read(pT), after, i -> updateError[i] + roundings(4) * (Math.abs(p[i]) + Math.abs(after[i])));
    }

    @Test
    void adamWGivesTheHandWorkedNumbers() {
        // p = 1, g = ½, β = (0.9, 0.999), η = 0.1, λ = 0.1, ε = 0:
        // m = 0.05, v = 0.00025, m̂ = ½, v̂ = ¼, update = 0.1·½/½ = 0.1
        // BEFORE: 1 − 0.01 − 0.1 = 0.89     AFTER: (1 − 0.1)·(1 − 0.01) = 0.891
        for (DecayOrder order : DecayOrder.values()) {
            Tensor p = vector(1);
            Tensor m = vector(0);
            Tensor v = vector(0);
            backend().adamW(p, vector(0.5), m, v, new AdamWStep(0.1, new Betas(0.9, 0.999), 0, 0.1, 1, true, order));
            assertThat(read(m)[0]).isCloseTo(0.05, within(roundings(3) * 0.05));
            assertThat(read(v)[0]).isCloseTo(0.00025, within(roundings(4) * 0.00025));
            assertThat(read(p)[0]).isCloseTo(order == DecayOrder.BEFORE ? 0.89 : 0.891, within(roundings(12)));
        }
    }

    @Test
    void withoutBiasCorrectionTheFirstStepIsTheRawMoments() {
        // m = 0.1·2 = 0.2, v = 0.001·4 = 0.004, p = 3 − 0.5·0.2/(√0.004 + 0.1)
        Tensor p = vector(3);
        backend().adamW(p, vector(2), vector(0), vector(0),
                new AdamWStep(0.5, new Betas(0.9, 0.999), 0.1, 0, 1, false, DecayOrder.AFTER));
        assertThat(read(p)[0]).isCloseTo(3 - 0.1 / (Math.sqrt(0.004) + 0.1), within(roundings(12) * 3));
    }

    @Test
    void aZeroGradientFromRestOnlyDecays() {
        Tensor p = vector(2, -0.0, Float.MIN_VALUE, 0x1p100);
        Tensor zero = vector(0, 0, 0, 0);
        Tensor m = vector(0, 0, 0, 0);
        Tensor v = vector(0, 0, 0, 0);
        backend().adamW(p, zero, m, v, new AdamWStep(1, new Betas(0.9, 0.999), 1e-8, 0.5, 1, true, DecayOrder.BEFORE));
        assertWithin(read(p), new double[] {1, 0, Float.MIN_VALUE / 2.0, 0x1p99}, i -> 0);
        assertThat(read(m)).containsOnly(0);
        assertThat(read(v)).containsOnly(0);
    }
}
