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

    /**
     * e to x: 2ⁿ·e^r with |r| ≤ ½·ln 2, and for e^r the polynomial of Cephes' {@code expf}. Overflows to ∞ from 88.4 on,
     * underflows through the denormals to 0.
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
        // times 2ⁿ, the largest factor last, so that at most one product leaves the normal numbers
        float factor = n < 0 ? 0.5f : 2f;
        for (int bits = n < 0 ? -n : n; bits > 0; bits >>= 1) {
            if ((bits & 1) != 0) {
                p *= factor;
            }
            factor *= factor;
        }
        return p;
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

    /** GELU of kind 0, x·σ(w) with w = 2·√(2/π)·(x + 0.044715·x³), which is the tanh form, or of kind 1, x·Φ(x). */
    static float gelu(float x, int kind) {
        return geluOrSlope(x, kind, 0);
    }

    /** The derivative: of kind 0 s + x·s·(1 − s)·w′ with s = σ(w), of kind 1 Φ(x) + x·φ(x). */
    static float geluSlope(float x, int kind) {
        return geluOrSlope(x, kind, 1);
    }

    /** Either of the two, around one exponential: what a kernel inlines has a limit. */
    static float geluOrSlope(float x, int kind, int slope) {
        float square = x * x;
        square = square > 1000f ? 1000f : square; // σ and Φ are 0 or 1 there, and 0·∞ would be NaN
        float e = exp(kind == 0 ? -x * (GELU_A + GELU_B * square) : -0.5f * square);
        float gate = kind == 0 ? 1f / (1f + e) : normalDistribution(x, e);
        float bend = kind == 0 ? gate * (1f - gate) * (GELU_A + 3f * GELU_B * square) : e * ONE_OVER_SQRT_2_PI;
        return slope == 0 ? x * gate : gate + x * bend;
    }

    /** ReLU is kind 0, tanh 2, σ(x) 4; kinds 1 and 3 are x·σ(f·x), SiLU with f = 1 and the quick GELU with f = 1.702. */
    static float activation(float x, int kind) {
        float z = kind == 3 ? 1.702f * x : kind == 2 ? 2f * x : x;
        float e = exp(z < 0f ? z : -z);
        float h = 1f / (1f + e);
        float sigma = z < 0f ? e * h : h;
        float value = kind == 0 ? (x < 0f ? 0f : x) : kind == 4 ? sigma : x * sigma;
        return kind == 2 ? tanh(x, e) : value;
    }

    /** The derivative. With e = e^(−|z|) and h = 1/(1 + e), σ(z)·σ(−z) is e·h². */
    static float activationSlope(float x, int kind) {
        float z = kind == 3 ? 1.702f * x : kind == 2 ? 2f * x : x;
        float e = exp(z < 0f ? z : -z);
        float h = 1f / (1f + e);
        float bell = e * h * h;
        float sigma = z < 0f ? e * h : h;
        float within = z < -120f ? -120f : z > 120f ? 120f : z; // e is 0 there, and 0·∞ would be NaN
        float slope = kind == 4 ? bell : kind == 2 ? 4f * bell : sigma + within * bell;
        return kind == 0 ? (x <= 0f ? 0f : 1f) : slope;
    }

    /** tanh x, given e^(−2·|x|): near 0 an odd polynomial (Cephes), as 1 − e would cancel there. */
    private static float tanh(float x, float e) {
        float a = x < 0f ? -x : x;
        float s = x * x;
        float p = -5.70498872745e-3f;
        p = p * s + 2.06390887954e-2f;
        p = p * s - 5.37397155531e-2f;
        p = p * s + 1.33314422036e-1f;
        p = p * s - 3.33332819422e-1f;
        float large = (1f - e) / (1f + e);
        return a < 0.625f ? p * s * x + x : x < 0f ? -large : large;
    }

    /**
     * Φ(x), given e^(−x²/2), by Abramowitz and Stegun 1964, 7.1.26: that times a polynomial. The absolute error is below 3 u.
     */
    private static float normalDistribution(float x, float bell) {
        float t = 1f / (1f + 0.3275911f * SQRT_HALF * (x < 0f ? -x : x));
        float p = 1.061405429f;
        p = p * t - 1.453152027f;
        p = p * t + 1.421413741f;
        p = p * t - 0.284496736f;
        p = p * t + 0.254829592f;
        float tail = 0.5f * p * t * bell;
        return x < 0f ? tail : 1f - tail;
    }
}
