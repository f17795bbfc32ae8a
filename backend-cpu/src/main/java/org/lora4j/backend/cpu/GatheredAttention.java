package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Checks;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * Attention of single queries to keys that lie anywhere: the beams of one input name the rows of one prompt, which then
 * stay in the core's cache from query to query.
 *
 * <p>A score is a sum across lanes, four keys at a time, so that a vector of the query is loaded once for four. A query's
 * bits depend on its visible keys and their order alone: hidden keys behind the last visible one are not even looked at,
 * those before it weigh exactly 0.
 */
final class GatheredAttention {

    /** Query-heads that a thread takes at a time, at most: one takes half a microsecond and more. */
    private static final int MOST_PER_TASK = 16;

    private GatheredAttention() {
    }

    /** See {@link org.lora4j.backend.Backend#gatheredAttention}; k and v are (tableRows, keyWidth) without gaps. */
    static void forward(
            Workers workers, float[] q, int qOffset, int qStride, float[] k, float[] v, int tableRows, int[] rows,
            int[] mask, int queries, int keys, int window, AttentionHeads heads, float[] y, int yOffset, int yStride) {
        for (int i = 0; i < queries * keys; i++) {
            Checks.row(rows[i], tableRows);
        }
        int nHead = heads.count();
        int size = heads.size();
        float scale = (float) heads.scale();
        int all = queries * nHead;
        int perTask = Math.clamp(all / (4 * workers.threads()), 1, MOST_PER_TASK);
        workers.run(Math.ceilDiv(all, perTask), task -> {
            float[] p = Scratch.local().floats(Slot.SCORES, AttentionPanels.roundUp(keys, LANES));
            for (int i = task * perTask; i < Math.min(all, (task + 1) * perTask); i++) {
                // a query after the other, head by head: the beams of an input stand side by side and share most rows
                int head = i % nHead * size;
                int keyHead = i % nHead / heads.group() * size;
                int query = i / nHead;
                attend(q, qOffset + query * qStride + head, k, v, keyHead, heads.keyWidth(), rows, mask, query * keys, keys,
                        window, size, scale, (float) heads.cap(), p, y, yOffset + query * yStride + head);
            }
        });
    }

    private static void attend(
            float[] q, int qOffset, float[] k, float[] v, int column, int stride, int[] rows, int[] mask, int from,
            int keys, int window, int size, float scale, float cap, float[] p, float[] y, int yOffset) {
        int seen = keys;
        while (mask != null && seen > 0 && mask[from + seen - 1] == 0) {
            seen--;
        }
        if (seen > window) {
            from += seen - window;
            seen = window;
        }
        scores(q, qOffset, k, column, stride, rows, from, seen, size, scale, p);
        if (cap != 0) {
            soften(p, seen, cap);
        }
        Arrays.fill(p, seen, AttentionPanels.roundUp(seen, LANES), Float.NEGATIVE_INFINITY);
        if (mask != null) {
            hide(p, mask, from, seen);
        }
        float max = max(p, seen);
        if (max == Float.NEGATIVE_INFINITY) {
            Arrays.fill(y, yOffset, yOffset + size, 0);
            return;
        }
        average(p, seen, 1 / exponentiate(p, seen, max), v, column, stride, rows, from, size, y, yOffset);
    }

    private static void scores(
            float[] q, int qOffset, float[] k, int column, int stride, int[] rows, int from, int keys, int size,
            float scale, float[] p) {
        int s = 0;
        for (; s <= keys - 4; s += 4) {
            fourScores(q, qOffset, k, column + rows[from + s] * stride, column + rows[from + s + 1] * stride,
                    column + rows[from + s + 2] * stride, column + rows[from + s + 3] * stride, size, scale, p, s);
        }
        for (; s < keys; s++) {
            p[s] = score(q, qOffset, k, column + rows[from + s] * stride, size) * scale;
        }
    }

    private static void fourScores(
            float[] q, int qOffset, float[] k, int a, int b, int c, int d, int size, float scale, float[] p, int s) {
        FloatVector sumA = FloatVector.zero(SPECIES);
        FloatVector sumB = sumA;
        FloatVector sumC = sumA;
        FloatVector sumD = sumA;
        int i = 0;
        for (; i <= size - LANES; i += LANES) {
            FloatVector x = FloatVector.fromArray(SPECIES, q, qOffset + i);
            sumA = x.fma(FloatVector.fromArray(SPECIES, k, a + i), sumA);
            sumB = x.fma(FloatVector.fromArray(SPECIES, k, b + i), sumB);
            sumC = x.fma(FloatVector.fromArray(SPECIES, k, c + i), sumC);
            sumD = x.fma(FloatVector.fromArray(SPECIES, k, d + i), sumD);
        }
        p[s] = rest(VectorMath.sum(sumA), q, qOffset, k, a, i, size) * scale;
        p[s + 1] = rest(VectorMath.sum(sumB), q, qOffset, k, b, i, size) * scale;
        p[s + 2] = rest(VectorMath.sum(sumC), q, qOffset, k, c, i, size) * scale;
        p[s + 3] = rest(VectorMath.sum(sumD), q, qOffset, k, d, i, size) * scale;
    }

