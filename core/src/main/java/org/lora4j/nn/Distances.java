package org.lora4j.nn;

import java.util.function.IntUnaryOperator;

/**
 * Which row of a table a distance has, d = t − s from key to query:
 *
 * <pre>
 *   δ(d) = clamp(b(d) + span, 0, 2·span − 1)
 *
 *   plain         b(d) = d                                                        span: the farthest that is told apart
 *   log buckets   b(d) = d where |d| ≤ m, else sign(d)·(m + ⌈ln(|d|/m) / ln((farthest − 1)/m)·(m − 1)⌉)
 *                 m = ⌊buckets/2⌋                                                 span: buckets
 * </pre>
 *
 * <p>So each distance near by has a row, and those far away share one with ever more others (He et al. 2021, DeBERTa v3). The
 * logarithms and their quotient are taken in float, as Transformers takes them: whether a distance is just on this side of a
 * bucket's border depends on it.
 */
public final class Distances {

    private final int span;
    private final IntUnaryOperator bucket;
    private final String text;

    private Distances(int span, IntUnaryOperator bucket, String text) {
        this.span = span;
        this.bucket = bucket;
        this.text = text;
    }

    /**
     * A row for each distance up to the last.
     *
     * @param farthest the last distance with a row of its own
     */
    public static Distances plain(int farthest) {
        return new Distances(farthest, d -> d, "to " + farthest);
    }

    /**
     * A row for each near distance, and for far ones a row for ranges that grow as their logarithm.
     *
     * @param buckets  rows on either side
     * @param farthest the distance that has the last one
     */
    public static Distances logarithmic(int buckets, int farthest) {
        int mid = buckets / 2;
        float whole = (float) Math.log((float) ((farthest - 1) / (double) mid));
        return new Distances(buckets, d -> {
            int size = Math.abs(d);
            if (size <= mid) {
                return d;
            }
            if (whole == 0) {
                return Integer.MIN_VALUE; // a quotient by 0, which Transformers makes the lowest of numbers
            }
            float part = (float) Math.log((float) size / mid) / whole * (mid - 1);
            return Integer.signum(d) * (int) ((float) Math.ceil(part) + mid);
        }, "to " + farthest + " in " + buckets + " buckets");
    }

    /** Rows of the table: 2·span. */
    public int rows() {
        return 2 * span;
    }

    /** δ(d). */
    public int row(int distance) {
        return (int) Math.clamp((long) bucket.applyAsInt(distance) + span, 0, 2 * span - 1);
    }

    @Override
    public String toString() {
        return text;
    }
}
