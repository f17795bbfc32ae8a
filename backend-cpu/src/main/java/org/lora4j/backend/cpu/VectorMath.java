package org.lora4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on whole vectors, each beside a scalar twin that gives the same bits, so that a value does not
 * depend on where in a row it stands.
 *
 * <p>The JDK's own {@code lanewise(EXP)} is not used: whether it is vectorised, and what it rounds to, depends on the
 * machine. Errors, in units in the last place of the exact value, found by walking the floats (see the test):
 *
 * <pre>
 *   exp         1.0 ulp; 0 for x &lt; −86.6, where it is below 2.5e-38
 *   sigmoid     2.5 ulp; 0 for x &lt; −88.8
 *   tanh        2.0 ulp
 *   normalCdf   6.0 ulp down to x = −11.5; 0 from about −13 on
 * </pre>
 *
 * <p>NaN gives NaN. Methods are short so that the compiler inlines them and no vector is ever boxed.
 */
final class VectorMath {

    /** The machine's widest vectors, of 4 to 16 lanes. */
    static final VectorSpecies<Float> SPECIES = species(FloatVector.SPECIES_PREFERRED);
    static final int LANES = SPECIES.length();

    private static final VectorShuffle<Float> TURN_8 = VectorShuffle.iota(SPECIES, 8 % LANES, 1, true);
    private static final VectorShuffle<Float> TURN_4 = VectorShuffle.iota(SPECIES, 4 % LANES, 1, true);
    private static final VectorShuffle<Float> TURN_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
    private static final VectorShuffle<Float> TURN_1 = VectorShuffle.iota(SPECIES, 1, 1, true);

    private static final float LOG2_E = 0x1.715476p0f;
    /** ln 2 in two parts; n·LN2_HIGH is exact for |n| &lt; 2⁹. */
    private static final float LN2_HIGH = 0x1.62e4p-1f;
    private static final float LN2_LOW = 0x1.7f7d1cp-20f;
    /** 1.5·2²³ rounds to whole numbers when added; the 126 leaves 2ⁿ⁻¹'s biased exponent in the lowest bits. */
    private static final float ROUNDER = 0x1.8p23f + 126;
    private static final int MANTISSA_BITS = 23;
    private static final float EXP_LOW = -86.6f;
    private static final float EXP_HIGH = 88.8f;
    // 2·eʳ = 2 + 2r + r²(E2 + E3·r + …), minimax on |r| ≤ ½·ln 2, relative error 3e-9
    private static final float E2 = 2 * 0x1.fffffcp-2f;
    private static final float E3 = 2 * 0x1.55549p-3f;
    private static final float E4 = 2 * 0x1.5558fcp-5f;
    private static final float E5 = 2 * 0x1.123b9ap-7f;
    private static final float E6 = 2 * 0x1.6a215ap-10f;

    // tanh x = x·(1 + x²(T0 + T1·x² + …)) for |x| < 0.625 (Cephes)
    private static final float TANH_SMALL = 0.625f;
    private static final float T0 = -3.33332819422E-1f;
    private static final float T1 = 1.33314422036E-1f;
    private static final float T2 = -5.37397155531E-2f;
    private static final float T3 = 2.06390887954E-2f;
    private static final float T4 = -5.70498872745E-3f;

    // Φ(−a) = exp(−a²/2)·t·(C0 + C1·t + …) with t = 1/(1 + 0.3·a), minimax on 0 ≤ a ≤ 13.5, relative error 4e-9
    private static final float CDF_P = 0.3f;
    private static final float CDF_END = 14;
    private static final float C0 = 0x1.ea3c6ep-4f;
    private static final float C1 = 0x1.e9c716p-4f;
    private static final float C2 = 0x1.c36f06p-4f;
    private static final float C3 = 0x1.417c3ep-4f;
    private static final float C4 = 0x1.88c10ep-4f;
    private static final float C5 = -0x1.435b2cp-4f;
    private static final float C6 = 0x1.87a55cp-3f;
    private static final float C7 = -0x1.d291b6p-3f;
    private static final float C8 = 0x1.cbdf12p-4f;
    private static final float C9 = -0x1.516c1cp-6f;

    private VectorMath() {
    }

    private static VectorSpecies<Float> species(VectorSpecies<Float> preferred) {
        if (preferred.length() < 4) {
            return FloatVector.SPECIES_128;
        }
        return preferred.length() > 16 ? FloatVector.SPECIES_512 : preferred;
    }

