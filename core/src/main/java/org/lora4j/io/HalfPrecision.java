package org.lora4j.io;

/**
 * The two 16-bit formats, F16 (IEEE binary16) and BF16 (the upper half of a float), to and from float and double.
 *
 * <p>Widening is exact. Narrowing rounds once, to nearest with ties to even, as IEEE 754 defines it and as PyTorch does;
 * values beyond the largest finite one become infinite, NaN stays NaN. Java has F16 to and from float
 * ({@link Float#float16ToFloat}, {@link Float#floatToFloat16}); the rest is here.
 */
public final class HalfPrecision {

    private HalfPrecision() {
    }

    /** The float that has these upper 16 bits; exact. */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest bfloat16, ties to even; NaN stays NaN. */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40); // quiet: a payload in the lower half alone would be cut to infinity
        }
        // half of the last place kept, less one, plus the last bit kept: carries exactly where nearest-even rounds up
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }

    /** The nearest bfloat16, rounded once. */
    public static short doubleToBf16(double value) {
        return floatToBf16(toOdd(value));
    }

    /** The nearest half-precision number, rounded once; beyond the largest it is ∞. */
    public static short doubleToF16(double value) {
        return Float.floatToFloat16(toOdd(value));
    }

    /**
     * The double cut to a float, with the last bit set if anything was cut off ("round to odd").
     *
     * <p>Rounding to float and then to 16 bits would round twice, and wrongly where the first step lands on a tie of the
     * second. An odd last bit is never a tie, so the second rounding sees on which side the double was. This holds as
     * long as the float has at least two bits more than the result: 24 against 11 and 8. Source: S. Boldo,
     * G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008.
     */
    private static float toOdd(double value) {
        float nearest = (float) value;
        if (nearest == value || Double.isNaN(value)) {
            return nearest;
        }
        int bits = Float.floatToRawIntBits(nearest);
        if (Math.abs((double) nearest) > Math.abs(value)) {
            bits--; // rounded away from zero (perhaps to infinity): take the float on the other side
        }
        return Float.intBitsToFloat(bits | 1);
    }
}
