package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

abstract class CrossEntropyContract extends ContractFamily {

    private static final int ROWS = 7;

    CrossEntropyContract(Subject subject) {
        super(subject);
    }

    static Stream<Arguments> vocabularies() {
        return Arrays.stream(SIZES).boxed().flatMap(v -> Stream.of(0.0, 0.1).map(smoothing -> Arguments.of(v, smoothing)));
    }

    @ParameterizedTest(name = "{0} classes, label smoothing {1}")
    @MethodSource("vocabularies")
    void lossAndGradientAreThoseOfTheLogSoftmax(int classes, double smoothing) {
        double[] z = Arrays.stream(numbers("z", ROWS * classes)).map(x -> (float) (3 * x)).toArray();
        int[] targets = {0, classes - 1, -100, classes / 2, -1, 0, classes / 3};
        double weight = 0.2;
        Tensor logits = tensor(z, ROWS, classes);
        Tensor losses = nans(ROWS);
        backend().crossEntropy(logits, ints(targets, ROWS), smoothing, losses);
        double[] lossesAlone = read(losses);
        assertSameBits(read(logits), z);
        Tensor lossesBeside = nans(ROWS);
        backend().crossEntropyWithGradient(logits, ints(targets, ROWS), smoothing, weight, lossesBeside);

        double[] expectedLoss = new double[ROWS];
        double[] lossSize = new double[ROWS];
        double[] expectedGradient = new double[z.length];
        double[] gradientSize = new double[z.length];
        double largest = Arrays.stream(z).map(Math::abs).max().orElseThrow() + Math.log(classes);
        for (int n = 0; n < ROWS; n++) {
            if (targets[n] < 0) {
                continue;
            }
            double[] logP = logSoftmax(Oracle.block(z, classes, n, 1, 0, classes));
            for (int j = 0; j < classes; j++) {
                double wanted = (j == targets[n] ? 1 - smoothing : 0) + smoothing / classes;
                expectedLoss[n] -= wanted * logP[j];
                lossSize[n] += wanted * largest;
                expectedGradient[n * classes + j] = weight * (Math.exp(logP[j]) - wanted);
                gradientSize[n * classes + j] = weight * (Math.exp(logP[j]) + wanted);
            }
        }
        // log Σ exp: V terms of e to a rounded difference; a logarithm; then differences of numbers up to the largest,
        // of which smoothing sums V
        double logSum = classes + 2 * FUNCTION + 2 * largest + 4;
        assertWithin(lossesAlone, expectedLoss, n -> targets[n] < 0 ? -subject.underflow()
                : roundings(logSum) + roundings(6 + (smoothing > 0 ? classes : 0)) * lossSize[n]);
        assertWithin(read(lossesBeside), expectedLoss, n -> targets[n] < 0 ? -subject.underflow()
                : roundings(logSum) + roundings(6 + (smoothing > 0 ? classes : 0)) * lossSize[n]);
        assertWithin(read(logits), expectedGradient, i -> roundings(logSum + 2 * largest + FUNCTION + 6) * gradientSize[i]);
    }

    /** z − log Σ exp z without taking the maximum out: z must be moderate. */
    private static double[] logSoftmax(double[] z) {
        double sum = Arrays.stream(z).map(Math::exp).sum();
        return Arrays.stream(z).map(x -> x - Math.log(sum)).toArray();
    }

    @Test
    void logitsFarApartNeitherOverflowNorVanish() {
        double[] z = {1e30f, -1e30f, 0, -1e4f, 1e4f, 1e4f, Float.MIN_VALUE, -0.0, 0};
        Tensor logits = tensor(z, 3, 3);
        Tensor losses = nans(3);
        backend().crossEntropyWithGradient(logits, ints(new int[] {2, 1, 0}, 3), 0, 1, losses);
        assertWithin(read(losses), new double[] {1e30f, Math.log(2), Math.log(3)}, i -> i == 0 ? roundings(4) * 1e30
                : roundings(FUNCTION + 4) + (i == 1 ? roundings(2) * 1e4 : 0));
        double third = 1.0 / 3;
        assertWithin(read(logits), new double[] {1, 0, -1, 0, -0.5, 0.5, third - 1, third, third},
                i -> roundings(3 * FUNCTION) + (i / 3 == 1 ? roundings(2) * 1e4 : 0));
    }

    @Test
    void withoutSmoothingAClassAtMinusInfinityCostsNothing() {
        Tensor logits = tensor(new double[] {0, Double.NEGATIVE_INFINITY, 0, 0}, 1, 4);
        Tensor losses = nans(1);
        backend().crossEntropyWithGradient(logits, ints(new int[] {3}, 1), 0, 1, losses);
        assertWithin(read(losses), new double[] {Math.log(3)}, i -> roundings(FUNCTION + 4) * Math.log(3));
        double third = 1.0 / 3;
        assertWithin(read(logits), new double[] {third, 0, third, third - 1}, i -> i == 1 ? 0 : roundings(3 * FUNCTION));
    }

    @Test
    void anIgnoredRowMayHoldAnything() {
        Tensor logits = tensor(new double[] {Double.NaN, Double.POSITIVE_INFINITY, 1, 1}, 2, 2);
        Tensor losses = nans(2);
        backend().crossEntropyWithGradient(logits, ints(new int[] {-100, 0}, 2), 0.1, 1, losses);
        assertThat(read(losses)[0]).isZero();
        assertThat(Oracle.block(read(logits), 2, 0, 1, 0, 2)).containsOnly(0);
    }

    @Test
    void noRowsAreNoWork() {
        Tensor logits = backend().allocate(Shape.of(0, 6));
        Tensor losses = backend().allocate(Shape.of(0));
        backend().crossEntropy(logits, backend().allocateInts(Shape.of(0)), 0, losses);
        backend().crossEntropyWithGradient(logits, backend().allocateInts(Shape.of(0)), 0, 1, losses);
        assertThat(read(losses)).isEmpty();
    }
}