    /** The same bits as one of {@link #fourScores}. */
    private static float score(float[] q, int qOffset, float[] k, int at, int size) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= size - LANES; i += LANES) {
            sum = FloatVector.fromArray(SPECIES, q, qOffset + i).fma(FloatVector.fromArray(SPECIES, k, at + i), sum);
        }
        return rest(VectorMath.sum(sum), q, qOffset, k, at, i, size);
    }

    private static float rest(float sum, float[] q, int qOffset, float[] k, int at, int from, int size) {
        float whole = sum;
        for (int i = from; i < size; i++) {
            whole = Math.fma(q[qOffset + i], k[at + i], whole);
        }
        return whole;
    }

    /** p ← cap·tanh(p/cap). */
    private static void soften(float[] p, int keys, float cap) {
        for (int s = 0; s < keys; s += LANES) {
            VectorMath.tanh(FloatVector.fromArray(SPECIES, p, s).mul(1 / cap)).mul(cap).intoArray(p, s);
        }
    }

    private static void hide(float[] p, int[] mask, int from, int keys) {
        for (int s = 0; s < keys; s++) {
            if (mask[from + s] == 0) {
                p[s] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /** The greatest score; NaN if there is one. */
    private static float max(float[] p, int keys) {
        FloatVector greatest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int s = 0; s < keys; s += LANES) {
            greatest = greatest.max(FloatVector.fromArray(SPECIES, p, s));
        }
        return greatest.reduceLanes(VectorOperators.MAX);
    }

    private static float exponentiate(float[] p, int keys, float max) {
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int s = 0; s < keys; s += LANES) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, p, s).sub(max));
            e.intoArray(p, s);
            sums = sums.add(e);
        }
        return VectorMath.sum(sums);
    }

    /** y ← factor·Σ p[s]·v[rows[s]]. */
    private static void average(
            float[] p, int keys, float factor, float[] v, int column, int stride, int[] rows, int from, int size,
            float[] y, int yOffset) {
        int i = 0;
        for (; i <= size - 4 * LANES; i += 4 * LANES) {
            fourAverages(p, keys, factor, v, column + i, stride, rows, from, y, yOffset + i);
        }
        for (; i <= size - LANES; i += LANES) {
            FloatVector sums = FloatVector.zero(SPECIES);
            for (int s = 0; s < keys; s++) {
                sums = FloatVector.fromArray(SPECIES, v, column + i + rows[from + s] * stride)
                        .fma(FloatVector.broadcast(SPECIES, p[s]), sums);
            }
            sums.mul(factor).intoArray(y, yOffset + i);
        }
        for (; i < size; i++) {
            float sum = 0;
            for (int s = 0; s < keys; s++) {
                sum = Math.fma(v[column + i + rows[from + s] * stride], p[s], sum);
            }
            y[yOffset + i] = sum * factor;
        }
    }

    private static void fourAverages(
            float[] p, int keys, float factor, float[] v, int column, int stride, int[] rows, int from, float[] y,
            int yOffset) {
        FloatVector y0 = FloatVector.zero(SPECIES);
        FloatVector y1 = y0;
        FloatVector y2 = y0;
        FloatVector y3 = y0;
        for (int s = 0; s < keys; s++) {
            int at = column + rows[from + s] * stride;
            FloatVector weight = FloatVector.broadcast(SPECIES, p[s]);
            y0 = FloatVector.fromArray(SPECIES, v, at).fma(weight, y0);
            y1 = FloatVector.fromArray(SPECIES, v, at + LANES).fma(weight, y1);
            y2 = FloatVector.fromArray(SPECIES, v, at + 2 * LANES).fma(weight, y2);
            y3 = FloatVector.fromArray(SPECIES, v, at + 3 * LANES).fma(weight, y3);
        }
        y0.mul(factor).intoArray(y, yOffset);
        y1.mul(factor).intoArray(y, yOffset + LANES);
        y2.mul(factor).intoArray(y, yOffset + 2 * LANES);
        y3.mul(factor).intoArray(y, yOffset + 3 * LANES);
    }
}
