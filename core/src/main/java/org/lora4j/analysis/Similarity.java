package org.lora4j.analysis;

import org.lora4j.LoraException;

/**
 * How much of one subspace lies in another (section 7.2, with appendix G's last line corrected):
 *
 * <pre>
 *   φ(i, j) = ‖U₁ᵢᵀ·U₂ⱼ‖_F² / min(i, j) = 1 − d²/p        p = min(i, j)      d² = p − Σσ²     0 ≤ φ ≤ 1
 * </pre>
 *
 * U₁ᵢ are the first i directions of one matrix and U₂ⱼ the first j of another, σ the cosines of the angles between the two
 * subspaces. 1 where the smaller lies in the larger, 0 where they are orthogonal; two that have nothing to do with each other have
 * max(i, j)/d in the mean, d being the dimension of the space. It does not change where a matrix A is multiplied from the left by an orthogonal
 * one: right singular vectors stay as they are, so the many pairs A, B that make one ΔW do not matter.
 */
public final class Similarity {

    private Similarity() {
    }

    /**
     * φ of the first i and the first j directions, for all i and j.
     *
     * @return [i − 1][j − 1]; empty where one side has no direction
     * @throws LoraException if the directions are of spaces of different dimensions
     */
    public static double[][] of(Directions one, Directions other) {
        int rows = one.count();
        int columns = other.count();
        if (rows == 0 || columns == 0) {
            return new double[0][];
        }
        if (one.vectors()[0].length != other.vectors()[0].length) {
            throw new LoraException("directions in spaces of " + one.vectors()[0].length + " and " + other.vectors()[0].length
                    + " dimensions have no similarity");
        }
        double[][] phi = new double[rows][columns];
        double[] above = new double[columns]; // Σ over the rows so far
        for (int i = 0; i < rows; i++) {
            double left = 0;
            for (int j = 0; j < columns; j++) {
                double cosine = dot(one.vectors()[i], other.vectors()[j]);
                left += cosine * cosine;
                above[j] += left;
                phi[i][j] = Math.min(1, above[j] / Math.min(i + 1, j + 1)); // a rounding may lift it over 1
            }
        }
        return phi;
    }

    /** The mean of φ over pairs of random subspaces of i and j dimensions: max(i, j)/d. */
    public static double expected(int i, int j, int dimension) {
        return (double) Math.max(i, j) / dimension;
    }

    /** Four sums side by side, which is faster and rounds less than one. */
    static double dot(double[] a, double[] b) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 3 < a.length; i += 4) {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
        }
        for (; i < a.length; i++) {
            s0 += a[i] * b[i];
        }
        return s0 + s1 + (s2 + s3);
    }
}
