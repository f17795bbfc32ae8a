package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionKernels.QUERY_BLOCK;
import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.backend.AttentionShape;

/**
 * What attention does to the rows of a block of scores, in {@link AttentionPanels}, between the products.
 *
 * <p>A block's rows are equally long, {@code columns} rounded up to whole vectors; what a row's query cannot see is −∞
 * and becomes 0. The two methods with an exponential are longer than 325 bytes of bytecode on purpose: the compiler
 * inlines nothing longer, and in one more piece with their caller's vector code they would pass the 18,000 nodes from
 * which on it inlines nothing at all and boxes every vector.
 */
final class ScoreRows {

    /** LANES times 0, then LANES times −∞: read from LANES − n on, it hides all but the first n lanes. */
    private static final float[] STAIR = stair();

    private ScoreRows() {
    }

    private static float[] stair() {
        float[] stair = new float[2 * LANES];
        Arrays.fill(stair, LANES, 2 * LANES, Float.NEGATIVE_INFINITY);
        return stair;
    }

    /** Where the vector from column s on lies in a block's row that begins at {@code row}. */
    private static int at(int row, int s) {
        return row + s / WIDTH * (QUERY_BLOCK * WIDTH) + s % WIDTH;
    }

    /**
     * −∞ for what may not be seen.
     *
     * @param visible how many keys the first row sees
     * @param step    how many more each further row sees: 1 or 0
     * @param hidden  0 or −∞ for each key, to be added; null for none
     * @param low     the key of column 0
     */
    static void hide(float[] scores, int rows, int visible, int step, int columns, float[] hidden, int low) {
        for (int i = 0; i < rows; i++) {
            int row = i * WIDTH;
            int seen = Math.min(columns, visible + i * step);
            int whole = seen / LANES * LANES;
            if (hidden != null) {
                for (int s = 0; s < seen; s += LANES) {
                    int at = at(row, s);
                    FloatVector.fromArray(SPECIES, scores, at).add(FloatVector.fromArray(SPECIES, hidden, low + s))
                            .intoArray(scores, at);
                }
            }
            if (whole < seen) {
                int at = at(row, whole);
                FloatVector.fromArray(SPECIES, scores, at)
                        .add(FloatVector.fromArray(SPECIES, STAIR, LANES - (seen - whole))).intoArray(scores, at);
            }
            for (int s = AttentionPanels.roundUp(seen, LANES); s < columns; s += LANES) {
                FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY).intoArray(scores, at(row, s));
            }
        }
    }

    /** Each score ← cap·tanh(score/cap). */
    static void soften(float[] scores, int rows, int columns, float cap) {
        for (int i = 0; i < rows; i++) {
            for (int s = 0; s < columns; s += LANES) {
                int at = at(i * WIDTH, s);
                VectorMath.tanh(FloatVector.fromArray(SPECIES, scores, at).mul(1 / cap)).mul(cap).intoArray(scores, at);
            }
        }
    }

    /** slopes ← 1 − (score/cap)²: the derivative of {@link #soften} by what it was given, from what it made. */
    static void slopes(float[] scores, int rows, int columns, float cap, float[] slopes) {
        for (int i = 0; i < rows; i++) {
            for (int s = 0; s < columns; s += LANES) {
                int at = at(i * WIDTH, s);
                FloatVector part = FloatVector.fromArray(SPECIES, scores, at).mul(1 / cap);
                part.neg().fma(part, FloatVector.broadcast(SPECIES, 1)).intoArray(slopes, at);
            }
        }
    }

    /** x ← x ⊙ y. */
    static void multiply(float[] x, int rows, int columns, float[] y) {
        for (int i = 0; i < rows; i++) {
            for (int s = 0; s < columns; s += LANES) {
                int at = at(i * WIDTH, s);
                FloatVector.fromArray(SPECIES, x, at).mul(FloatVector.fromArray(SPECIES, y, at)).intoArray(x, at);
            }
        }
    }

    /**
     * −∞ for the keys before a row's window.
     *
     * @param first the query of the first row
     * @param low   the key of column 0
     */
    static void hideBefore(float[] scores, int rows, AttentionShape shape, int first, int low) {
        for (int i = 0; i < rows; i++) {
            for (int s = 0; s < shape.firstKey(first + i) - low; s++) {
                scores[at(i * WIDTH, s)] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /**
     * Replaces each row by its softmax, and by zeros where all is hidden.
     *
     * @param lse from lseOffset on gets log Σ exp of each row; null for none
     */
    static void softmax(float[] scores, int rows, int columns, float[] lse, int lseOffset) {
        for (int i = 0; i < rows; i++) {
            int row = i * WIDTH;
            FloatVector greatest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
            for (int s = 0; s < columns; s += LANES) {
                FloatVector score = FloatVector.fromArray(SPECIES, scores, at(row, s));
                greatest = greatest.blend(score, score.compare(VectorOperators.GT, greatest));
            }
            float max = greatest.reduceLanes(VectorOperators.MAX);
            if (max == Float.NEGATIVE_INFINITY && !hasNaN(scores, row, columns)) {
                if (lse != null) {
                    lse[lseOffset + i] = max;
                }
                for (int s = 0; s < columns; s += LANES) {
                    FloatVector.zero(SPECIES).intoArray(scores, at(row, s));
                }
                continue;
            }
            FloatVector sums = FloatVector.zero(SPECIES);
            for (int s = 0; s < columns; s += LANES) {
                int at = at(row, s);
                FloatVector e = VectorMath.expOfNegative(FloatVector.fromArray(SPECIES, scores, at).sub(max));
                e.intoArray(scores, at);
                sums = sums.add(e);
            }
            float sum = VectorMath.sum(sums);
            FloatVector factor = FloatVector.broadcast(SPECIES, 1 / sum);
            for (int s = 0; s < columns; s += LANES) {
                int at = at(row, s);
                FloatVector.fromArray(SPECIES, scores, at).mul(factor).intoArray(scores, at);
            }
            if (lse != null) {
                lse[lseOffset + i] = (float) (max + Math.log(sum));
            }
        }
    }

    /** The maximum skips NaN; a row without any other number must not pass for one that sees no key. */
    private static boolean hasNaN(float[] scores, int row, int columns) {
        for (int s = 0; s < columns; s++) {
            if (Float.isNaN(scores[at(row, s)])) {
                return true;
            }
        }
        return false;
    }

    /**
     * Multiplies each row by its dropout factors.
     *
     * @param element the number of the first row's first element
     * @param keys    elements from one row to the next
     * @param factor  room for the factors of one row
     */
    static void multiply(
            float[] x, int rows, int columns, DropoutFactors dropout, long element, int keys, float[] factor) {
        for (int i = 0; i < rows; i++) {
            int row = i * WIDTH;
            int begin = dropout.fill(element + (long) i * keys, AttentionPanels.roundUp(columns, LANES), factor);
            for (int s = 0; s < columns; s += LANES) {
                int at = at(row, s);
                FloatVector.fromArray(SPECIES, x, at).mul(FloatVector.fromArray(SPECIES, factor, begin + s))
                        .intoArray(x, at);
            }
        }
    }

    /**
     * With P = exp(S − lse), or zeros where all is hidden, and D = Σ dy ⊙ y:
     *
     * <pre>
     *   dS ← P ⊙ (M ⊙ dP − D)      P ← P ⊙ M
     * </pre>
     *
     * @param p       holds S before and P ⊙ M after
     * @param dScores holds dP before and dS after
     * @param size    elements in a row of dy and y
     * @param dropout null for M = 1; the others as in {@link #multiply}
     */
    static void gradient(
            float[] p, float[] dScores, int rows, int columns, float[] lse, int lseOffset, float[] dy, int dyOffset,
            int dyStride, float[] y, int yOffset, int yStride, int size, DropoutFactors dropout, long element, int keys,
            float[] factor) {
        for (int i = 0; i < rows; i++) {
            int row = i * WIDTH;
            float d = dot(dy, dyOffset + i * dyStride, y, yOffset + i * yStride, size);
            float shift = lse[lseOffset + i];
            if (shift == Float.NEGATIVE_INFINITY) {
                shift = Float.POSITIVE_INFINITY; // S − ∞ is −∞, whose exponential is 0; S + ∞ would be NaN
            }
            for (int s = 0; s < columns; s += LANES) {
                int at = at(row, s);
                VectorMath.exp(FloatVector.fromArray(SPECIES, p, at).sub(shift)).intoArray(p, at);
            }
            if (dropout == null) {
                for (int s = 0; s < columns; s += LANES) {
                    int at = at(row, s);
                    FloatVector.fromArray(SPECIES, dScores, at).sub(d)
                            .mul(FloatVector.fromArray(SPECIES, p, at)).intoArray(dScores, at);
                }
            } else {
                int begin = dropout.fill(element + (long) i * keys, AttentionPanels.roundUp(columns, LANES), factor);
                for (int s = 0; s < columns; s += LANES) {
                    int at = at(row, s);
                    FloatVector m = FloatVector.fromArray(SPECIES, factor, begin + s);
                    FloatVector probability = FloatVector.fromArray(SPECIES, p, at);
                    FloatVector.fromArray(SPECIES, dScores, at).mul(m).sub(d).mul(probability)
                            .intoArray(dScores, at);
                    probability.mul(m).intoArray(p, at);
                }
            }
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
