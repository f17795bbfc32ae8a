package org.lora4j.analysis;

import java.util.Arrays;
import org.lora4j.tensor.Philox;

/**
 * Orthonormal vectors, one more at a time. They lie by rows and by columns, so that both halves of x ← x − V·(Vᵀ·x) run through
 * memory in a row.
 */
final class Basis {

    private static final double ROUNDING = 1e-14;

    private final int length;
    private final double[][] vectors;
    private final double[] byComponent; // (length, capacity)
    private final String name;
    private int count;

    /** @param name of the site that draws vectors for it */
    Basis(int length, int capacity, String name) {
        this.length = length;
        this.vectors = new double[capacity][];
        this.byComponent = new double[Math.multiplyExact(length, capacity)];
        this.name = name;
    }

    int count() {
        return count;
    }

    boolean isFull() {
        return count == length || count == vectors.length;
    }

    double[] get(int index) {
        return vectors[index];
    }

    /**
     * Adds the vector, made orthogonal to all before it and of length 1; or, where nothing is left of it, a drawn one.
     *
     * @param vector overwritten and kept
     * @param scale  what its length is measured by
     * @return the length that was left of it; 0 for next to nothing
     */
    double add(double[] vector, double scale) {
        double left = makeOrthogonal(vector);
        boolean drawn = left <= ROUNDING * scale;
        double[] added = drawn ? new double[length] : vector;
        if (drawn) {
            new Philox(1).fillNormal(added, 1, count, Philox.site(name));
            makeOrthogonal(added);
        }
        double norm = drawn ? Math.sqrt(Similarity.dot(added, added)) : left;
        int capacity = vectors.length;
        for (int i = 0; i < length; i++) {
            added[i] /= norm;
            byComponent[i * capacity + count] = added[i];
        }
        vectors[count++] = added;
        return drawn ? 0 : left;
    }

    /** Once more where much was taken away, since what is left then holds that much more rounding. */
    private double makeOrthogonal(double[] vector) {
        double before = Math.sqrt(Similarity.dot(vector, vector));
        while (true) {
            subtract(vector, parts(vector));
            double left = Math.sqrt(Similarity.dot(vector, vector));
            if (left > 0.7 * before || left <= 1e-15 * before) {
                return left <= 1e-15 * before ? 0 : left;
            }
            before = left;
        }
    }

    /** Vᵀ·x. */
    private double[] parts(double[] x) {
        double[] parts = new double[count];
        int capacity = vectors.length;
        int i = 0;
        for (; i + 3 < length; i += 4) {
            double x0 = x[i];
            double x1 = x[i + 1];
            double x2 = x[i + 2];
            double x3 = x[i + 3];
            int at = i * capacity;
            for (int j = 0; j < parts.length; j++) {
                parts[j] += x0 * byComponent[at + j] + x1 * byComponent[at + capacity + j]
                        + (x2 * byComponent[at + 2 * capacity + j] + x3 * byComponent[at + 3 * capacity + j]);
            }
        }
        for (; i < length; i++) {
            for (int j = 0; j < parts.length; j++) {
                parts[j] += x[i] * byComponent[i * capacity + j];
            }
        }
        return parts;
    }

    /** x ← x − V·parts. */
    private void subtract(double[] x, double[] parts) {
        int j = 0;
        for (; j + 3 < parts.length; j += 4) {
            double p0 = parts[j];
            double p1 = parts[j + 1];
            double p2 = parts[j + 2];
            double p3 = parts[j + 3];
            double[] v0 = vectors[j];
            double[] v1 = vectors[j + 1];
            double[] v2 = vectors[j + 2];
            double[] v3 = vectors[j + 3];
            for (int i = 0; i < length; i++) {
                x[i] -= p0 * v0[i] + p1 * v1[i] + (p2 * v2[i] + p3 * v3[i]);
            }
        }
        for (; j < parts.length; j++) {
            double[] v = vectors[j];
            for (int i = 0; i < length; i++) {
                x[i] -= parts[j] * v[i];
            }
        }
    }

    /** V·weights for each of these columns of weights, [k][p]. */
    double[][] combined(double[][] weights) {
        double[][] combined = new double[weights.length][length];
        for (int k = 0; k < weights.length; k++) {
            double[] negative = Arrays.stream(weights[k]).map(weight -> -weight).toArray();
            subtract(combined[k], negative);
        }
        return combined;
    }
}
