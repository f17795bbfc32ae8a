package org.lora4j.analysis;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * Singular directions of a matrix on one of its sides, those of the largest singular values first:
 *
 * <pre>
 *   M = U·Σ·Vᵀ      left: the columns of U      right: the columns of V
 * </pre>
 *
 * Only those whose singular value is more than rounding: σᵢ &gt; σ₁·max(rows, columns)·2⁻⁵², as NumPy's {@code matrix_rank} counts.
 * Any vector will do for a singular value of zero, so nothing can be said of such directions and they are not here.
 *
 * @param values  σ of each, falling
 * @param vectors a direction each, of length 1 and orthogonal to the others; not to be written
 */
public record Directions(double[] values, double[][] vectors) {

    private static final double EPSILON = 0x1p-52;

    /** Requires a direction for each singular value. */
    public Directions {
        if (values.length != vectors.length) {
            throw new IllegalArgumentException(values.length + " singular values, " + vectors.length + " directions");
        }
    }

    /** How many there are: the rank. */
    public int count() {
        return vectors.length;
    }

    /** The first of them; all where there are fewer. */
    public Directions top(int count) {
        return count >= count() ? this
                : new Directions(Arrays.copyOf(values, count), Arrays.copyOf(vectors, count));
    }

    /** How many of these values, which fall, are more than rounding in a matrix whose longer side is this long. */
    static int rank(double[] values, int longerSide) {
        int rank = 0;
        while (rank < values.length && values[rank] > 0 && values[rank] > values[0] * longerSide * EPSILON) {
            rank++;
        }
        return rank;
    }

    /** The first columns of a matrix as directions. */
    static Directions columns(DMatrixRMaj matrix, double[] values, int count) {
        double[][] vectors = new double[count][matrix.numRows];
        for (int i = 0; i < matrix.numRows; i++) {
            for (int k = 0; k < count; k++) {
                vectors[k][i] = matrix.data[i * matrix.numCols + k];
            }
        }
        return new Directions(Arrays.copyOf(values, count), vectors);
    }

    /**
     * Those of a matrix of independent standard normal numbers on its longer side, what two adapters have in common when they
     * have nothing in common.
     *
     * @param length of a direction
     * @param count  how many, at most {@code length}
     * @param name   which of a seed's many such matrices
     */
    public static Directions gaussian(int length, int count, long seed, String name) {
        if (count > length) {
            throw new LoraException(count + " orthogonal directions asked for, in a space of " + length + " dimensions");
        }
        double[] drawn = new double[length * count];
        new Philox(seed).fillNormal(drawn, 1, 0, Philox.site(name));
        Thin matrix = Thin.of(DMatrixRMaj.wrap(length, count, drawn));
        DMatrixRMaj left = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.mult(matrix.q(), matrix.ofTriangle().u(), left);
        return columns(left, matrix.ofTriangle().values(), count);
    }
}
