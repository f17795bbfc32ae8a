package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

abstract class ActivationContract extends ContractFamily {

    private static final MathContext DIGITS_80 = new MathContext(80);
    private static final BigDecimal TWO_OVER_ROOT_PI =
            new BigDecimal("1.12837916709551257389615890312154517168810125865799771368817144342128493688298682897");

    /** −12 to 12 in odd steps, and what lies at the edges of float. */
    private static final double[] POINTS = IntStream.rangeClosed(-109, 109)
            .mapToDouble(i -> (float) (i * 0.11)).toArray();
    private static final double[] BOUNDARIES = {
        0, -0.0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL / 2, 1e-20f, -1e-20f, 40, -40, 1e5f, -1e5f,
        1e20f, -1e20f, Float.MAX_VALUE, -Float.MAX_VALUE};

    ActivationContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activateFollowsItsFormula(Activation kind) {
        Tensor y = nans(POINTS.length);
        backend().activate(kind, tensor(POINTS, POINTS.length), y);
        double[] expected = IntStream.range(0, POINTS.length).mapToDouble(i -> value(POINTS[i], kind)).toArray();
        assertWithin(read(y), expected, i -> valueBound(POINTS[i], kind));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activateBackwardFollowsTheDerivative(Activation kind) {
        double[] dy = numbers("dy", POINTS.length);
        Tensor dx = nans(POINTS.length);
        backend().activateBackward(kind, tensor(POINTS, POINTS.length), tensor(dy, POINTS.length), dx);
        double[] expected = IntStream.range(0, POINTS.length).mapToDouble(i -> dy[i] * derivative(POINTS[i], kind)).toArray();
        assertWithin(read(dx), expected, i -> Math.abs(dy[i]) * derivativeBound(POINTS[i], kind));
    }

    /** GELU is a line or zero there; the others are within their bounds, and none is NaN or overflows. */
    @ParameterizedTest
    @EnumSource(Activation.class)
    void theEdgesOfTheRangeAreTaken(Activation kind) {
        Tensor x = vector(BOUNDARIES);
        Tensor y = nans(BOUNDARIES.length);
        Tensor dx = nans(BOUNDARIES.length);
        backend().activate(kind, x, y);
        backend().activateBackward(kind, x, tensor(constant(1, BOUNDARIES.length), BOUNDARIES.length), dx);
        boolean gelu = kind == Activation.GELU_TANH || kind == Activation.GELU_ERF;
        double[] value = new double[BOUNDARIES.length];
        double[] slope = new double[BOUNDARIES.length];
        for (int i = 0; i < BOUNDARIES.length; i++) {
            double gate = BOUNDARIES[i] > 1 ? 1 : BOUNDARIES[i] < -1 ? 0 : 0.5;
            value[i] = gelu ? gate * BOUNDARIES[i] : value(BOUNDARIES[i], kind);
            slope[i] = gelu ? gate : derivative(BOUNDARIES[i], kind);
        }
        assertWithin(read(y), value, i -> gelu ? roundings(FUNCTION) * Math.abs(value[i]) : valueBound(BOUNDARIES[i], kind));
        assertWithin(read(dx), slope, i -> gelu ? roundings(FUNCTION) * slope[i] : derivativeBound(BOUNDARIES[i], kind));
    }

    /** A run that has diverged must be seen, and an activation must not hide it. */
    @ParameterizedTest
    @EnumSource(Activation.class)
    void notANumberStaysNotANumber(Activation kind) {
        double[] values = constant(1, 100);
        values[3] = Double.NaN;
        values[98] = Double.NaN;
        Tensor y = nans(100);
        Tensor dx = nans(100);
        backend().activate(kind, tensor(values, 100), y);
        backend().activateBackward(kind, tensor(constant(1, 100), 100), tensor(values, 100), dx);
        for (double[] result : new double[][] {read(y), read(dx)}) {
            for (int i = 0; i < 100; i++) {
                assertThat(Double.isNaN(result[i])).as("element %d", i).isEqualTo(i == 3 || i == 98);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void activateMayWriteOverItsInputAndItsGradient(int size) {
        double[] values = numbers("x", 3 * size);
        double[] gradient = numbers("dy", 3 * size);
        for (Activation kind : Activation.values()) {
            Tensor x = tensor(values, 3, size);
            Tensor y = nans(3, size);
            Tensor dx = nans(3, size);
            Tensor dy = tensor(gradient, 3, size);
            backend().activate(kind, x, y);
            backend().activateBackward(kind, x, dy, dx);
            backend().activateBackward(kind, x, dy, dy);
            backend().activate(kind, x, x);
            assertSameBits(read(x), read(y));
            assertSameBits(read(dy), read(dx));
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void aValueDoesNotDependOnWhatStandsBesideIt(Activation kind) {
        double[] values = numbers("x", 207);
        Tensor y = nans(207);
        backend().activate(kind, tensor(values, 207), y);
        Tensor one = nans(1);
        for (int i : new int[] {0, 5, 100, 206}) {
            backend().activate(kind, vector(values[i]), one);
            double[] together = read(y);
            // a vector's lanes and its remainder may round differently, by what the formula allows
            assertWithin(read(one), new double[] {together[i]}, j -> 2 * valueBound(values[i], kind));
        }
    }

    private static double value(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH, GELU_ERF -> x * gate(x, kind);
            case RELU -> x > 0 ? x : 0;
            case SILU -> x * logistic(x);
            case TANH -> Math.tanh(x);
            case QUICK_GELU -> x * logistic(1.702 * x);
            case SIGMOID -> logistic(x);
        };
    }

    private static double derivative(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH -> {
                double gate = gate(x, kind);
                yield gate + x * gate * (1 - gate) * 2 * innerSlope(x);
            }
            case GELU_ERF -> gate(x, kind) + x * density(x);
            case RELU -> x > 0 ? 1 : 0;
            case SILU -> logistic(x) + x * logistic(x) * logistic(-x);
            case TANH -> 4 * logistic(2 * x) * logistic(-2 * x);
            case QUICK_GELU -> logistic(1.702 * x) + 1.702 * x * logistic(1.702 * x) * logistic(-1.702 * x);
            case SIGMOID -> logistic(x) * logistic(-x);
        };
    }

    /** GELU's y/x: Φ(x), or the logistic function of 2z, which is what ½·(1 + tanh z) comes to. */
    private static double gate(double x, Activation kind) {
        return kind == Activation.GELU_ERF ? distribution(x) : logistic(2 * inner(x));
    }

    private static double logistic(double z) {
        return 1 / (1 + Math.exp(-z));
    }

    /**
     * Of GELU an absolute error of the gate, as ½·(1 + f) cancels for negative x: f = tanh or erf to FUNCTION u, its argument
     * to 6 u, which moves f by 6 u·|z|·f′(z) ≤ 6 u, and half a dozen roundings around it. Of the others a relative one: the
     * exponential to FUNCTION u, its argument, if it is rounded, to u·|z|, and as many roundings.
     */
    private double valueBound(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH, GELU_ERF -> gateBound() * Math.abs(x);
            case RELU -> 0;
            case SILU, TANH, SIGMOID -> roundings(FUNCTION + 6) * Math.abs(value(x, kind));
            case QUICK_GELU -> roundings(FUNCTION + 6 + Math.abs(1.702 * x)) * Math.abs(value(x, kind));
        };
    }

    private double gateBound() {
        return roundings(FUNCTION + 6 + 6);
    }

    /**
     * Besides the gate's error: GELU_TANH multiplies the error of 1 − t² by ½·x·z′, GELU_ERF that of e^(−x²/2) by x. The
     * others are sums and products of exponentials that are right to FUNCTION u, with z = f·x rounded.
     */
    private double derivativeBound(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH -> gateBound() * (1 + 2 * 0.5 * Math.abs(x) * innerSlope(x));
            case GELU_ERF -> gateBound() * (1 + 2 * Math.abs(x) * density(x) * (x * x + 1));
            case RELU -> 0;
            case TANH, SIGMOID -> roundings(2 * FUNCTION + 8) * derivative(x, kind);
            case SILU -> gatedBound(x);
            case QUICK_GELU -> gatedBound(1.702 * x);
        };
    }

    private double gatedBound(double z) {
        double size = logistic(z) + Math.abs(z) * logistic(z) * logistic(-z);
        return roundings(2 * FUNCTION + 8 + Math.abs(z)) * size;
    }

    private static double inner(double x) {
        return Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
    }

    private static double innerSlope(double x) {
        return Math.sqrt(2 / Math.PI) * (1 + 0.134145 * x * x);
    }

    private static double density(double x) {
        return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    /** Φ by the alternating series of erf, with digits enough to survive the cancellation. */
    private static double distribution(double x) {
        BigDecimal z = new BigDecimal(x).divide(new BigDecimal(2).sqrt(DIGITS_80), DIGITS_80);
        BigDecimal square = z.multiply(z, DIGITS_80);
        BigDecimal power = z;
        BigDecimal sum = z;
        for (int n = 1; n < 400; n++) {
            power = power.multiply(square, DIGITS_80).divide(BigDecimal.valueOf(-n), DIGITS_80);
            sum = sum.add(power.divide(BigDecimal.valueOf(2L * n + 1), DIGITS_80), DIGITS_80);
        }
        return BigDecimal.ONE.add(sum.multiply(TWO_OVER_ROOT_PI, DIGITS_80)).doubleValue() / 2;
    }
}
