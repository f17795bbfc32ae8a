package org.lora4j.backend.reference;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/** Masked multi-head attention, one query at a time, and its gradient. */
final class ReferenceAttention {

    private final MatrixView q;
    private final MatrixView k;
    private final MatrixView v;
    private final AttentionShape shape;
    private final int @Nullable [] mask;
    private final DropoutMask dropout;
    private final Philox random;
    private final @Nullable MatrixView relativeKeys;
    private final @Nullable MatrixView relativeQueries;
    private final int @Nullable [] relativeRows;

    ReferenceAttention(Attention in) {
        this.q = in.q();
        this.k = in.k();
        this.v = in.v();
        this.shape = in.shape();
        this.mask = in.mask() == null ? null : Memory.of(in.mask());
        this.dropout = in.dropout();
        this.random = new Philox(dropout.seed());
        RelativeScores relative = in.relative();
        this.relativeKeys = relative == null ? null : relative.keys();
        this.relativeQueries = relative == null ? null : relative.queries();
        this.relativeRows = relative == null ? null : Memory.of(relative.rows());
        if (relative != null) {
            for (int i = 0; i < relative.rows().size(); i++) {
                Checks.row(relativeRows[i], relative.count());
            }
        }
    }

    void forward(AttentionOutput output) {
        MatrixView y = output.y();
        Tensor lse = output.lse();
        double[] values = Memory.of(v);
        double[] out = Memory.of(y);
        double[] logSums = lse == null ? null : Memory.of(lse);
        double[] scores = new double[shape.keys()];
        for (int b = 0; b < shape.batch(); b++) {
            for (int h = 0; h < shape.nHead(); h++) {
                for (int t = 0; t < shape.queries(); t++) {
                    double logSum = scores(b, h, t, scores);
                    int outRow = query(y, b, h, t);
                    for (int c = 0; c < shape.headSize(); c++) {
                        out[outRow + c] = 0;
                    }
                    for (int s = shape.firstKey(t); s < shape.visibleKeys(t); s++) {
                        if (sees(b, s)) {
                            double weight = StrictMath.exp(scores[s] - logSum) * kept(b, h, t, s);
                            int valueRow = key(v, b, h, s);
                            for (int c = 0; c < shape.headSize(); c++) {
                                out[outRow + c] += weight * values[valueRow + c];
                            }
                        }
                    }
                    if (logSums != null) {
                        logSums[(b * shape.nHead() + h) * shape.queries() + t] = logSum;
                    }
                }
            }
        }
    }

    void backward(AttentionOutput output, MatrixView dy, AttentionGradient gradient) {
        MatrixView y = output.y();
        MatrixView dq = gradient.dq();
        MatrixView dk = gradient.dk();
        MatrixView dv = gradient.dv();
        zeroAll(gradient.dRelativeKeys());
        zeroAll(gradient.dRelativeQueries());
        double[] logSums = Memory.of(output.lse());
        double[] scores = new double[shape.keys()];
        for (int b = 0; b < shape.batch(); b++) {
            for (int h = 0; h < shape.nHead(); h++) {
                for (int s = 0; h % shape.heads().group() == 0 && s < shape.keys(); s++) {
                    zero(dk, key(dk, b, h, s)); // heads that share a key head add to it
                    zero(dv, key(dv, b, h, s));
                }
                for (int t = 0; t < shape.queries(); t++) {
                    scores(b, h, t, scores);
                    double logSum = logSums[(b * shape.nHead() + h) * shape.queries() + t];
                    double d = dot(dy, query(dy, b, h, t), y, query(y, b, h, t));
                    zero(dq, query(dq, b, h, t));
                    for (int s = shape.firstKey(t); s < shape.visibleKeys(t); s++) {
                        if (sees(b, s)) {
                            double p = StrictMath.exp(scores[s] - logSum);
                            double m = kept(b, h, t, s);
                            double dyv = dot(dy, query(dy, b, h, t), v, key(v, b, h, s));
                            double ds = p * (m * dyv - d) * slope(scores[s]);
                            addScaled(p * m, dy, query(dy, b, h, t), dv, key(dv, b, h, s));
                            addScaled(shape.scale() * ds, k, key(k, b, h, s), dq, query(dq, b, h, t));
                            addScaled(shape.scale() * ds, q, query(q, b, h, t), dk, key(dk, b, h, s));
                            relativeBackward(shape.scale() * ds, b, h, t, s, gradient);
                        }
                    }
                }
            }
        }
    }

