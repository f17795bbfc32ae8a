package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.backend.Activation;

class GeluKernelsTest {

    private static double gelu(double x, Activation kind) {
        return kind == Activation.GELU_ERF
                ? x * VectorMathTest.normalCdf(x)
                : x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    private static double slope(double x, Activation kind) {
        if (kind == Activation.GELU_ERF) {
            return VectorMathTest.normalCdf(x) + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
        }
        double root = Math.sqrt(2 / Math.PI);
        double t = Math.tanh(root * (x + 0.044715 * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x);
    }

    private static float[] forward(Workers workers, float[] x, Activation kind) {
        float[] y = new float[x.length];
        GeluKernels.forward(workers, x, 0, y, 0, x.length, kind);
        return y;
    }

    private static float[] backward(Workers workers, float[] x, float[] dy, Activation kind) {
        float[] dx = new float[x.length];
        GeluKernels.backward(workers, x, 0, dy, 0, dx, 0, x.length, kind);
        return dx;
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"GELU_TANH", "GELU_ERF"})
    void outputAndGradientFollowTheFormula(Activation kind) {
        float[] x = Fixtures.normal(1, 70_003, 3);
        float[] dy = Fixtures.normal(2, x.length, 1);
        float[] y = Fixtures.onAnyNumberOfThreads(workers -> forward(workers, x, kind));
        float[] dx = Fixtures.onAnyNumberOfThreads(workers -> backward(workers, x, dy, kind));
        for (int i = 0; i < x.length; i++) {
            // the argument of the exponential is off by 3u of itself, which is at most 90 before the result vanishes
            double bound = (10 + 4 * Math.min(90, Math.abs(x[i]) * (1.6 + 0.08 * x[i] * x[i]))) * UNIT_ROUNDOFF;
            double expected = gelu(x[i], kind);
            assertWithin(y[i], expected, bound * Math.abs(expected) + 1e-36, kind + " of " + x[i]);
            double steep = (1 + Math.abs(x[i])) * UNIT_ROUNDOFF * 20;
            assertWithin(dx[i], dy[i] * slope(x[i], kind), steep * Math.abs(dy[i]), kind + "' of " + x[i]);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"GELU_TANH", "GELU_ERF"})
    void theSlopesFormulaAgreesWithCentralDifferences(Activation kind) {
        for (double x = -5; x <= 5; x += 0.37) {
            assertThat((gelu(x + 1e-5, kind) - gelu(x - 1e-5, kind)) / 2e-5).isCloseTo(slope(x, kind), within(1e-9));
        }
    }

    private static org.assertj.core.data.Offset<Double> within(double offset) {
        return org.assertj.core.data.Offset.offset(offset);
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"GELU_TANH", "GELU_ERF"})
    void aValueDoesNotDependOnWhereItStands(Activation kind) {
        float[] x = Fixtures.normal(3, 207, 2);
        try (Workers workers = new Workers(1)) {
            float[] whole = forward(workers, x, kind);
            float[] wholeSlope = backward(workers, x, Fixtures.filled(x.length, 1), kind);
            for (int i = 0; i < x.length; i++) {
                float[] one = {x[i]};
                assertThat(forward(workers, one, kind)).containsExactly(whole[i]);
                assertThat(backward(workers, one, new float[] {1}, kind)).containsExactly(wholeSlope[i]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"GELU_TANH", "GELU_ERF"})
    void theEndsOfTheRangeBehave(Activation kind) {
        float[] x = {0f, -0f, 1e-42f, -1e-42f, 40, -40, 1e20f, -1e20f, Float.MAX_VALUE, -Float.MAX_VALUE, Float.NaN};
        float[] wide = Arrays.copyOf(x, 64); // in whole vectors as well as in the tail
        System.arraycopy(x, 0, wide, 64 - x.length, x.length);
        try (Workers workers = new Workers(1)) {
            for (float[] input : new float[][] {x, wide}) {
                float[] y = forward(workers, input, kind);
                float[] dx = backward(workers, input, Fixtures.filled(input.length, 1), kind);
                for (int i = 0; i < input.length; i++) {
                    float value = input[i];
                    if (Float.isNaN(value)) {
                        assertThat(y[i]).isNaN();
                        assertThat(dx[i]).isNaN();
                    } else if (Math.abs(value) < 1e-40) {
                        assertWithin(y[i], 0.5 * value, Float.MIN_VALUE, "y of " + value);
                        assertWithin(dx[i], 0.5, 4 * UNIT_ROUNDOFF, "slope at " + value);
                    } else {
                        assertThat(y[i]).isEqualTo(value > 0 ? value : -0f);
                        assertThat(dx[i]).isEqualTo(value > 0 ? 1f : 0f);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, names = {"GELU_TANH", "GELU_ERF"})
    void inPlaceGivesTheSame(Activation kind) {
        float[] x = Fixtures.normal(4, 1000, 2);
        float[] dy = Fixtures.normal(5, 1000, 2);
        try (Workers workers = new Workers(2)) {
            float[] y = x.clone();
            GeluKernels.forward(workers, y, 0, y, 0, 1000, kind);
            Fixtures.assertSameBits(y, forward(workers, x, kind), "y over x");
            float[] dx = dy.clone();
            GeluKernels.backward(workers, x, 0, dx, 0, dx, 0, 1000, kind);
            Fixtures.assertSameBits(dx, backward(workers, x, dy, kind), "dx over dy");
        }
    }
}
