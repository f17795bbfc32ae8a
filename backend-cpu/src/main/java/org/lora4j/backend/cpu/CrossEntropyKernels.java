package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Softmax cross-entropy with label smoothing, a row at a time, with ẑ = mean of z and lse = max + log Σ exp(z − max):
 *
 * <pre>
 *   loss = lse − (1 − ε)·z_y − ε·ẑ        ∂loss/∂z = exp(z − lse) − (1 − ε)·onehot(y) − ε/V
 * </pre>
 *
 * <p>A row of GPT-2's vocabulary is 200 kB and stays in the core's own cache between the passes: its maximum (and sum),
 * then its exponentials, then the gradient. Sums of exponentials are folded into a double every {@value #BLOCK}
 * elements, so their error does not grow with V: it is that of a sum of {@value #BLOCK}/LANES floats.
 */
final class CrossEntropyKernels {

    private static final int BLOCK = 2048;

    private CrossEntropyKernels() {
    }

    /** The losses; logits are only read. A negative target is ignored. */
    static void forward(
            Workers workers, float[] logits, int offset, int[] targets, int targetsOffset, double labelSmoothing,
            float[] losses, int lossesOffset, int rows, int vocabulary) {
        requireTargets(targets, targetsOffset, rows, vocabulary);
        Chunks.rows(workers, rows, vocabulary, (from, to) -> {
            for (int row = from; row < to; row++) {
                int target = targets[targetsOffset + row];
                int at = offset + row * vocabulary;
                if (target < 0) {
                    losses[lossesOffset + row] = 0;
                } else {
                    float max = max(logits, at, vocabulary);
                    double lse = max + Math.log(sumOfExponentials(logits, at, vocabulary, max, false));
                    losses[lossesOffset + row] = loss(logits, at, target, lse, labelSmoothing, vocabulary);
                }
            }
        });
    }

    /** The losses, and weight times their gradient over the logits. */
    static void forwardWithGradient(
            Workers workers, float[] logits, int offset, int[] targets, int targetsOffset, double labelSmoothing,
            double weight, float[] losses, int lossesOffset, int rows, int vocabulary) {
        requireTargets(targets, targetsOffset, rows, vocabulary);
        Chunks.rows(workers, rows, vocabulary, (from, to) -> {
            for (int row = from; row < to; row++) {
                int target = targets[targetsOffset + row];
                int at = offset + row * vocabulary;
                if (target < 0) {
                    losses[lossesOffset + row] = 0;
                    Arrays.fill(logits, at, at + vocabulary, 0);
                } else {
                    losses[lossesOffset + row] =
                            rowWithGradient(logits, at, target, labelSmoothing, weight, vocabulary);
                }
            }
        });
    }

    private static float rowWithGradient(
            float[] logits, int at, int target, double labelSmoothing, double weight, int vocabulary) {
        float max = max(logits, at, vocabulary);
        float z = logits[at + target];
        double mean = labelSmoothing == 0 ? 0 : mean(logits, at, vocabulary);
        double sum = sumOfExponentials(logits, at, vocabulary, max, true);
        double lse = max + Math.log(sum);
        double p = logits[at + target] / sum;
        double smooth = labelSmoothing / vocabulary;
        scaleAndShift(logits, at, vocabulary, (float) (weight / sum), (float) (-weight * smooth));
        logits[at + target] = (float) (weight * (p - (1 - labelSmoothing) - smooth));
        return (float) (lse - (1 - labelSmoothing) * z - labelSmoothing * mean);
    }

    private static float loss(
            float[] logits, int at, int target, double lse, double labelSmoothing, int vocabulary) {
        double mean = labelSmoothing == 0 ? 0 : mean(logits, at, vocabulary);
        return (float) (lse - (1 - labelSmoothing) * logits[at + target] - labelSmoothing * mean);
    }

    private static void requireTargets(int[] targets, int offset, int rows, int vocabulary) {
        for (int row = 0; row < rows; row++) {
            if (targets[offset + row] >= vocabulary) {
                throw new IndexOutOfBoundsException("target " + targets[offset + row] + " of row " + row
                        + " is not below the vocabulary's size " + vocabulary);
            }
        }
    }

    private static float max(float[] x, int offset, int count) {
        FloatVector m0 = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            FloatVector x0 = FloatVector.fromArray(SPECIES, x, offset + i);
            FloatVector x1 = FloatVector.fromArray(SPECIES, x, offset + i + LANES);
            m0 = m0.blend(x0, x0.compare(VectorOperators.GT, m0));
            m1 = m1.blend(x1, x1.compare(VectorOperators.GT, m1));
        }
        float max = m0.max(m1).reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            max = Math.max(max, x[offset + i]);
        }
        return max;
    }

    private static double mean(float[] x, int offset, int count) {
        double sum = 0;
        for (int from = 0; from < count; from += BLOCK) {
            sum += Reductions.sumOfRow(x, offset + from, Math.min(BLOCK, count - from));
        }
        return sum / count;
    }

    private static double sumOfExponentials(float[] x, int offset, int count, float max, boolean keep) {
        double sum = 0;
        for (int from = 0; from < count; from += BLOCK) {
            int length = Math.min(BLOCK, count - from);
            sum += keep ? exponentiate(x, offset + from, length, max) : sumOfBlock(x, offset + from, length, max);
        }
        return sum;
    }

    private static float sumOfBlock(float[] x, int offset, int count, float max) {
        FloatVector s = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            s = s.add(VectorMath.exp(FloatVector.fromArray(SPECIES, x, offset + i).sub(max)));
        }
        float sum = VectorMath.sum(s);
        for (; i < count; i++) {
            sum += VectorMath.exp(x[offset + i] - max);
        }
        return sum;
    }

    /** x ← exp(x − max), and their sum. */
    private static float exponentiate(float[] x, int offset, int count, float max) {
        FloatVector s = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, x, offset + i).sub(max));
            e.intoArray(x, offset + i);
            s = s.add(e);
        }
        float sum = VectorMath.sum(s);
        for (; i < count; i++) {
            float e = VectorMath.exp(x[offset + i] - max);
            x[offset + i] = e;
            sum += e;
        }
        return sum;
    }

    /** x ← scale·x + shift. */
    private static void scaleAndShift(float[] x, int offset, int count, float scale, float shift) {
        FloatVector factor = FloatVector.broadcast(SPECIES, scale);
        FloatVector summand = FloatVector.broadcast(SPECIES, shift);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, offset + i).fma(factor, summand).intoArray(x, offset + i);
        }
        for (; i < count; i++) {
            x[offset + i] = Math.fma(x[offset + i], scale, shift);
        }
    }
}
