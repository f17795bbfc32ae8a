package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * Masked multi-head attention and its gradient, a block of {@value #QUERY_BLOCK} queries of one head at a time:
 *
 * <pre>
 *   S = scale·q·kᵀ + mask      P = exp(S − max) / Σ      y = (P ⊙ M)·v      lse = max + log Σ
 * </pre>
 *
 * <p>Only the block's rows of S exist, and of them only what the block's last query can see, so causal attention does
 * about half of the work and memory grows with the length, not its square. Backward computes P = exp(S − lse) again.
 *
 * <p>Keys and values of a head are first laid out in {@link AttentionPanels}, the keys transposed, so that scores are computed for
 * a vector of keys at a time and nothing is summed across lanes. One thread does a head's whole backward, and a query's
 * row never depends on the block it stands in: any number of threads gives the same bits.
 */
final class AttentionKernels {

    /** Queries per block: fewer waste less above the diagonal, more read the keys less often. */
    private static final int QUERY_BLOCK = 16;
    /** LANES times 0, then LANES times −∞: read from LANES − n on, it hides all but the first n lanes. */
    private static final float[] STAIR = stair();

    private AttentionKernels() {
    }

    private static float[] stair() {
        float[] stair = new float[2 * LANES];
        Arrays.fill(stair, LANES, 2 * LANES, Float.NEGATIVE_INFINITY);
        return stair;
    }

    /**
     * y and, where it is wanted, lse, as the contract says.
     *
     * @param mask (batch, keys), or null
     * @param lse  (batch·nHead, queries), or null
     */
    static void forward(
            Workers workers, float[] q, int qOffset, int qStride, float[] k, int kOffset, int kStride, float[] v,
            int vOffset, int vStride, int[] mask, int maskOffset, AttentionShape shape, DropoutMask dropout, float[] y,
            int yOffset, int yStride, float[] lse, int lseOffset) {
        int heads = shape.batch() * shape.nHead();
        DropoutFactors factors = dropout.isNone() ? null : new DropoutFactors(dropout);
        int blocks = (shape.queries() + QUERY_BLOCK - 1) / QUERY_BLOCK;
        int parts = Math.min(blocks, Math.max(1, 2 * workers.threads() / Math.max(1, heads)));
        workers.run(heads * parts, task -> {
            int head = task / parts;
            int part = parts - 1 - task % parts;
            int from = Math.min(shape.queries(), (int) ((long) blocks * part / parts) * QUERY_BLOCK);
            int to = Math.min(shape.queries(), (int) ((long) blocks * (part + 1) / parts) * QUERY_BLOCK);
            int b = head / shape.nHead();
            int column = head % shape.nHead() * shape.headSize();
            forwardHead(q, qOffset + b * shape.queries() * qStride + column, qStride,
                    k, kOffset + b * shape.keyRows() * kStride + column, kStride,
                    v, vOffset + b * shape.keyRows() * vStride + column, vStride,
                    mask, maskOffset + b * shape.keys(), shape, head, factors, from, to,
                    y, yOffset + b * shape.queries() * yStride + column, yStride,
                    lse, lseOffset + head * shape.queries());
        });
    }

    private static void forwardHead(
            float[] q, int qOffset, int qStride, float[] k, int kOffset, int kStride, float[] v, int vOffset,
            int vStride, int[] mask, int maskOffset, AttentionShape shape, int head, DropoutFactors dropout, int from,
            int to, float[] y, int yOffset, int yStride, float[] lse, int lseOffset) {
        int size = shape.headSize();
        int seen = shape.visibleKeys(to - 1);
        Scratch scratch = Scratch.local();
        float[] keys = scratch.floats(Slot.KEYS, AttentionPanels.size(size, seen));
        float[] values = scratch.floats(Slot.VALUES, AttentionPanels.size(seen, size));
        float[] queries = scratch.floats(Slot.QUERIES, AttentionPanels.size(QUERY_BLOCK, size));
        float[] scores = scratch.floats(Slot.SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] output = scratch.floats(Slot.OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        float[] hidden = hidden(scratch, mask, maskOffset, seen);
        float[] factor = dropout == null ? null : scratch.floats(Slot.DROPOUT, seen + LANES + DropoutFactors.MARGIN);
        AttentionPanels.packTransposed(k, kOffset, kStride, seen, size, keys);
        AttentionPanels.pack(v, vOffset, vStride, seen, size, 1, values, seen);
        for (int first = from; first < to; first += QUERY_BLOCK) {
            int rows = Math.min(QUERY_BLOCK, to - first);
            int columns = shape.visibleKeys(first + rows - 1);
            AttentionPanels.pack(q, qOffset + first * qStride, qStride, rows, size, (float) shape.scale(), queries, QUERY_BLOCK);
            AttentionPanels.multiply(queries, QUERY_BLOCK, keys, size, scores, QUERY_BLOCK, rows, columns, size, false);
            for (int row = 0; row < rows; row++) {
                int visible = shape.visibleKeys(first + row);
                float logSum = softmax(scores, row * WIDTH, visible, columns, hidden);
                if (lse != null) {
                    lse[lseOffset + first + row] = logSum;
                }
                if (dropout != null) {
                    long element = ((long) head * shape.queries() + first + row) * shape.keys();
                    multiplyRow(scores, row * WIDTH, visible, factor, dropout.fill(element, visible, factor));
                }
            }
            AttentionPanels.multiply(scores, QUERY_BLOCK, values, seen, output, QUERY_BLOCK, rows, size, columns, false);
            AttentionPanels.unpack(output, QUERY_BLOCK, rows, size, 1, y, yOffset + first * yStride, yStride);
        }
    }

    /**
     * The gradients dq, dk and dv, written in the rows that take part.
     *
     * @param lse what forward wrote
     */
    static void backward(
            Workers workers, float[] dy, int dyOffset, int dyStride, float[] q, int qOffset, int qStride, float[] k,
            int kOffset, int kStride, float[] v, int vOffset, int vStride, float[] y, int yOffset, int yStride,
            float[] lse, int lseOffset, int[] mask, int maskOffset, AttentionShape shape, DropoutMask dropout,
            float[] dq, int dqOffset, int dqStride, float[] dk, int dkOffset, int dkStride, float[] dv, int dvOffset,
            int dvStride) {
        DropoutFactors factors = dropout.isNone() ? null : new DropoutFactors(dropout);
        workers.run(shape.batch() * shape.nHead(), head -> {
            int b = head / shape.nHead();
            int column = head % shape.nHead() * shape.headSize();
            int queryRow = b * shape.queries();
            int keyRow = b * shape.keyRows();
            backwardHead(dy, dyOffset + queryRow * dyStride + column, dyStride,
                    q, qOffset + queryRow * qStride + column, qStride,
                    k, kOffset + keyRow * kStride + column, kStride,
                    v, vOffset + keyRow * vStride + column, vStride,
                    y, yOffset + queryRow * yStride + column, yStride,
                    lse, lseOffset + head * shape.queries(), mask, maskOffset + b * shape.keys(), shape, head, factors,
                    dq, dqOffset + queryRow * dqStride + column, dqStride,
                    dk, dkOffset + keyRow * dkStride + column, dkStride,
                    dv, dvOffset + keyRow * dvStride + column, dvStride);
        });
    }

    private static void backwardHead(
            float[] dy, int dyOffset, int dyStride, float[] q, int qOffset, int qStride, float[] k, int kOffset,
            int kStride, float[] v, int vOffset, int vStride, float[] y, int yOffset, int yStride, float[] lse,
            int lseOffset, int[] mask, int maskOffset, AttentionShape shape, int head, DropoutFactors dropout,
            float[] dq, int dqOffset, int dqStride, float[] dk, int dkOffset, int dkStride, float[] dv, int dvOffset,
            int dvStride) {
        int size = shape.headSize();
        int seen = shape.keys();
        int seenRows = AttentionPanels.roundUp(seen, LANES);
        Scratch scratch = Scratch.local();
        float[] keys = scratch.floats(Slot.KEYS, AttentionPanels.size(size, seen));
        float[] values = scratch.floats(Slot.VALUES, AttentionPanels.size(size, seen));
        float[] keyRows = scratch.floats(Slot.KEY_ROWS, AttentionPanels.size(seen, size));
        float[] dKeys = scratch.zeros(Slot.D_KEYS, AttentionPanels.size(seenRows, size));
        float[] dValues = scratch.zeros(Slot.D_VALUES, AttentionPanels.size(seenRows, size));
        float[] queries = scratch.floats(Slot.QUERIES, AttentionPanels.size(QUERY_BLOCK, size));
        float[] dOutput = scratch.floats(Slot.D_OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        float[] scores = scratch.floats(Slot.SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] dScores = scratch.floats(Slot.D_SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] dQueries = scratch.floats(Slot.OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        float[] hidden = hidden(scratch, mask, maskOffset, seen);
        float[] factor = dropout == null ? null : scratch.floats(Slot.DROPOUT, seen + LANES + DropoutFactors.MARGIN);
        float scale = (float) shape.scale();
        AttentionPanels.packTransposed(k, kOffset, kStride, seen, size, keys);
        AttentionPanels.packTransposed(v, vOffset, vStride, seen, size, values);
        AttentionPanels.pack(k, kOffset, kStride, seen, size, 1, keyRows, seen);
        for (int first = 0; first < shape.queries(); first += QUERY_BLOCK) {
            int rows = Math.min(QUERY_BLOCK, shape.queries() - first);
            int columns = shape.visibleKeys(first + rows - 1);
            AttentionPanels.pack(q, qOffset + first * qStride, qStride, rows, size, scale, queries, QUERY_BLOCK);
            AttentionPanels.pack(dy, dyOffset + first * dyStride, dyStride, rows, size, 1, dOutput, QUERY_BLOCK);
            AttentionPanels.multiply(queries, QUERY_BLOCK, keys, size, scores, QUERY_BLOCK, rows, columns, size, false);
            AttentionPanels.multiply(dOutput, QUERY_BLOCK, values, size, dScores, QUERY_BLOCK, rows, columns, size, false);
            for (int row = 0; row < rows; row++) {
                int t = first + row;
                int visible = shape.visibleKeys(t);
                float d = dot(dy, dyOffset + t * dyStride, y, yOffset + t * yStride, size);
                probabilities(scores, row * WIDTH, visible, columns, hidden, lse[lseOffset + t]);
                if (dropout == null) {
                    scoreGradient(scores, dScores, row * WIDTH, columns, d);
                } else {
                    long element = ((long) head * shape.queries() + t) * shape.keys();
                    int begin = dropout.fill(element, visible, factor);
                    Arrays.fill(factor, begin + visible, begin + AttentionPanels.roundUp(visible, LANES), 0);
                    scoreGradient(scores, dScores, row * WIDTH, visible, columns, d, factor, begin);
                }
            }
            AttentionPanels.addTransposedProduct(scores, QUERY_BLOCK, dOutput, QUERY_BLOCK, dValues, seenRows, columns, size, rows);
            AttentionPanels.addTransposedProduct(dScores, QUERY_BLOCK, queries, QUERY_BLOCK, dKeys, seenRows, columns, size, rows);
            AttentionPanels.multiply(dScores, QUERY_BLOCK, keyRows, seen, dQueries, QUERY_BLOCK, rows, size, columns, false);
            AttentionPanels.unpack(dQueries, QUERY_BLOCK, rows, size, scale, dq, dqOffset + first * dqStride, dqStride);
        }
        AttentionPanels.unpack(dKeys, seenRows, seen, size, 1, dk, dkOffset, dkStride);
        AttentionPanels.unpack(dValues, seenRows, seen, size, 1, dv, dvOffset, dvStride);
    }

    /** 0 for a key that may be seen and −∞ for one that the padding mask hides; null without a mask. */
    private static float[] hidden(Scratch scratch, int[] mask, int maskOffset, int keys) {
        if (mask == null) {
            return null;
        }
        float[] hidden = scratch.zeros(Slot.MASK, AttentionPanels.roundUp(keys, WIDTH));
        for (int s = 0; s < keys; s++) {
            hidden[s] = mask[maskOffset + s] == 0 ? Float.NEGATIVE_INFINITY : 0;
        }
        return hidden;
    }

    /** Where the vector from column s on lies in a block's row that begins at {@code row}. */
    private static int at(int row, int s) {
        return row + s / WIDTH * (QUERY_BLOCK * WIDTH) + s % WIDTH;
    }

    /** Masks a row of scores: −∞ from {@code visible} on in its last vector, and where {@code hidden} says so. */
    private static FloatVector masked(float[] scores, int row, int s, int visible, float[] hidden) {
        FloatVector score = FloatVector.fromArray(SPECIES, scores, at(row, s));
        if (hidden != null) {
            score = score.add(FloatVector.fromArray(SPECIES, hidden, s));
        }
        int left = visible - s;
        return left >= LANES ? score : score.add(FloatVector.fromArray(SPECIES, STAIR, LANES - left));
    }

    /** Replaces a row's scores by their softmax, zeros up to the end of {@code columns}, and returns log Σ exp. */
    private static float softmax(float[] scores, int row, int visible, int columns, float[] hidden) {
        FloatVector greatest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int s = 0; s < visible; s += LANES) {
            FloatVector score = masked(scores, row, s, visible, hidden);
            greatest = greatest.blend(score, score.compare(VectorOperators.GT, greatest));
        }
        float max = greatest.reduceLanes(VectorOperators.MAX);
        if (max == Float.NEGATIVE_INFINITY && !hasNaN(scores, row, visible, hidden)) {
            zero(scores, row, 0, columns);
            return max;
        }
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int s = 0; s < visible; s += LANES) {
            FloatVector e = VectorMath.exp(masked(scores, row, s, visible, hidden).sub(max));
            e.intoArray(scores, at(row, s));
            sums = sums.add(e);
        }
        float sum = VectorMath.sum(sums);
        float factor = 1 / sum;
        for (int s = 0; s < visible; s += LANES) {
            int at = at(row, s);
            FloatVector.fromArray(SPECIES, scores, at).mul(factor).intoArray(scores, at);
        }
        zero(scores, row, AttentionPanels.roundUp(visible, LANES), columns);
        return (float) (max + Math.log(sum));
    }

    /** The maximum skips NaN; a row without any other number must not pass for one that sees no key. */
    private static boolean hasNaN(float[] scores, int row, int visible, float[] hidden) {
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int s = 0; s < visible; s += LANES) {
            sums = sums.add(masked(scores, row, s, visible, hidden));
        }
        return Float.isNaN(VectorMath.sum(sums));
    }

    /** Replaces a row's scores by exp(S − lse), zeros up to the end of {@code columns}. */
    private static void probabilities(float[] scores, int row, int visible, int columns, float[] hidden, float lse) {
        if (lse == Float.NEGATIVE_INFINITY) {
            zero(scores, row, 0, columns);
            return;
        }
        for (int s = 0; s < visible; s += LANES) {
            VectorMath.exp(masked(scores, row, s, visible, hidden).sub(lse)).intoArray(scores, at(row, s));
        }
        zero(scores, row, AttentionPanels.roundUp(visible, LANES), columns);
    }

    /** dS ← P ⊙ (dP − D), with dP in dS before. */
    private static void scoreGradient(float[] p, float[] dScores, int row, int columns, float d) {
        for (int s = 0; s < columns; s += LANES) {
            int at = at(row, s);
            FloatVector.fromArray(SPECIES, dScores, at).sub(d).mul(FloatVector.fromArray(SPECIES, p, at))
                    .intoArray(dScores, at);
        }
    }

    /** dS ← P ⊙ (M ⊙ dP − D) and P ← P ⊙ M. */
    private static void scoreGradient(
            float[] p, float[] dScores, int row, int visible, int columns, float d, float[] factor, int begin) {
        for (int s = 0; s < visible; s += LANES) {
            int at = at(row, s);
            FloatVector m = FloatVector.fromArray(SPECIES, factor, begin + s);
            FloatVector probability = FloatVector.fromArray(SPECIES, p, at);
            FloatVector.fromArray(SPECIES, dScores, at).mul(m).sub(d).mul(probability).intoArray(dScores, at);
            probability.mul(m).intoArray(p, at);
        }
        zero(dScores, row, AttentionPanels.roundUp(visible, LANES), columns);
    }

    private static void multiplyRow(float[] p, int row, int visible, float[] factor, int begin) {
        Arrays.fill(factor, begin + visible, begin + AttentionPanels.roundUp(visible, LANES), 0);
        for (int s = 0; s < visible; s += LANES) {
            int at = at(row, s);
            FloatVector.fromArray(SPECIES, p, at).mul(FloatVector.fromArray(SPECIES, factor, begin + s)).intoArray(p, at);
        }
    }

    /** Zeros from column {@code from}, which begins a vector, up to the end of the vector or tile that ends {@code to}. */
    private static void zero(float[] scores, int row, int from, int to) {
        for (int s = from; s < AttentionPanels.roundUp(to, LANES); s += LANES) {
            FloatVector.zero(SPECIES).intoArray(scores, at(row, s));
        }
    }

    private static float dot(float[] x, int xOffset, float[] y, int yOffset, int count) {
        FloatVector sums = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            sums = FloatVector.fromArray(SPECIES, x, xOffset + i).fma(FloatVector.fromArray(SPECIES, y, yOffset + i), sums);
        }
        float sum = VectorMath.sum(sums);
        for (; i < count; i++) {
            sum = Math.fma(x[xOffset + i], y[yOffset + i], sum);
        }
        return sum;
    }
}
