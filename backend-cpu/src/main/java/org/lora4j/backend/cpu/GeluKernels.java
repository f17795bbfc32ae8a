package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.Activation;

/**
 * The Gaussian error linear unit and its derivative, in both forms.
 *
 * <p>The tanh form is computed as ½(1 + tanh u) = σ(2u), which needs one exponential and, for negative x, does not
 * subtract numbers that are nearly equal:
 *
 * <pre>
 *   TANH   w = 2u = x·(A + B·x²)   s = σ(w)     y = x·s       y′ = s + x·s·(1 − s)·(A + 3B·x²)
 *   ERF                                         y = x·Φ(x)    y′ = Φ(x) + x·φ(x)
 * </pre>
 */
final class GeluKernels {

    private static final float A = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float B = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);
    private static final float THREE_B = (float) (6 * Math.sqrt(2 / Math.PI) * 0.044715);
    /** From here on s is 0 or 1 exactly, and x² must not overflow to ∞, which times 0 is NaN. */
    private static final float SQUARE_END = 1000;
    private static final float ONE_OVER_SQRT_2_PI = (float) (1 / Math.sqrt(2 * Math.PI));

    /** Elements of one pass: whole vectors. */
    private static final int BLOCK = 1024;

    private GeluKernels() {
    }

    /** y ← GELU(x); y may be x. */
    static void forward(Workers workers, float[] x, int xOffset, float[] y, int yOffset, int count, Activation kind) {
        Chunks.elements(workers, count, kind == Activation.GELU_TANH
                ? (from, to) -> tanh(x, xOffset, y, yOffset, from, to)
                : (from, to) -> erf(x, xOffset, y, yOffset, from, to));
    }

    /** dx ← dy ⊙ GELU′(x); dx may be dy. */
    static void backward(
            Workers workers, float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count,
            Activation kind) {
        Chunks.elements(workers, count, kind == Activation.GELU_TANH
                ? (from, to) -> tanhBackward(x, xOffset, dy, dyOffset, dx, dxOffset, from, to)
                : (from, to) -> erfBackward(x, xOffset, dy, dyOffset, dx, dxOffset, from, to));
    }

    private static void tanh(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            tanh(FloatVector.fromArray(SPECIES, x, xOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            y[yOffset + i] = tanh(x[xOffset + i]);
        }
    }

    private static void tanhBackward(
            float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector g = FloatVector.fromArray(SPECIES, dy, dyOffset + i);
            g.mul(tanhSlope(FloatVector.fromArray(SPECIES, x, xOffset + i))).intoArray(dx, dxOffset + i);
        }
        for (; i < to; i++) {
            dx[dxOffset + i] = dy[dyOffset + i] * tanhSlope(x[xOffset + i]);
        }
    }

    private static void erf(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector value = FloatVector.fromArray(SPECIES, x, xOffset + i);
            value.mul(VectorMath.normalCdf(value, bell(value))).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            float value = x[xOffset + i];
            y[yOffset + i] = value * VectorMath.normalCdf(value, bell(value));
        }
    }

    /** In two passes over what lies in the nearest cache: both at once are more than the compiler keeps in registers. */
    private static void erfBackward(
            float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to) {
        float[] bells = Scratch.local().floats(Scratch.Slot.BELLS, BLOCK);
        int i = from;
        for (; i <= to - LANES; ) {
            int count = Math.min(BLOCK, (to - i) / LANES * LANES);
            bells(x, xOffset + i, count, bells);
            erfBackward(x, xOffset + i, dy, dyOffset + i, dx, dxOffset + i, count, bells);
            i += count;
        }
        for (; i < to; i++) {
            dx[dxOffset + i] = dy[dyOffset + i] * erfSlope(x[xOffset + i]);
        }
    }

    private static void bells(float[] x, int xOffset, int count, float[] bells) {
        for (int i = 0; i < count; i += LANES) {
            bell(FloatVector.fromArray(SPECIES, x, xOffset + i)).intoArray(bells, i);
        }
    }

    private static void erfBackward(
            float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count, float[] bells) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector g = FloatVector.fromArray(SPECIES, dy, dyOffset + i);
            FloatVector slope = erfSlope(FloatVector.fromArray(SPECIES, x, xOffset + i), FloatVector.fromArray(SPECIES, bells, i));
            g.mul(slope).intoArray(dx, dxOffset + i);
        }
    }

    private static FloatVector tanh(FloatVector x) {
        FloatVector w = x.mul(x).fma(FloatVector.broadcast(SPECIES, B), FloatVector.broadcast(SPECIES, A)).mul(x);
        return x.mul(VectorMath.sigmoid(w));
    }

    private static float tanh(float x) {
        return x * VectorMath.sigmoid(Math.fma(x * x, B, A) * x);
    }

    private static FloatVector tanhSlope(FloatVector x) {
        FloatVector square = x.mul(x);
        square = square.blend(SQUARE_END, square.compare(VectorOperators.GT, SQUARE_END));
        FloatVector a = FloatVector.broadcast(SPECIES, A);
        FloatVector s = VectorMath.sigmoid(square.fma(FloatVector.broadcast(SPECIES, B), a).mul(x));
        FloatVector slope = square.fma(FloatVector.broadcast(SPECIES, THREE_B), a);
        FloatVector rest = FloatVector.broadcast(SPECIES, 1).sub(s);
        return s.mul(rest).mul(x).fma(slope, s);
    }

    private static float tanhSlope(float x) {
        float square = x * x;
        if (square > SQUARE_END) {
            square = SQUARE_END;
        }
        float s = VectorMath.sigmoid(Math.fma(square, B, A) * x);
        float slope = Math.fma(square, THREE_B, A);
        return Math.fma(s * (1 - s) * x, slope, s);
    }

    private static FloatVector erfSlope(FloatVector x, FloatVector e) {
        return e.mul(ONE_OVER_SQRT_2_PI).fma(x, VectorMath.normalCdf(x, e));
    }

    private static float erfSlope(float x) {
        float e = bell(x);
        return Math.fma(e * ONE_OVER_SQRT_2_PI, x, VectorMath.normalCdf(x, e));
    }

    /** exp(−x²/2). */
    private static FloatVector bell(FloatVector x) {
        return VectorMath.expOfNegative(x.mul(x).mul(-0.5f));
    }

    private static float bell(float x) {
        return VectorMath.exp(x * x * -0.5f);
    }
}
