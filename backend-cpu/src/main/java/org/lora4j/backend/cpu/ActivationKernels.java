package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.Activation;

/**
 * The functions of {@link Activation} and their derivatives; GELU's two forms are in {@link GeluKernels}.
 *
 * <p>Slopes are made of one exponential that cannot overflow. With e = e^(−|z|) and h = 1/(1 + e):
 *
 * <pre>
 *   σ(z) = h for z ≥ 0, e·h for z &lt; 0      σ(z)·σ(−z) = e·h²
 * </pre>
 */
final class ActivationKernels {

    /** The f of x·σ(f·x). */
    private static final float QUICK = 1.702f;
    /** From here on σ(z)·σ(−z) is 0, and z must not overflow to ∞, which times 0 is NaN. */
    private static final float SLOPE_END = 100;

    private ActivationKernels() {
    }

    /** One thread's share of an operation. */
    private interface Forward {
        void run(float[] x, int xOffset, float[] y, int yOffset, int from, int to);
    }

    private interface Backward {
        void run(float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to);
    }

    /** y ← f(x); y may be x. */
    static void forward(Workers workers, float[] x, int xOffset, float[] y, int yOffset, int count, Activation kind) {
        Forward loop = switch (kind) {
            case GELU_TANH, GELU_ERF -> null;
            case RELU -> ActivationKernels::relu;
            case SILU -> (a, ai, b, bi, from, to) -> gated(a, ai, 1, b, bi, from, to);
            case TANH -> ActivationKernels::tanh;
            case QUICK_GELU -> (a, ai, b, bi, from, to) -> gated(a, ai, QUICK, b, bi, from, to);
            case SIGMOID -> ActivationKernels::sigmoid;
        };
        if (loop == null) {
            GeluKernels.forward(workers, x, xOffset, y, yOffset, count, kind);
            return;
        }
        Chunks.elements(workers, count, (from, to) -> loop.run(x, xOffset, y, yOffset, from, to));
    }

    /** dx ← dy ⊙ f′(x); dx may be dy. */
    static void backward(
            Workers workers, float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int count,
            Activation kind) {
        Backward loop = switch (kind) {
            case GELU_TANH, GELU_ERF -> null;
            case RELU -> ActivationKernels::reluBackward;
            case SILU -> (a, ai, g, gi, b, bi, from, to) -> gatedBackward(a, ai, 1, g, gi, b, bi, from, to);
            case TANH -> (a, ai, g, gi, b, bi, from, to) -> bellBackward(a, ai, 2, g, gi, b, bi, from, to);
            case QUICK_GELU -> (a, ai, g, gi, b, bi, from, to) -> gatedBackward(a, ai, QUICK, g, gi, b, bi, from, to);
            case SIGMOID -> (a, ai, g, gi, b, bi, from, to) -> bellBackward(a, ai, 1, g, gi, b, bi, from, to);
        };
        if (loop == null) {
            GeluKernels.backward(workers, x, xOffset, dy, dyOffset, dx, dxOffset, count, kind);
            return;
        }
        Chunks.elements(workers, count, (from, to) -> loop.run(x, xOffset, dy, dyOffset, dx, dxOffset, from, to));
    }

    private static void relu(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, xOffset + i).max(0).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            y[yOffset + i] = Math.max(x[xOffset + i], 0);
        }
    }

    private static void reluBackward(
            float[] x, int xOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to) {
        FloatVector one = FloatVector.broadcast(SPECIES, 1);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = one.blend(0, FloatVector.fromArray(SPECIES, x, xOffset + i).compare(VectorOperators.LE, 0));
            FloatVector.fromArray(SPECIES, dy, dyOffset + i).mul(slope).intoArray(dx, dxOffset + i);
        }
        for (; i < to; i++) {
            dx[dxOffset + i] = dy[dyOffset + i] * (x[xOffset + i] <= 0 ? 0 : 1);
        }
    }

    /** x·σ(f·x). */
    private static void gated(float[] x, int xOffset, float f, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector value = FloatVector.fromArray(SPECIES, x, xOffset + i);
            value.mul(VectorMath.sigmoid(value.mul(f))).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            y[yOffset + i] = x[xOffset + i] * VectorMath.sigmoid(x[xOffset + i] * f);
        }
    }

    private static void gatedBackward(
            float[] x, int xOffset, float f, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = gatedSlope(FloatVector.fromArray(SPECIES, x, xOffset + i).mul(f));
            FloatVector.fromArray(SPECIES, dy, dyOffset + i).mul(slope).intoArray(dx, dxOffset + i);
        }
        for (; i < to; i++) {
            dx[dxOffset + i] = dy[dyOffset + i] * gatedSlope(x[xOffset + i] * f);
        }
    }

    /** σ(z) + z·σ(z)·σ(−z). */
    private static FloatVector gatedSlope(FloatVector z) {
        FloatVector e = VectorMath.exp(z.abs().neg());
        FloatVector h = FloatVector.broadcast(SPECIES, 1).div(e.add(1));
        FloatVector small = e.mul(h);
        FloatVector s = h.blend(small, z.compare(VectorOperators.LT, 0));
        return small.mul(h).fma(z.max(-SLOPE_END).min(SLOPE_END), s);
    }

    /** The same bits as {@link #gatedSlope(FloatVector)}. */
    private static float gatedSlope(float z) {
        float e = VectorMath.exp(-Math.abs(z));
        float h = 1 / (e + 1);
        float small = e * h;
        return Math.fma(small * h, Math.clamp(z, -SLOPE_END, SLOPE_END), z < 0 ? small : h);
    }

    private static void tanh(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            VectorMath.tanh(FloatVector.fromArray(SPECIES, x, xOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            y[yOffset + i] = VectorMath.tanh(x[xOffset + i]);
        }
    }

    private static void sigmoid(float[] x, int xOffset, float[] y, int yOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            VectorMath.sigmoid(FloatVector.fromArray(SPECIES, x, xOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < to; i++) {
            y[yOffset + i] = VectorMath.sigmoid(x[xOffset + i]);
        }
    }

    /** dx ← dy ⊙ f²·σ(f·x)·σ(−f·x): the slope of σ for f = 1, of tanh for f = 2. */
    private static void bellBackward(
            float[] x, int xOffset, float f, float[] dy, int dyOffset, float[] dx, int dxOffset, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = bell(FloatVector.fromArray(SPECIES, x, xOffset + i).mul(f)).mul(f * f);
            FloatVector.fromArray(SPECIES, dy, dyOffset + i).mul(slope).intoArray(dx, dxOffset + i);
        }
        for (; i < to; i++) {
            dx[dxOffset + i] = dy[dyOffset + i] * (bell(x[xOffset + i] * f) * (f * f));
        }
    }

    /** σ(z)·σ(−z). */
    private static FloatVector bell(FloatVector z) {
        FloatVector e = VectorMath.exp(z.abs().neg());
        FloatVector h = FloatVector.broadcast(SPECIES, 1).div(e.add(1));
        return e.mul(h).mul(h);
    }

    /** The same bits as {@link #bell(FloatVector)}. */
    private static float bell(float z) {
        float e = VectorMath.exp(-Math.abs(z));
        float h = 1 / (e + 1);
        return e * h * h;
    }
}
