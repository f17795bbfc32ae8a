package org.lora4j.contract;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.GeluKind;
import org.lora4j.tensor.Tensor;

abstract class GeluContract extends ContractFamily {

    private static final MathContext DIGITS_80 = new MathContext(80);
    private static final BigDecimal TWO_OVER_ROOT_PI =
            new BigDecimal("1.12837916709551257389615890312154517168810125865799771368817144342128493688298682897");

    /** −12 to 12 in odd steps, and what lies at the edges of float. */
    private static final double[] POINTS = IntStream.rangeClosed(-109, 109)
            .mapToDouble(i -> (float) (i * 0.11)).toArray();
    private static final double[] BOUNDARIES = {
        0, -0.0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL / 2, 1e-20f, -1e-20f, 40, -40, 1e5f, -1e5f,
        1e20f, -1e20f, Float.MAX_VALUE, -Float.MAX_VALUE};

    GeluContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @EnumSource(GeluKind.class)
    void geluFollowsItsFormula(GeluKind kind) {
        Tensor y = nans(POINTS.length);
        backend().gelu(tensor(POINTS, POINTS.length), y, kind);
        double[] expected = IntStream.range(0, POINTS.length).mapToDouble(i -> POINTS[i] * gate(POINTS[i], kind)).toArray();
        assertWithin(read(y), expected, i -> gateBound(POINTS[i], kind) * Math.abs(POINTS[i]));
    }

    @ParameterizedTest
    @EnumSource(GeluKind.class)
    void geluBackwardFollowsTheDerivative(GeluKind kind) {
        double[] dy = numbers("dy", POINTS.length);
        Tensor dx = nans(POINTS.length);
        backend().geluBackward(tensor(POINTS, POINTS.length), tensor(dy, POINTS.length), dx, kind);
        double[] expected = IntStream.range(0, POINTS.length).mapToDouble(i -> dy[i] * derivative(POINTS[i], kind)).toArray();
        assertWithin(read(dx), expected, i -> Math.abs(dy[i]) * derivativeBound(POINTS[i], kind));
    }

    @ParameterizedTest
    @EnumSource(GeluKind.class)
    void atTheEdgesGeluIsALineOrZero(GeluKind kind) {
        Tensor x = vector(BOUNDARIES);
        Tensor y = nans(BOUNDARIES.length);
        Tensor dx = nans(BOUNDARIES.length);
        backend().gelu(x, y, kind);
        backend().geluBackward(x, tensor(constant(1, BOUNDARIES.length), BOUNDARIES.length), dx, kind);
        double[] value = new double[BOUNDARIES.length];
        double[] slope = new double[BOUNDARIES.length];
        for (int i = 0; i < BOUNDARIES.length; i++) {
            double gate = BOUNDARIES[i] > 1 ? 1 : BOUNDARIES[i] < -1 ? 0 : 0.5;
            value[i] = gate * BOUNDARIES[i];
            slope[i] = gate;
        }
        assertWithin(read(y), value, i -> roundings(FUNCTION) * Math.abs(value[i]));
        assertWithin(read(dx), slope, i -> roundings(FUNCTION) * slope[i]);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void geluMayWriteOverItsInputAndItsGradient(int size) {
        double[] values = numbers("x", 3 * size);
        double[] gradient = numbers("dy", 3 * size);
        for (GeluKind kind : GeluKind.values()) {
            Tensor x = tensor(values, 3, size);
            Tensor y = nans(3, size);
            Tensor dx = nans(3, size);
            Tensor dy = tensor(gradient, 3, size);
            backend().gelu(x, y, kind);
            backend().geluBackward(x, dy, dx, kind);
            backend().geluBackward(x, dy, dy, kind);
            backend().gelu(x, x, kind);
            assertSameBits(read(x), read(y));
            assertSameBits(read(dy), read(dx));
        }
    }

    @Test
    void geluOfARowDoesNotDependOnWhatStandsBesideIt() {
        double[] values = numbers("x", 207);
        Tensor y = nans(207);
        backend().gelu(tensor(values, 207), y, GeluKind.TANH);
        Tensor one = nans(1);
        for (int i : new int[] {0, 5, 100, 206}) {
            backend().gelu(vector(values[i]), one, GeluKind.TANH);
            double[] together = read(y);
            // a vector's lanes and its remainder may round differently, by what the formula allows
            assertWithin(read(one), new double[] {together[i]}, j -> 2 * gateBound(values[i], GeluKind.TANH) * Math.abs(values[i]));
        }
    }

    /** y/x: Φ(x), or the logistic function 1/(1 + e^(−2z)), which is what ½·(1 + tanh z) comes to. */
    private static double gate(double x, GeluKind kind) {
        return kind == GeluKind.ERF ? distribution(x) : 1 / (1 + Math.exp(-2 * inner(x)));
    }

    private static double derivative(double x, GeluKind kind) {
        double gate = gate(x, kind);
        return kind == GeluKind.ERF
                ? gate + x * density(x)
                : gate + x * gate * (1 - gate) * 2 * innerSlope(x);
    }

    /**
     * An absolute error, as ½·(1 + f) cancels for negative x: f = tanh or erf to FUNCTION u, its argument to 6 u, which
     * moves f by 6 u·|z|·f′(z) ≤ 6 u, and half a dozen roundings around it.
     */
    private double gateBound(double x, GeluKind kind) {
        return roundings(FUNCTION + 6 + 6);
    }

    /** Besides the gate's error: TANH multiplies the error of 1 − t² by ½·x·z′, ERF that of e^(−x²/2) by x. */
    private double derivativeBound(double x, GeluKind kind) {
        double bend = kind == GeluKind.ERF
                ? Math.abs(x) * density(x) * (x * x + 1)
                : 0.5 * Math.abs(x) * innerSlope(x);
        return gateBound(x, kind) * (1 + 2 * bend);
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
