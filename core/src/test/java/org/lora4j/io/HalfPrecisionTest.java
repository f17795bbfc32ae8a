package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class HalfPrecisionTest {

    private static final int SAMPLES = 50_000;

    @Test
    void everyBf16ComesBackFromFloatAndDouble() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            short expected = (short) bits;
            float value = HalfPrecision.bf16ToFloat(expected);
            if (Float.isNaN(value)) {
                assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.floatToBf16(value))).isNaN();
                assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(value))).isNaN();
            } else {
                assertThat(HalfPrecision.floatToBf16(value)).isEqualTo(expected);
                assertThat(HalfPrecision.doubleToBf16(value)).isEqualTo(expected);
            }
        }
    }

    @Test
    void everyF16ComesBackFromDouble() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Float.float16ToFloat((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(HalfPrecision.doubleToF16(value)).isEqualTo((short) bits);
            }
        }
    }

    @Test
    void aNaNWhoseBitsAreAllInTheLowerHalfStaysNaN() {
        assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.floatToBf16(Float.intBitsToFloat(0x7F800001)))).isNaN();
    }

    @Test
    void valuesBeyondTheLargestBecomeInfiniteFromTheMiddleOn() {
        double middle = 0x1.FFp127; // between the largest bf16, 1.FE·2^127, and 2^128
        assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(middle))).isInfinite();
        assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(Math.nextDown(middle)))).isEqualTo(0x1.FEp127f);
        assertThat(Float.float16ToFloat(HalfPrecision.doubleToF16(65520))).isInfinite();
        assertThat(Float.float16ToFloat(HalfPrecision.doubleToF16(Math.nextDown(65520.0)))).isEqualTo(65504);
        assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(-1e300))).isEqualTo(Float.NEGATIVE_INFINITY);
    }

    /** A float on the way would round 1 + 2⁻⁸ + 2⁻⁵⁰ to the tie 1 + 2⁻⁸, and that down to 1. */
    @Test
    void doublesAreRoundedOnceNotTwice() {
        assertThat(HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(1 + 0x1p-8 + 0x1p-50))).isEqualTo(1 + 0x1p-7f);
        assertThat(Float.float16ToFloat(HalfPrecision.doubleToF16(1 + 0x1p-11 + 0x1p-50))).isEqualTo(1 + 0x1p-10f);
    }

    @Test
    void bf16IsTheNearestAndEvenInATie() {
        assertNearest(HalfPrecision::doubleToBf16, HalfPrecision::bf16ToFloat);
        assertNearest(value -> HalfPrecision.floatToBf16((float) value), HalfPrecision::bf16ToFloat, true);
    }

    @Test
    void f16IsTheNearestAndEvenInATie() {
        assertNearest(HalfPrecision::doubleToF16, Float::float16ToFloat);
    }

    private static void assertNearest(DoubleFunction<Short> narrow, Function<Short, Float> widen) {
        assertNearest(narrow, widen, false);
    }

    /** No neighbour of the result is nearer to the value, and none as near is even. The distances are exact. */
    private static void assertNearest(DoubleFunction<Short> narrow, Function<Short, Float> widen, boolean fromFloat) {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < SAMPLES; i++) {
            // exponents around both ranges' ends, subnormals and ties included
            double value = Math.scalb(1 + random.nextInt(1 << 12) * 0x1p-12, random.nextInt(-150, 17));
            value += i % 3 == 0 ? Math.ulp(value) * (random.nextInt(3) - 1) : 0;
            value = fromFloat ? (float) value : value;
            short result = narrow.apply(value);
            if (Float.isInfinite(widen.apply(result))) {
                continue;
            }
            BigDecimal distance = distance(widen.apply(result), value);
            for (int step : new int[] {-1, 1}) {
                short neighbour = (short) (result + step);
                if (result == 0 && step < 0 || Float.isInfinite(widen.apply(neighbour))) {
                    continue;
                }
                int comparison = distance.compareTo(distance(widen.apply(neighbour), value));
                assertThat(comparison < 0 || comparison == 0 && (result & 1) == 0).as("%a → %a", value, widen.apply(result))
                        .isTrue();
            }
        }
    }

    private static BigDecimal distance(double a, double b) {
        return new BigDecimal(a).subtract(new BigDecimal(b)).abs();
    }
}
