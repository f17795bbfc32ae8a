package org.lora4j.backend.reference;

/**
 * The error function and its complement, with an error of about (x² + 12)·2⁻⁵³ of the value (erfc below 2: of 1).
 *
 * <pre>
 *   erf(x) = 2/√π·∫₀ˣ e^(−t²) dt        erfc(x) = 1 − erf(x)
 *
 *   |x| &lt; 2    erf(x) = 2/√π·e^(−x²)·x·(1 + 2x²/3 + (2x²)²/(3·5) + (2x²)³/(3·5·7) + …)
 *   x ≥ 2      erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + (3/2)/(x + 2/(x + …)))))
 * </pre>
 *
 * <p>Source: Abramowitz and Stegun 1964, 7.1.6 and 7.1.14. All terms of both are positive, so nothing cancels.
 */
final class Erf {

    private static final double SQRT_PI = StrictMath.sqrt(StrictMath.PI);
    private static final double SERIES_BELOW = 2;
    /** At x = 2, where it converges most slowly, this depth leaves less than 2⁻⁵³. */
    private static final int FRACTION_DEPTH = 80;

    private Erf() {
    }

    static double erf(double x) {
        if (StrictMath.abs(x) < SERIES_BELOW) {
            return series(x);
        }
        return x > 0 ? 1 - fraction(x) : fraction(-x) - 1;
    }

    static double erfc(double x) {
        if (StrictMath.abs(x) < SERIES_BELOW) {
            return 1 - series(x);
        }
        return x > 0 ? fraction(x) : 2 - fraction(-x);
    }

    private static double series(double x) {
        double term = 1;
        double sum = 1;
        for (int n = 1; term > sum * 0x1p-54; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / SQRT_PI * StrictMath.exp(-x * x) * x * sum;
    }

    private static double fraction(double x) {
        double denominator = x;
        for (int n = FRACTION_DEPTH; n >= 1; n--) {
            denominator = x + n / 2.0 / denominator;
        }
        return StrictMath.exp(-x * x) / SQRT_PI / denominator;
    }
}
