package org.lora4j.contract;

import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;

/**
 * Attention with every matrix written out, one (queries, keys) matrix per sequence and head, and the softmax as exp over
 * its sum; scores must be moderate. Beside each result stands its size, the same sum over absolute values.
 */
final class AttentionOracle {

    final double[] y;
    final double[] lse;
    final double[] dq;
    final double[] dk;
    final double[] dv;
    final double[] ySize;
    final double[] dqSize;
    final double[] dkSize;
    final double[] dvSize;
    /** Of the relative keys and queries, (P, width); empty without them. */
    final double[] dRelativeKeys;
    final double[] dRelativeQueries;
    final double[] dRelativeKeysSize;
    final double[] dRelativeQueriesSize;
    /** The largest scale·Σ|q·k| of all scores, which their error is relative to. */
    double scoreSize;

    private final AttentionShape shape;
    private final int[] mask;
    private final DropoutMask dropout;
    private final Distances distances;

    /**
     * What distances add.
     *
     * @param keys    (P, width); zeros where there are none
     * @param queries likewise
     * @param rows    for t − s + keys − 1, the row
     */
    record Distances(double[] keys, double[] queries, int[] rows) {
    }

    AttentionOracle(double[] q, double[] k, double[] v, double[] dy, int[] mask, AttentionShape shape, DropoutMask dropout) {
        this(q, k, v, dy, mask, shape, dropout, null);
    }

    AttentionOracle(
            double[] q, double[] k, double[] v, double[] dy, int[] mask, AttentionShape shape, DropoutMask dropout,
            Distances distances) {
        this.distances = distances;
        int tableSize = distances == null ? 0 : distances.keys.length;
        dRelativeKeys = new double[tableSize];
        dRelativeQueries = new double[tableSize];
        dRelativeKeysSize = new double[tableSize];
        dRelativeQueriesSize = new double[tableSize];
        this.shape = shape;
        this.mask = mask;
        this.dropout = dropout;
        int queryRows = shape.batch() * shape.queries();
        int keyRows = shape.batch() * shape.keyRows();
        int width = shape.width();
        int keyWidth = shape.keyWidth();
        y = new double[queryRows * width];
        dq = new double[queryRows * width];
        ySize = new double[queryRows * width];
        dqSize = new double[queryRows * width];
        dk = new double[keyRows * keyWidth];
        dv = new double[keyRows * keyWidth];
        dkSize = new double[keyRows * keyWidth];
        dvSize = new double[keyRows * keyWidth];
        lse = new double[shape.batch() * shape.nHead() * shape.queries()];
        for (int b = 0; b < shape.batch(); b++) {
            for (int h = 0; h < shape.nHead(); h++) {
                head(q, k, v, dy, b, h);
            }
        }
    }

    private void head(double[] q, double[] k, double[] v, double[] dy, int b, int h) {
        int tq = shape.queries();
        int tk = shape.keys();
        int hs = shape.headSize();
        double[] qh = cut(q, b * tq, tq, h);
        double[] kh = cutKeys(k, b, h);
        double[] vh = cutKeys(v, b, h);
        double[] dyh = cut(dy, b * tq, tq, h);
        double[] products = Oracle.product(qh, Oracle.transpose(kh, tk, hs), tq, hs, tk);
        double[] sizes = Oracle.product(Oracle.abs(qh), Oracle.transpose(Oracle.abs(kh), tk, hs), tq, hs, tk);
        if (distances != null) {
            for (int t = 0; t < tq; t++) {
                for (int s = 0; s < tk; s++) {
                    int row = tableRow(t, s, h);
                    for (int c = 0; c < hs; c++) {
                        double toKeys = qh[t * hs + c] * distances.keys[row + c];
                        double fromQueries = distances.queries[row + c] * kh[s * hs + c];
                        products[t * tk + s] += toKeys + fromQueries;
                        sizes[t * tk + s] += Math.abs(toKeys) + Math.abs(fromQueries);
                    }
                }
            }
        }
        double[] p = new double[tq * tk];
        double[] factor = new double[tq * tk];
        for (int t = 0; t < tq; t++) {
            double sum = 0;
            for (int s = 0; s < tk; s++) {
                if (visible(b, t, s)) {
                    p[t * tk + s] = Math.exp(shape.scale() * products[t * tk + s]);
                    sum += p[t * tk + s];
                    scoreSize = Math.max(scoreSize, Math.abs(shape.scale()) * sizes[t * tk + s]);
                }
                long element = (((long) b * shape.nHead() + h) * tq + t) * tk + s;
                factor[t * tk + s] = dropout.p() == 0 || DropoutContract.keeps(dropout, element) ? 1 / (1 - dropout.p()) : 0;
            }
            for (int s = 0; s < tk && sum > 0; s++) {
                p[t * tk + s] /= sum;
            }
            lse[(b * shape.nHead() + h) * tq + t] = Math.log(sum);
        }
        double[] pm = times(p, factor);
        double[] yh = Oracle.product(pm, vh, tq, tk, hs);
        double[] dyv = Oracle.product(dyh, Oracle.transpose(vh, tk, hs), tq, hs, tk);
        double[] dyvSize = Oracle.product(Oracle.abs(dyh), Oracle.transpose(Oracle.abs(vh), tk, hs), tq, hs, tk);
        double[] ds = new double[tq * tk];
        double[] dsSize = new double[tq * tk];
        for (int t = 0; t < tq; t++) {
            double d = 0;
            double dSize = 0;
            for (int s = 0; s < tk; s++) {
                d += pm[t * tk + s] * dyv[t * tk + s]; // Σ over keys of P ⊙ dP, which is Σ over features of dy ⊙ y
                dSize += pm[t * tk + s] * dyvSize[t * tk + s];
            }
            for (int s = 0; s < tk; s++) {
                int i = t * tk + s;
                ds[i] = shape.scale() * p[i] * (factor[i] * dyv[i] - d);
                dsSize[i] = Math.abs(shape.scale()) * p[i] * (factor[i] * dyvSize[i] + dSize);
            }
        }
        paste(yh, y, b * tq, tq, h);
        paste(Oracle.product(pm, Oracle.abs(vh), tq, tk, hs), ySize, b * tq, tq, h);
        paste(Oracle.product(ds, kh, tq, tk, hs), dq, b * tq, tq, h);
        paste(Oracle.product(dsSize, Oracle.abs(kh), tq, tk, hs), dqSize, b * tq, tq, h);
        addToKeys(Oracle.product(Oracle.transpose(ds, tq, tk), qh, tk, tq, hs), dk, b, h);
        addToKeys(Oracle.product(Oracle.transpose(dsSize, tq, tk), Oracle.abs(qh), tk, tq, hs), dkSize, b, h);
        addToKeys(Oracle.product(Oracle.transpose(pm, tq, tk), dyh, tk, tq, hs), dv, b, h);
        addToKeys(Oracle.product(Oracle.transpose(pm, tq, tk), Oracle.abs(dyh), tk, tq, hs), dvSize, b, h);
        if (distances != null) {
            distancesBackward(qh, kh, ds, dsSize, b, h);
        }
    }

