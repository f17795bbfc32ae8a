package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.function.DoubleUnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** Walks the floats from one end to the other; a prime number of them apart, so that the last bits vary. */
class VectorMathTest {

    private static final int APART = 2003;

    private enum Function { EXP, SIGMOID, TANH, CDF }

    /** One vector of a function; a switch, so that the tested methods are inlined as they are in the kernels. */
    private static void vector(Function function, float[] x, float[] y) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, 0);
        switch (function) {
            case EXP -> VectorMath.exp(v).intoArray(y, 0);
            case SIGMOID -> VectorMath.sigmoid(v).intoArray(y, 0);
            case TANH -> VectorMath.tanh(v).intoArray(y, 0);
            case CDF -> VectorMath.normalCdf(v, VectorMath.exp(v.mul(v).mul(-0.5f))).intoArray(y, 0);
        }
    }

    private static float scalar(Function function, float x) {
        return switch (function) {
            case EXP -> VectorMath.exp(x);
            case SIGMOID -> VectorMath.sigmoid(x);
            case TANH -> VectorMath.tanh(x);
            case CDF -> VectorMath.normalCdf(x, VectorMath.exp(x * x * -0.5f));
        };
    }

    /** The largest error in ulps over the floats of [low, high], after asserting that vector and scalar bits agree. */
    private static double worstError(Function function, DoubleUnaryOperator exact, float low, float high) {
        float[] x = new float[LANES];
        float[] y = new float[LANES];
        double worst = 0;
        int lane = 0;
        for (long i = order(low); i <= order(high); i += APART) {
            x[lane++] = ofOrder(i);
            if (lane < LANES) {
                continue;
            }
            lane = 0;
            vector(function, x, y);
            for (int j = 0; j < LANES; j++) {
                float twin = scalar(function, x[j]);
                if (Float.floatToIntBits(y[j]) != Float.floatToIntBits(twin)) {
                    assertThat(y[j]).as("%s(%s), the vector beside its scalar twin", function, x[j]).isEqualTo(twin);
                }
                double expected = exact.applyAsDouble(x[j]);
                double error = Math.abs(y[j] - expected) / Math.ulp((float) expected);
                if (!(error <= worst)) {
                    worst = error;
                }
            }
        }
        return worst;
    }

    /** Floats in their order: negative ones count down from −0. */
    private static long order(float x) {
        int bits = Float.floatToRawIntBits(x);
        return bits < 0 ? Integer.MIN_VALUE - (long) bits : bits;
    }

    private static float ofOrder(long order) {
        return order < 0 ? Float.intBitsToFloat((int) (Integer.MIN_VALUE - order)) : Float.intBitsToFloat((int) order);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** Φ(x) in double: its series near zero, its continued fraction in the tail. Good to 1e-13. */
    static double normalCdf(double x) {
        double a = Math.abs(x);
        double tail;
        double density = Math.exp(-0.5 * a * a) / Math.sqrt(2 * Math.PI);
        if (a < 3) {
            double term = a;
            double sum = a;
            for (int n = 3; n < 200; n += 2) {
                term *= a * a / n;
                sum += term;
            }
            tail = 0.5 - density * sum;
        } else {
            double fraction = a;
            for (int n = 120; n >= 1; n--) {
                fraction = a + n / fraction;
            }
            tail = density / fraction;
        }
        return x > 0 ? 1 - tail : tail;
    }

    @Test
    void theExponentialIsWithinOneUlp() {
        assertThat(worstError(Function.EXP, Math::exp, -86.6f, 88.72283f)).isLessThan(1.0);
    }

    @Test
    void theSigmoidIsWithinTwoAndAHalfUlps() {
        assertThat(worstError(Function.SIGMOID, VectorMathTest::sigmoid, -86.6f, 1e30f)).isLessThan(2.5);
    }

    @Test
    void theHyperbolicTangentIsWithinTwoUlps() {
        assertThat(worstError(Function.TANH, Math::tanh, -1e30f, 1e30f)).isLessThan(2.0);
    }

    @Test
    void theNormalDistributionFunctionIsWithinSixUlpsAndWhatRoundingTheSquareCosts() {
        assertThat(worstError(Function.CDF, VectorMathTest::normalCdf, -1, 1e30f)).isLessThan(6);
        for (int x = -12; x < -1; x++) {
            assertThat(worstError(Function.CDF, VectorMathTest::normalCdf, x, x + 1)).isLessThan(6 + 0.5 * x * x);
        }
    }

    @Test
    void resultsTooSmallForAFloatAreZeroAndTooLargeOnesInfinite() {
        assertBoth(Function.EXP, -86.61f, 0);
        assertBoth(Function.EXP, -1e38f, 0);
        assertBoth(Function.EXP, Float.NEGATIVE_INFINITY, 0);
        assertBoth(Function.EXP, 88.73f, Float.POSITIVE_INFINITY);
        assertBoth(Function.EXP, Float.MAX_VALUE, Float.POSITIVE_INFINITY);
        assertBoth(Function.EXP, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);
        assertBoth(Function.SIGMOID, Float.NEGATIVE_INFINITY, 0);
        assertBoth(Function.SIGMOID, Float.POSITIVE_INFINITY, 1);
        assertBoth(Function.TANH, Float.NEGATIVE_INFINITY, -1);
        assertBoth(Function.TANH, Float.POSITIVE_INFINITY, 1);
        assertBoth(Function.CDF, Float.NEGATIVE_INFINITY, 0);
        assertBoth(Function.CDF, -Float.MAX_VALUE, 0);
        assertBoth(Function.CDF, Float.POSITIVE_INFINITY, 1);
    }

    @Test
    void zeroAndTheSmallestNumbersGiveWhatTheFunctionsHaveThere() {
        for (float tiny : new float[] {0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e-40f, -1e-40f}) {
            assertBoth(Function.EXP, tiny, 1);
            assertBoth(Function.SIGMOID, tiny, 0.5f);
            assertBoth(Function.TANH, tiny, tiny);
        }
    }

    @Test
    void notANumberStaysNotANumber() {
        // with bits in the payload too, which are shifted into the exponent on the way
        for (float nan : new float[] {Float.NaN, Float.intBitsToFloat(0x7FC0007F), Float.intBitsToFloat(0xFF800001)}) {
            for (Function function : Function.values()) {
                assertBoth(function, nan, Float.NaN);
            }
        }
    }

    private static void assertBoth(Function function, float x, float expected) {
        float[] y = new float[LANES];
        vector(function, Fixtures.filled(LANES, x), y);
        Fixtures.assertSameBits(y, Fixtures.filled(LANES, expected), function + "(" + x + ")");
        assertThat(scalar(function, x)).as("%s(%s), scalar", function, x).isEqualTo(Float.valueOf(expected));
    }
}
