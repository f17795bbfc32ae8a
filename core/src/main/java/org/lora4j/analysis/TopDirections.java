package org.lora4j.analysis;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The largest singular values of a large W and their directions on both sides. A small W is decomposed whole; of a larger one they
 * are found by Golub and Kahan's bidiagonalisation from a random vector, every new vector being made orthogonal to all before it:
 *
 * <pre>
 *   W·V_p = U_p·B      Wᵀ·U_p = V_p·Bᵀ + β_p·v_{p+1}·e_pᵀ      B = P·Σ·Qᵀ, (p, p), α on its diagonal and β above it
 *
 *   σᵢ ≈ Σᵢᵢ   uᵢ ≈ U_p·Pᵢ   vᵢ ≈ V_p·Qᵢ      W·vᵢ = σᵢ·uᵢ      ‖Wᵀ·uᵢ − σᵢ·vᵢ‖ = β_p·|P_pᵢ|
 * </pre>
 *
 * p grows until these residuals are below a tolerance, or up to a limit; {@link #error} says which it was. A singular value is off
 * by at most its residual, and a direction by at most the residual over the distance to the next singular value.
 *
 * @param left  (out) each
 * @param right (in) each
 * @param steps p; 0 where W was decomposed whole
 * @param error the largest residual among them over σ₁; 0 where W was decomposed whole
 */
public record TopDirections(Directions left, Directions right, int steps, double error) {

    /** W is decomposed whole up to this many rows or columns. */
    private static final int SMALL = 256;
    private static final double TOLERANCE = 1e-9;
    /** A value is off by its residual at most. */
    private static final double TOLERANCE_OF_VALUES = 1e-6;
    /** Where a step costs a tenth of a second, and whoever asks waits. */
    private static final int HUGE = 4096;
    private static final double TOLERANCE_OF_HUGE = 1e-6;

    /** The singular values, the largest first. */
    public double[] values() {
        return left.values();
    }

    /**
     * The largest singular values of W, with their directions.
     *
     * @param count how many are wanted; fewer are found where W has a smaller rank
     */
    public static TopDirections of(WeightMatrix w, int count) {
        return of(w, count, false);
    }

    /**
     * The same; with values alone, directions may be less exact.
     *
     * @param onlyValues whether the directions need not be as exact as the values, which is twice as fast
     */
    public static TopDirections of(WeightMatrix w, int count, boolean onlyValues) {
        int shorter = Math.min(w.rows(), w.columns());
        int wanted = Math.min(count, shorter);
        if (w.norm() == 0) {
            Directions none = new Directions(new double[0], new double[0][]);
            return new TopDirections(none, none, 0, 0);
        }
        if (shorter <= SMALL) {
            return whole(w, wanted);
        }
        return new Bidiagonal(w, wanted, onlyValues ? TOLERANCE_OF_VALUES : shorter <= HUGE ? TOLERANCE : TOLERANCE_OF_HUGE).find();
    }

    private static TopDirections whole(WeightMatrix w, int wanted) {
        boolean wide = w.columns() > w.rows();
        DMatrixRMaj tall = new DMatrixRMaj(Math.max(w.rows(), w.columns()), Math.min(w.rows(), w.columns()));
        for (int i = 0; i < tall.numRows; i++) {
            for (int j = 0; j < tall.numCols; j++) {
                tall.data[i * tall.numCols + j] = wide ? w.at(j, i) : w.at(i, j);
            }
        }
        Thin thin = Thin.of(tall);
        DMatrixRMaj u = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.mult(thin.q(), thin.ofTriangle().u(), u);
        double[] values = thin.ofTriangle().values();
        int found = Math.min(wanted, Directions.rank(values, tall.numRows));
        Directions longer = Directions.columns(u, values, found);
        Directions shorter = Directions.columns(thin.ofTriangle().v(), values, found);
        return new TopDirections(wide ? shorter : longer, wide ? longer : shorter, 0, 0);
    }

    /** The bidiagonalisation under way; v are of the shorter side, so that as many steps are exact. */
    private static final class Bidiagonal {

        private final WeightMatrix w;
        private final boolean wide;
        private final int wanted;
        private final double tolerance;
        private final int limit;
        private final Basis us;
        private final Basis vs;
        private final double[] alphas;
        private final double[] betas;
        private double scale;

        Bidiagonal(WeightMatrix w, int wanted, double tolerance) {
            this.w = w.forManyProducts();
            this.wide = w.columns() > w.rows();
            this.wanted = wanted;
            this.tolerance = tolerance;
            int shorter = Math.min(w.rows(), w.columns());
            limit = shorter <= HUGE ? Math.min(shorter, 400 + 6 * wanted) : Math.min(shorter, 120 + 2 * wanted);
            us = new Basis(Math.max(w.rows(), w.columns()), limit, "analysis.left");
            vs = new Basis(shorter, limit + 1, "analysis.right");
            alphas = new double[limit];
            betas = new double[limit];
        }

        TopDirections find() {
            vs.add(new double[Math.min(w.rows(), w.columns())], 1); // a drawn one
            int next = Math.min(limit, 3 * wanted + 24);
            while (true) {
                while (us.count() < next) {
                    step();
                }
                int p = us.count();
                double[][] found = small(p).valuesAndEnds();
                double largest = Math.sqrt(Math.max(found[0][0], Double.MIN_NORMAL));
                double error = 0;
                for (int i = 0; i < wanted; i++) {
                    error = Math.max(error, betas[p - 1] * found[1][i] / largest);
                }
                if (error <= tolerance || p == limit) {
                    return result(p, Arrays.copyOf(found[0], wanted), error);
                }
                next = Math.min(limit, p + Math.max(12, p / 8));
            }
        }

        private void step() {
            int j = us.count();
            double[] v = vs.get(j);
            double[] u = wide ? w.transposedTimes(v) : w.times(v);
            alphas[j] = us.add(u, scale);
            scale = Math.max(scale, alphas[j]);
            double[] following = wide ? w.times(us.get(j)) : w.transposedTimes(us.get(j));
            betas[j] = vs.isFull() ? 0 : vs.add(following, scale);
        }

        /** B·Bᵀ. */
        private Tridiagonal small(int p) {
            double[] diagonal = new double[p];
            double[] beside = new double[p - 1];
            for (int i = 0; i < p; i++) {
                diagonal[i] = alphas[i] * alphas[i] + (i + 1 < p ? betas[i] * betas[i] : 0);
                if (i + 1 < p) {
                    beside[i] = betas[i] * alphas[i + 1];
                }
            }
            return new Tridiagonal(diagonal, beside);
        }

        private TopDirections result(int p, double[] squares, double error) {
            double[][] left = small(p).vectors(squares);
            double[][] right = new double[wanted][p]; // Bᵀ·P, of length σ
            double[] values = new double[wanted];
            for (int k = 0; k < wanted; k++) {
                for (int i = 0; i < p; i++) {
                    right[k][i] = alphas[i] * left[k][i] + (i > 0 ? betas[i - 1] * left[k][i - 1] : 0);
                }
                values[k] = Math.sqrt(Similarity.dot(right[k], right[k]));
                for (int i = 0; i < p && values[k] > 0; i++) {
                    right[k][i] /= values[k];
                }
            }
            int found = Directions.rank(values, Math.max(w.rows(), w.columns()));
            double[] kept = Arrays.copyOf(values, found);
            Directions ofUs = new Directions(kept, us.combined(Arrays.copyOf(left, found)));
            Directions ofVs = new Directions(kept, vs.combined(Arrays.copyOf(right, found)));
            return new TopDirections(wide ? ofVs : ofUs, wide ? ofUs : ofVs, p, error);
        }
    }
}