    /** What distances do to the gradients, entry by entry. */
    private void distancesBackward(double[] qh, double[] kh, double[] ds, double[] dsSize, int b, int h) {
        int hs = shape.headSize();
        for (int t = 0; t < shape.queries(); t++) {
            for (int s = 0; s < shape.keys(); s++) {
                int i = t * shape.keys() + s;
                int row = tableRow(t, s, h);
                int query = (b * shape.queries() + t) * shape.width() + h * hs;
                int key = (b * shape.keyRows() + s) * shape.keyWidth() + h / shape.heads().group() * hs;
                for (int c = 0; c < hs; c++) {
                    dq[query + c] += ds[i] * distances.keys[row + c];
                    dqSize[query + c] += dsSize[i] * Math.abs(distances.keys[row + c]);
                    dk[key + c] += ds[i] * distances.queries[row + c];
                    dkSize[key + c] += dsSize[i] * Math.abs(distances.queries[row + c]);
                    dRelativeKeys[row + c] += ds[i] * qh[t * hs + c];
                    dRelativeKeysSize[row + c] += dsSize[i] * Math.abs(qh[t * hs + c]);
                    dRelativeQueries[row + c] += ds[i] * kh[s * hs + c];
                    dRelativeQueriesSize[row + c] += dsSize[i] * Math.abs(kh[s * hs + c]);
                }
            }
        }
    }

    private int tableRow(int t, int s, int h) {
        return distances.rows[t - s + shape.keys() - 1] * shape.width() + h * shape.headSize();
    }

    private boolean visible(int b, int t, int s) {
        boolean future = shape.causal() && s - t > shape.keys() - shape.queries();
        boolean padding = mask != null && mask[b * shape.keys() + s] == 0;
        return !future && !padding;
    }

    private double[] cut(double[] x, int from, int count, int h) {
        return Oracle.block(x, shape.width(), from, count, h * shape.headSize(), shape.headSize());
    }

    private void paste(double[] block, double[] x, int from, int count, int h) {
        int hs = shape.headSize();
        for (int i = 0; i < count; i++) {
            System.arraycopy(block, i * hs, x, (from + i) * shape.width() + h * hs, hs);
        }
    }

    /** The part of a key head in sequence b's keys, by the number of a head that looks at it. */
    private double[] cutKeys(double[] x, int b, int h) {
        int hs = shape.headSize();
        return Oracle.block(x, shape.keyWidth(), b * shape.keyRows(), shape.keys(), h / shape.heads().group() * hs, hs);
    }

    /** Heads that share a key head add up. */
    private void addToKeys(double[] block, double[] x, int b, int h) {
        int hs = shape.headSize();
        for (int s = 0; s < shape.keys(); s++) {
            for (int c = 0; c < hs; c++) {
                x[(b * shape.keyRows() + s) * shape.keyWidth() + h / shape.heads().group() * hs + c] += block[s * hs + c];
            }
        }
    }

    private static double[] times(double[] x, double[] y) {
        double[] z = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            z[i] = x[i] * y[i];
        }
        return z;
    }
}
