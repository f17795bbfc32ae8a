package org.lora4j.backend.reference;

import org.lora4j.backend.Activation;

/** The functions of {@link Activation} and their derivatives at one point, as that page has them. */
final class ReferenceActivation {

    private static final double SQRT_2_OVER_PI = StrictMath.sqrt(2 / StrictMath.PI);
    private static final double CUBIC = 0.044715;
    private static final double SQRT_HALF = StrictMath.sqrt(0.5);
    private static final double SQRT_2_PI = StrictMath.sqrt(2 * StrictMath.PI);
    private static final double QUICK = 1.702;

    private ReferenceActivation() {
    }

    static double value(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH -> 0.5 * x * (1 + innerTanh(x));
            case GELU_ERF -> x * normalDistribution(x);
            case RELU -> StrictMath.max(x, 0);
            case SILU -> x * sigmoid(x);
            case TANH -> StrictMath.tanh(x);
            case QUICK_GELU -> x * sigmoid(QUICK * x);
            case SIGMOID -> sigmoid(x);
        };
    }

    static double derivative(double x, Activation kind) {
        return switch (kind) {
            case GELU_TANH -> {
                double t = innerTanh(x);
                double inner = SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
                yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
            }
            case GELU_ERF -> normalDistribution(x) + x * normalDensity(x);
            case RELU -> x <= 0 ? 0 : 1;
            case SILU -> sigmoid(x) + x * sigmoidSlope(x);
            case TANH -> 4 * sigmoidSlope(2 * x);
            case QUICK_GELU -> sigmoid(QUICK * x) + QUICK * x * sigmoidSlope(QUICK * x);
            case SIGMOID -> sigmoidSlope(x);
        };
    }

    private static double innerTanh(double x) {
        return StrictMath.tanh(SQRT_2_OVER_PI * (x + CUBIC * x * x * x));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + StrictMath.exp(-x));
    }

    /** σ(x)·σ(−x), which is σ(x)·(1 − σ(x)) without the difference of numbers that are nearly equal. */
    private static double sigmoidSlope(double x) {
        return sigmoid(x) * sigmoid(-x);
    }

    /** Φ(x) = ½·(1 + erf(x/√2)) = ½·erfc(−x/√2); the second form keeps its digits where Φ is small. */
    private static double normalDistribution(double x) {
        return 0.5 * Erf.erfc(-x * SQRT_HALF);
    }

    private static double normalDensity(double x) {
        return StrictMath.exp(-0.5 * x * x) / SQRT_2_PI;
    }
}
