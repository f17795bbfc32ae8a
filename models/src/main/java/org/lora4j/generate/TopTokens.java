package org.lora4j.generate;

import java.util.Arrays;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The k likeliest tokens of rows of logits z, with
 *
 * <pre>
 *   log p = z − log Σ exp z = (z − z_top) − loss(top)
 * </pre>
 *
 * where the loss of the likeliest token, a small number, is the backend's cross-entropy: both differences keep their
 * digits, and the vocabulary is exponentiated with vectors. A banned token's logit is −∞ before that, so that the others
 * share its probability. A row is walked through once, and most of its tokens are compared with the k-th best and no more.
 */
final class TopTokens {

    private static final float[] BANNED = {Float.NEGATIVE_INFINITY};
    private static final int NONE = -1;

    private final Backend backend;
    private final int vocabulary;
    private final int k;
    private final float[] logits;
    private int[] ids = new int[0];
    private float[] values = new float[0];
    private int[] counts = new int[0];
    private double[] losses = new double[0];
    private IntTensor targets;
    private Tensor lossTensor;

    TopTokens(Backend backend, int vocabulary, int k) {
        this.backend = backend;
        this.vocabulary = vocabulary;
        this.k = Math.min(k, vocabulary);
        logits = new float[vocabulary];
    }

    /** Makes a token impossible in a row, before the row is read. */
    void ban(Tensor rows, int row, int token) {
        backend.upload(BANNED, 0, rows, (long) row * vocabulary + token, 1);
    }

    /**
     * Reads the first rows.
     *
     * @param rows (count or more, V); read
     * @throws LoraException if logits are not finite, but for banned ones
     */
    void read(Tensor rows, int count) {
        room(rows.rows());
        int[] best = new int[rows.rows()];
        Arrays.fill(best, NONE);
        for (int row = 0; row < count; row++) {
            backend.read(rows, (long) row * vocabulary, logits, 0, vocabulary);
            counts[row] = select(row * k);
            best[row] = counts[row] == 0 ? NONE : ids[row * k];
        }
        IntTensor ofRows = targets.as(Shape.of(rows.rows()));
        backend.upload(best, 0, ofRows, best.length);
        Tensor lossOfRows = lossTensor.as(Shape.of(rows.rows()));
        backend.crossEntropy(rows, ofRows, 0, lossOfRows);
        backend.read(lossOfRows, 0, losses, 0, count);
        for (int row = 0; row < count; row++) {
            if (!Double.isFinite(losses[row])) {
                throw Sampler.notFinite(losses[row]);
            }
        }
    }

    private void room(int rows) {
        if (counts.length < rows) {
            ids = new int[rows * k];
            values = new float[rows * k];
            counts = new int[rows];
            losses = new double[rows];
            targets = backend.allocateInts(Shape.of(rows));
            lossTensor = backend.allocate(Shape.of(rows));
        }
    }

    /** Puts the k largest of the logits behind {@code at}, largest first, of equal ones the smaller id; returns how many. */
    private int select(int at) {
        int found = 0;
        float least = Float.NEGATIVE_INFINITY; // what a logit must exceed
        for (int id = 0; id < vocabulary; id++) {
            float z = logits[id];
            if (!(z <= least)) { // NaN too, so that it is seen
                if (Float.isNaN(z)) {
                    throw Sampler.notFinite(z);
                }
                found = Math.min(found + 1, k);
                insert(at, found, id, z);
                least = found == k ? values[at + k - 1] : least;
            }
        }
        return found;
    }

    /** Into the list of {@code size} that begins at {@code at}; its last one makes room. */
    private void insert(int at, int size, int id, float z) {
        int i = at + size - 1;
        for (; i > at && values[i - 1] < z; i--) {
            values[i] = values[i - 1];
            ids[i] = ids[i - 1];
        }
        values[i] = z;
        ids[i] = id;
    }

    /** How many tokens there are for a row: k, or fewer where others are banned or the vocabulary is smaller. */
    int count(int row) {
        return counts[row];
    }

    /** The i-th likeliest. */
    int id(int row, int i) {
        return ids[row * k + i];
    }

    /** Its log-probability, at most 0. */
    double logProbability(int row, int i) {
        double belowTop = (double) values[row * k + i] - values[row * k];
        return Math.min(0, belowTop - losses[row]);
    }
}
