package org.lora4j.backend.reference;

import org.lora4j.backend.GeluKind;

/**
 * GELU and its derivative at one point, with Φ and φ the distribution and density of the standard normal:
 *
 * <pre>
 *   ERF    y = x·Φ(x)                    y′ = Φ(x) + x·φ(x)
 *   TANH   y = ½·x·(1 + t)               y′ = ½·(1 + t) + ½·x·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²)
 *          t = tanh(√(2/π)·(x + 0.044715·x³))
 * </pre>
 */
final class ReferenceGelu {

    private static final double SQRT_2_OVER_PI = StrictMath.sqrt(2 / StrictMath.PI);
    private static final double CUBIC = 0.044715;
    private static final double SQRT_HALF = StrictMath.sqrt(0.5);
    private static final double SQRT_2_PI = StrictMath.sqrt(2 * StrictMath.PI);

    private ReferenceGelu() {
    }

    static double value(double x, GeluKind kind) {
        return switch (kind) {
            case ERF -> x * normalDistribution(x);
            case TANH -> 0.5 * x * (1 + innerTanh(x));
        };
    }

    static double derivative(double x, GeluKind kind) {
        return switch (kind) {
            case ERF -> normalDistribution(x) + x * normalDensity(x);
            case TANH -> {
                double t = innerTanh(x);
                double inner = SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
                yield 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
            }
        };
    }

    private static double innerTanh(double x) {
        return StrictMath.tanh(SQRT_2_OVER_PI * (x + CUBIC * x * x * x));
    }

    /** Φ(x) = ½·(1 + erf(x/√2)) = ½·erfc(−x/√2); the second form keeps its digits where Φ is small. */
    private static double normalDistribution(double x) {
        return 0.5 * Erf.erfc(-x * SQRT_HALF);
    }

    private static double normalDensity(double x) {
        return StrictMath.exp(-0.5 * x * x) / SQRT_2_PI;
    }
}