    /**
     * The sum of the lanes, halves added to halves. {@code reduceLanes(ADD)} would not do: its order is unspecified, and
     * a method gives other bits once it has been compiled.
     */
    static float sum(FloatVector x) {
        FloatVector folded = x;
        if (LANES > 8) {
            folded = folded.add(folded.rearrange(TURN_8));
        }
        if (LANES > 4) {
            folded = folded.add(folded.rearrange(TURN_4));
        }
        folded = folded.add(folded.rearrange(TURN_2));
        return folded.add(folded.rearrange(TURN_1)).lane(0);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /** eˣ = 2ⁿ·eʳ with n = round(x / ln 2), so that |r| ≤ ½·ln 2. */
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(all(LOG2_E), all(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(all(-LN2_LOW), n.fma(all(-LN2_HIGH), x));
        FloatVector twice = all(E6).fma(r, all(E5)).fma(r, all(E4)).fma(r, all(E3)).fma(r, all(E2))
                .fma(r, all(2)).fma(r, all(2));
        FloatVector half = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, MANTISSA_BITS).reinterpretAsFloats();
        return twice.mul(half)
                .blend(0, x.compare(VectorOperators.LT, EXP_LOW))
                .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_HIGH));
    }

    /** The same bits as {@link #exp(FloatVector)}. */
    static float exp(float x) {
        if (x < EXP_LOW) {
            return 0;
        }
        if (x > EXP_HIGH) {
            return Float.POSITIVE_INFINITY;
        }
        float shifted = Math.fma(x, LOG2_E, ROUNDER);
        float n = shifted - ROUNDER;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float twice = Math.fma(E6, r, E5);
        twice = Math.fma(twice, r, E4);
        twice = Math.fma(twice, r, E3);
        twice = Math.fma(twice, r, E2);
        twice = Math.fma(twice, r, 2);
        twice = Math.fma(twice, r, 2);
        return twice * Float.intBitsToFloat(Float.floatToRawIntBits(shifted) << MANTISSA_BITS);
    }

    /** 1 / (1 + e⁻ˣ). */
    static FloatVector sigmoid(FloatVector x) {
        return all(1).div(exp(x.neg()).add(1));
    }

    /** The same bits as {@link #sigmoid(FloatVector)}. */
    static float sigmoid(float x) {
        return 1 / (exp(-x) + 1);
    }

    /** tanh x: an odd polynomial near zero, 1 − 2/(e²ˣ + 1) elsewhere. */
    static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector small = all(T4).fma(z, all(T3)).fma(z, all(T2)).fma(z, all(T1)).fma(z, all(T0)).fma(z, all(1)).mul(x);
        FloatVector large = all(1).sub(all(2).div(exp(a.add(a)).add(1)));
        large = large.blend(large.neg(), x.compare(VectorOperators.LT, 0));
        return large.blend(small, a.compare(VectorOperators.LT, TANH_SMALL));
    }

    /** The same bits as {@link #tanh(FloatVector)}. */
    static float tanh(float x) {
        float a = Math.abs(x);
        if (a < TANH_SMALL) {
            float z = x * x;
            float p = Math.fma(T4, z, T3);
            p = Math.fma(p, z, T2);
            p = Math.fma(p, z, T1);
            p = Math.fma(p, z, T0);
            return Math.fma(p, z, 1) * x;
        }
        float large = 1 - 2 / (exp(a + a) + 1);
        return x < 0 ? -large : large;
    }

    /**
     * Φ(x) = ½·(1 + erf(x/√2)), the standard normal's distribution function. It is computed from its tail, so that
     * small values keep their relative accuracy, which 1 + erf loses.
     */
    static FloatVector normalCdf(FloatVector x) {
        FloatVector a = x.abs();
        a = a.blend(CDF_END, a.compare(VectorOperators.GT, CDF_END));
        FloatVector t = all(1).div(a.fma(all(CDF_P), all(1)));
        FloatVector p = all(C9).fma(t, all(C8)).fma(t, all(C7)).fma(t, all(C6)).fma(t, all(C5)).fma(t, all(C4))
                .fma(t, all(C3)).fma(t, all(C2)).fma(t, all(C1)).fma(t, all(C0));
        FloatVector tail = p.mul(t).mul(expOfMinusHalfSquare(a));
        VectorMask<Float> positive = x.compare(VectorOperators.GT, 0);
        return tail.blend(all(1).sub(tail), positive);
    }

    /** The same bits as {@link #normalCdf(FloatVector)}. */
    static float normalCdf(float x) {
        float a = Math.abs(x);
        if (a > CDF_END) {
            a = CDF_END;
        }
        float t = 1 / Math.fma(a, CDF_P, 1);
        float p = Math.fma(C9, t, C8);
        p = Math.fma(p, t, C7);
        p = Math.fma(p, t, C6);
        p = Math.fma(p, t, C5);
        p = Math.fma(p, t, C4);
        p = Math.fma(p, t, C3);
        p = Math.fma(p, t, C2);
        p = Math.fma(p, t, C1);
        p = Math.fma(p, t, C0);
        float tail = p * t * expOfMinusHalfSquare(a);
        return x > 0 ? 1 - tail : tail;
    }

    /** exp(−a²/2) for 0 ≤ a ≤ 14, with the part of a² that rounding cuts off put back: it counts a²/2 times. */
    static FloatVector expOfMinusHalfSquare(FloatVector a) {
        FloatVector square = a.mul(a);
        FloatVector rest = a.fma(a, square.neg());
        FloatVector e = exp(square.mul(-0.5f));
        return e.fma(rest.mul(-0.5f), e);
    }

    /** The same bits as {@link #expOfMinusHalfSquare(FloatVector)}. */
    static float expOfMinusHalfSquare(float a) {
        float square = a * a;
        float rest = Math.fma(a, a, -square);
        float e = exp(square * -0.5f);
        return Math.fma(e, rest * -0.5f, e);
    }
}
