package org.lora4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
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
 *   normalCdf   6 ulp for x > −1, else 6 + x²/2 from rounding x²; 0 for x &lt; −13.2
 * </pre>
 *
 * <p>NaN gives NaN. Methods are short so that the compiler inlines them and no vector is ever boxed; it inlines some 80
 * vector operations into one compiled method and no more, so a loop that uses two of these is better split into two.
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

    // Φ(−a) = exp(−a²/2)·t·(C0 + C1·t + …) with t = 1/(1 + 0.35·a), minimax on 0 ≤ a ≤ 13.5, relative error 4e-8
    private static final float CDF_P = 0.35f;
    private static final float C0 = 0x1.1df1eap-3f;
    private static final float C1 = 0x1.1e6e7p-3f;
    private static final float C2 = 0x1.eaea62p-4f;
    private static final float C3 = 0x1.afda76p-4f;
    private static final float C4 = -0x1.77cd7ep-6f;
    private static final float C5 = 0x1.457ccp-3f;
    private static final float C6 = -0x1.05a3p-2f;
    private static final float C7 = 0x1.26a68p-3f;
    private static final float C8 = -0x1.dd32c2p-6f;

    // as vectors already: as numbers each counts as one more operation, and GELU's erf form is at the compiler's limit
    private static final FloatVector V0 = all(C0);
    private static final FloatVector V1 = all(C1);
    private static final FloatVector V2 = all(C2);
    private static final FloatVector V3 = all(C3);
    private static final FloatVector V4 = all(C4);
    private static final FloatVector V5 = all(C5);
    private static final FloatVector V6 = all(C6);
    private static final FloatVector V7 = all(C7);
    private static final FloatVector V8 = all(C8);

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
        return expOfNegative(x).blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_HIGH));
    }

    /** The same where no x is so large that eˣ is infinite: the same bits in fewer operations. */
    static FloatVector expOfNegative(FloatVector x) {
        FloatVector shifted = x.fma(all(LOG2_E), all(ROUNDER));
        FloatVector n = shifted.sub(ROUNDER);
        FloatVector r = n.fma(all(-LN2_LOW), n.fma(all(-LN2_HIGH), x));
        FloatVector twice = all(E6).fma(r, all(E5)).fma(r, all(E4)).fma(r, all(E3)).fma(r, all(E2))
                .fma(r, all(2)).fma(r, all(2));
        FloatVector half = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, MANTISSA_BITS).reinterpretAsFloats();
        return twice.mul(half).blend(0, x.compare(VectorOperators.LT, EXP_LOW));
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
     * Φ(x) = ½·(1 + erf(x/√2)), the standard normal's distribution function, given e = exp(−x²/2), which its density
     * wants too. It is computed from its tail, so that small values keep their relative accuracy, which 1 + erf loses.
     */
    static FloatVector normalCdf(FloatVector x, FloatVector e) {
        FloatVector t = all(1).div(x.abs().fma(all(CDF_P), all(1)));
        FloatVector p = V8.fma(t, V7).fma(t, V6).fma(t, V5).fma(t, V4).fma(t, V3)
                .fma(t, V2).fma(t, V1).fma(t, V0);
        FloatVector tail = p.mul(t).mul(e);
        return tail.blend(all(1).sub(tail), x.compare(VectorOperators.GT, 0));
    }

    /** The same bits as {@link #normalCdf(FloatVector, FloatVector)}. */
    static float normalCdf(float x, float e) {
        float t = 1 / Math.fma(Math.abs(x), CDF_P, 1);
        float p = Math.fma(C8, t, C7);
        p = Math.fma(p, t, C6);
        p = Math.fma(p, t, C5);
        p = Math.fma(p, t, C4);
        p = Math.fma(p, t, C3);
        p = Math.fma(p, t, C2);
        p = Math.fma(p, t, C1);
        p = Math.fma(p, t, C0);
        float tail = p * t * e;
        return x > 0 ? 1 - tail : tail;
    }
}