    /** @param ds scale·dS[t, s] */
    private void relativeBackward(double ds, int b, int h, int t, int s, AttentionGradient gradient) {
        MatrixView dKeys = gradient.dRelativeKeys();
        MatrixView dQueries = gradient.dRelativeQueries();
        if (relativeKeys != null) {
            addScaled(ds, relativeKeys, relative(relativeKeys, h, t, s), gradient.dq(), query(gradient.dq(), b, h, t));
        }
        if (relativeQueries != null) {
            addScaled(ds, relativeQueries, relative(relativeQueries, h, t, s), gradient.dk(), key(gradient.dk(), b, h, s));
        }
        if (dKeys != null) {
            addScaled(ds, q, query(q, b, h, t), dKeys, relative(dKeys, h, t, s));
        }
        if (dQueries != null) {
            addScaled(ds, k, key(k, b, h, s), dQueries, relative(dQueries, h, t, s));
        }
    }

    /** scores[s] ← scale·q·k for every key that query t sees; returns log Σ exp of them, −∞ if there is none. */
    private double scores(int b, int h, int t, double[] scores) {
        double max = Double.NEGATIVE_INFINITY;
        for (int s = shape.firstKey(t); s < shape.visibleKeys(t); s++) {
            if (sees(b, s)) {
                double products = dot(q, query(q, b, h, t), k, key(k, b, h, s));
                if (relativeKeys != null) {
                    products += dot(q, query(q, b, h, t), relativeKeys, relative(relativeKeys, h, t, s));
                }
                if (relativeQueries != null) {
                    products += dot(relativeQueries, relative(relativeQueries, h, t, s), k, key(k, b, h, s));
                }
                scores[s] = soften(shape.scale() * products);
                max = StrictMath.max(max, scores[s]);
            }
        }
        double sum = 0;
        for (int s = shape.firstKey(t); s < shape.visibleKeys(t); s++) {
            if (sees(b, s)) {
                sum += StrictMath.exp(scores[s] - max);
            }
        }
        return max + StrictMath.log(sum); // −∞ if no key is seen, as log 0 is
    }

    /** cap·tanh(s/cap), where there is a cap. */
    private double soften(double score) {
        return shape.cap() == 0 ? score : shape.cap() * StrictMath.tanh(score / shape.cap());
    }

    /** The slope of {@link #soften} where it gives this score. */
    private double slope(double softened) {
        double part = shape.cap() == 0 ? 0 : softened / shape.cap();
        return 1 - part * part;
    }

    private boolean sees(int b, int s) {
        return mask == null || mask[b * shape.keys() + s] != 0;
    }

    /** What the dropout multiplies this weight with: 0 or 1/(1 − p). */
    private double kept(int b, int h, int t, int s) {
        if (dropout.isNone()) {
            return 1;
        }
        long element = (((long) b * shape.nHead() + h) * shape.queries() + t) * shape.keys() + s;
        return ReferenceBackend.keeps(dropout, random, element) ? dropout.scale() : 0;
    }

    /** Where head h of query t begins. */
    private int query(MatrixView x, int b, int h, int t) {
        return Memory.row(x, b * shape.queries() + t) + h * shape.headSize();
    }

    /** Where the key head of head h begins in key s. */
    private int key(MatrixView x, int b, int h, int s) {
        return Memory.row(x, b * shape.keyRows() + s) + h / shape.heads().group() * shape.headSize();
    }

    /** Where head h of the row of the distance from key s to query t begins. */
    private int relative(MatrixView x, int h, int t, int s) {
        return Memory.row(x, relativeRows[t - s + shape.keys() - 1]) + h * shape.headSize();
    }

    private double dot(MatrixView x, int xRow, MatrixView y, int yRow) {
        double[] left = Memory.of(x);
        double[] right = Memory.of(y);
        double sum = 0;
        for (int c = 0; c < shape.headSize(); c++) {
            sum += left[xRow + c] * right[yRow + c];
        }
        return sum;
    }

    private void addScaled(double factor, MatrixView x, int xRow, MatrixView y, int yRow) {
        double[] from = Memory.of(x);
        double[] to = Memory.of(y);
        for (int c = 0; c < shape.headSize(); c++) {
            to[yRow + c] += factor * from[xRow + c];
        }
    }

    private void zero(MatrixView x, int row) {
        double[] to = Memory.of(x);
        for (int c = 0; c < shape.headSize(); c++) {
            to[row + c] = 0;
        }
    }

    private static void zeroAll(@Nullable MatrixView x) {
        for (int row = 0; x != null && row < x.rows(); row++) {
            int from = Memory.row(x, row);
            Arrays.fill(Memory.of(x), from, from + x.columns(), 0);
        }
    }
}
