package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CrossEntropyKernelsTest {

    static Stream<Arguments> sizesAndSmoothings() {
        return Stream.of(1, 4, 6, 13, 16, 207, 702, 1024, 2047, 2049, 4096, 50257)
                .flatMap(size -> Stream.of(Arguments.of(size, 0.0), Arguments.of(size, 0.1)));
    }

    private static int[] targets(int rows, int vocabulary) {
        int[] targets = new int[rows];
        for (int i = 0; i < rows; i++) {
            targets[i] = i % 4 == 3 ? -100 : (int) (i * 7919L % vocabulary);
        }
        targets[0] = vocabulary - 1;
        return targets;
    }

    private static float[] losses(Workers workers, float[] logits, int[] targets, double smoothing, int vocabulary) {
        float[] losses = new float[targets.length];
        CrossEntropyKernels.forward(workers, logits, 0, targets, 0, smoothing, losses, 0, targets.length, vocabulary);
        return losses;
    }

    /** The losses, then the gradient. */
    private static float[] withGradient(
            Workers workers, float[] logits, int[] targets, double smoothing, double weight, int vocabulary) {
        float[] losses = new float[targets.length];
        float[] gradient = logits.clone();
        CrossEntropyKernels.forwardWithGradient(
                workers, gradient, 0, targets, 0, smoothing, weight, losses, 0, targets.length, vocabulary);
        return Fixtures.concat(losses, gradient);
    }

    @ParameterizedTest
    @MethodSource("sizesAndSmoothings")
    void lossAndGradientFollowTheFormula(int vocabulary, double smoothing) {
        int rows = 9;
        double weight = 1 / 7.0;
        float[] logits = Fixtures.normal(1, rows * vocabulary, 4);
        int[] targets = targets(rows, vocabulary);
        float[] losses =
                Fixtures.onAnyNumberOfThreads(workers -> losses(workers, logits, targets, smoothing, vocabulary));
        float[] both = Fixtures.onAnyNumberOfThreads(
                workers -> withGradient(workers, logits, targets, smoothing, weight, vocabulary));
        Fixtures.assertSameBits(Arrays.copyOf(both, rows), losses, "losses with and without gradient");
        for (int row = 0; row < rows; row++) {
            int at = row * vocabulary;
            if (targets[row] < 0) {
                assertThat(losses[row]).isZero();
                assertThat(Arrays.copyOfRange(both, rows + at, rows + at + vocabulary)).containsOnly(0f);
                continue;
            }
            double sum = 0;
            double mean = 0;
            double largest = 0;
            for (int j = 0; j < vocabulary; j++) {
                sum += Math.exp(logits[at + j]);
                mean += logits[at + j] / (double) vocabulary;
                largest = Math.max(largest, Math.abs(logits[at + j]));
            }
            double lse = Math.log(sum);
            double z = logits[at + targets[row]];
            double loss = lse - (1 - smoothing) * z - smoothing * mean;
            // z − max is off by u·|z − max|, exp by 2u, a block's sum by u for each of its 2048/LANES ≤ 512 summands
            double relative = (2 * largest + 2 + 520 + 8) * UNIT_ROUNDOFF;
            assertWithin(losses[row], loss, relative + (Math.abs(loss) + 520 * largest * smoothing) * UNIT_ROUNDOFF,
                    "loss of row " + row);
            for (int j = 0; j < vocabulary; j++) {
                double p = Math.exp(logits[at + j] - lse);
                double one = j == targets[row] ? 1 - smoothing : 0;
                double expected = weight * (p - one - smoothing / vocabulary);
                double bound = weight * (2 * relative * p + (one + p + smoothing / vocabulary) * 2 * UNIT_ROUNDOFF);
                assertWithin(both[rows + at + j], expected, bound + 1e-37, "gradient of " + row + ", " + j);
            }
        }
    }

    @Test
    void theGradientAgreesWithCentralDifferences() {
        int vocabulary = 12;
        float[] logits = Fixtures.normal(2, vocabulary, 1);
        int[] target = {5};
        try (Workers workers = new Workers(1)) {
            float[] gradient = withGradient(workers, logits, target, 0.2, 3, vocabulary);
            for (int j = 0; j < vocabulary; j++) {
                double h = 1e-5;
                double slope = (loss(logits, j, h, 5, 0.2) - loss(logits, j, -h, 5, 0.2)) / (2 * h);
                assertWithin(gradient[1 + j], 3 * slope, 1e-6, "gradient " + j);
            }
        }
    }

    /** The contract's formula as it stands there. */
    private static double loss(float[] logits, int moved, double by, int target, double smoothing) {
        double[] z = new double[logits.length];
        double sum = 0;
        for (int j = 0; j < z.length; j++) {
            z[j] = logits[j] + (j == moved ? by : 0);
            sum += Math.exp(z[j]);
        }
        double loss = 0;
        for (int j = 0; j < z.length; j++) {
            double minusLogP = Math.log(sum) - z[j];
            loss += smoothing / z.length * minusLogP + (j == target ? (1 - smoothing) * minusLogP : 0);
        }
        return loss;
    }

    @Test
    void hugeAndHiddenLogitsAreFine() {
        float[] logits = {1e30f, Float.NEGATIVE_INFINITY, -1e30f, 0f};
        try (Workers workers = new Workers(1)) {
            float[] both = withGradient(workers, logits, new int[] {0}, 0, 1, 4);
            assertThat(both).containsExactly(0, 0, 0, 0, 0);
            assertThat(losses(workers, logits, new int[] {1}, 0, 4)).containsExactly(Float.POSITIVE_INFINITY);
        }
    }

    @Test
    void notANumberShowsInTheLoss() {
        for (int where : new int[] {0, 40, 99}) {
            float[] logits = new float[100];
            logits[where] = Float.NaN;
            try (Workers workers = new Workers(1)) {
                assertThat(losses(workers, logits, new int[] {3}, 0, 100)[0]).isNaN();
                assertThat(withGradient(workers, logits, new int[] {3}, 0, 1, 100)).contains(Float.NaN);
            }
        }
    }

    @Test
    void aTargetBeyondTheVocabularyIsNamed() {
        try (Workers workers = new Workers(1)) {
            assertThatThrownBy(() -> losses(workers, new float[8], new int[] {1, 4}, 0, 4))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("target 4 of row 1");
        }
    }
}
