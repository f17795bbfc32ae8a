package org.lora4j.backend.tornado.kernel;

/**
 * Elementary functions in float arithmetic alone, so that they need no double precision on the device and are the same
 * everywhere. Errors are in units of u = 2⁻²⁴, measured over all exponents.
 */
final class KernelMath {

    private static final float LOG2_E = 1.4426950408889634f;
    /** ln 2 in two parts; the first has so few digits that its product with an exponent is exact. */
    private static final float LN_2_HIGH = 0.693359375f;
    private static final float LN_2_LOW = -2.12194440e-4f;
    private static final float LN_2 = 0.6931471805599453f;
    /** Beyond these, e to x is 0 or ∞ in float. */
    private static final float EXP_LOW = -104f;
    private static final float EXP_HIGH = 89f;

    private static final float GELU_A = 1.5957691216057308f;        // 2·√(2/π)
    private static final float GELU_B = 0.07135481627260025f;       // 0.044715·2·√(2/π)
    private static final float ONE_OVER_SQRT_2_PI = 0.3989422804014327f;
    private static final float SQRT_HALF = 0.7071067811865476f;

    private KernelMath() {
    }

    /** 2 to a whole power within ±63, exact. */
    static float powerOfTwo(int n) {
        float power = 1f;
        float base = n < 0 ? 0.5f : 2f;
        int bits = n < 0 ? -n : n;
        while (bits > 0) {
            if ((bits & 1) != 0) {
                power *= base;
            }
            base *= base;
            bits >>= 1;
        }
        return power;
    }

    /**
     * e to x: 2ⁿ·e^r with |r| ≤ ½·ln 2, and for e^r the polynomial of Cephes' {@code expf}. Overflows to ∞, underflows
     * through the denormals to 0.
     */
    static float exp(float x) {
        float c = x < EXP_LOW ? EXP_LOW : x;
        c = c > EXP_HIGH ? EXP_HIGH : c;
        int n = (int) (c * LOG2_E + (c < 0f ? -0.5f : 0.5f));
        float r = c - n * LN_2_HIGH;
        r = r - n * LN_2_LOW;
        float p = 1.9875691500e-4f;
        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * r * r + r + 1f;
        // in thirds, so that no factor leaves the normal numbers before the last one does
        int n1 = n / 3;
        int n2 = (n - n1) / 2;
        return p * powerOfTwo(n1) * powerOfTwo(n2) * powerOfTwo(n - n1 - n2);
    }

    /** ln x for 2⁻⁴⁰ ≤ x ≤ 2⁴⁰, by 2·artanh((m − 1)/(m + 1)) of the mantissa m within √½ … √2. */
    static float log(float x) {
        float m = x;
        int e = 0;
        for (int i = 0; i < 40; i++) {
            if (m > 1.4142135f) {
                m *= 0.5f;
                e++;
            } else if (m < SQRT_HALF) {
                m *= 2f;
                e--;
            }
        }
        float z = (m - 1f) / (m + 1f);
        float s = z * z;
        float p = 0.0909090909f;
        p = p * s + 0.1111111111f;
        p = p * s + 0.1428571429f;
        p = p * s + 0.2f;
        p = p * s + 0.3333333333f;
        return e * LN_2 + (2f * z + 2f * z * s * p);
    }

    /** 1/(1 + e^(−x)). */
    static float sigmoid(float x) {
        return 1f / (1f + exp(-x));
    }

    /** Φ(x): Abramowitz and Stegun 1964, 7.1.26, for e^(−x²/2)·polynomial; absolute error below 3 u. */
    static float normalDistribution(float x) {
        float z = (x < 0f ? -x : x) * SQRT_HALF;
        float t = 1f / (1f + 0.3275911f * z);
        float p = 1.061405429f;
        p = p * t - 1.453152027f;
        p = p * t + 1.421413741f;
        p = p * t - 0.284496736f;
        p = p * t + 0.254829592f;
        float tail = 0.5f * p * t * exp(-z * z);
        return x < 0f ? tail : 1f - tail;
    }

    /** GELU in its tanh form, as x·σ(2·√(2/π)·(x + 0.044715·x³)). */
    static float geluTanh(float x) {
        return x * sigmoid(x * (GELU_A + GELU_B * x * x));
    }

    /** Its derivative s + x·s·(1 − s)·(A + 3·B·x²). */
    static float geluTanhSlope(float x) {
        float square = x * x;
        square = square > 1000f ? 1000f : square; // s is 0 or 1 there, and 0·∞ would be NaN
        float s = sigmoid(x * (GELU_A + GELU_B * square));
        return s + x * s * (1f - s) * (GELU_A + 3f * GELU_B * square);
    }

    /** GELU in its exact form, x·Φ(x). */
    static float geluErf(float x) {
        return x * normalDistribution(x);
    }

    /** Its derivative Φ(x) + x·φ(x). */
    static float geluErfSlope(float x) {
        float square = x * x;
        square = square > 1000f ? 1000f : square;
        return normalDistribution(x) + x * exp(-0.5f * square) * ONE_OVER_SQRT_2_PI;
    }

    /** GELU of kind 0 (tanh) or 1 (erf). */
    static float gelu(float x, int kind) {
        return kind == 0 ? geluTanh(x) : geluErf(x);
    }

    /** The derivative of GELU of kind 0 (tanh) or 1 (erf). */
    static float geluSlope(float x, int kind) {
        return kind == 0 ? geluTanhSlope(x) : geluErfSlope(x);
    }
}
