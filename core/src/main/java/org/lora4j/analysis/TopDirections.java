package org.lora4j.analysis;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.lora4j.tensor.Philox;

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
    private static final double TOLERANCE = 1e-11;
    /** Where a step costs a tenth of a second, and whoever asks waits. */
    private static final int HUGE = 4096;
    private static final double TOLERANCE_OF_HUGE = 1e-6;
    private static final long SEED = 1;

    public double[] values() {
        return left.values();
    }

    /** @param count how many are wanted; fewer are found where W has a smaller rank */
    public static TopDirections of(WeightMatrix w, int count) {
        int shorter = Math.min(w.rows(), w.columns());
        int wanted = Math.min(count, shorter);
        if (w.norm() == 0) {
            Directions none = new Directions(new double[0], new double[0][]);
            return new TopDirections(none, none, 0, 0);
        }
        if (shorter <= SMALL) {
            return whole(w, wanted);
        }
        return new Bidiagonal(w, wanted, shorter <= HUGE ? TOLERANCE : TOLERANCE_OF_HUGE).find();
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

    /** The bidiagonalisation under way; v are of the shorter side, so that p steps of that many are exact. */
    private static final class Bidiagonal {

        private final WeightMatrix w;
        private final boolean wide;
        private final int wanted;
        private final double tolerance;
        private final int limit;
        private final List<double[]> us = new ArrayList<>();
        private final List<double[]> vs = new ArrayList<>();
        private final List<Double> alphas = new ArrayList<>();
        private final List<Double> betas = new ArrayList<>();
        private int drawn;

        Bidiagonal(WeightMatrix w, int wanted, double tolerance) {
            this.w = w;
            this.wide = w.columns() > w.rows();
            this.wanted = wanted;
            this.tolerance = tolerance;
            int shorter = Math.min(w.rows(), w.columns());
            limit = shorter <= HUGE ? shorter : Math.min(shorter, 200 + 3 * wanted);
        }

        TopDirections find() {
            vs.add(orthogonal(random(wide ? w.rows() : w.columns()), vs));
            int next = Math.min(limit, 2 * wanted + 24);
            while (true) {
                while (us.size() < next) {
                    step();
                }
                int p = us.size();
                DMatrixRMaj b = new DMatrixRMaj(p, p);
                for (int i = 0; i < p; i++) {
                    b.set(i, i, alphas.get(i));
                    if (i + 1 < p) {
                        b.set(i, i + 1, betas.get(i));
                    }
                }
                Thin.Decomposed small = Thin.decomposed(b);
                double largest = Math.max(small.values()[0], Double.MIN_NORMAL);
                double error = 0;
                for (int i = 0; i < wanted; i++) {
                    error = Math.max(error, betas.get(p - 1) * Math.abs(small.u().get(p - 1, i)) / largest);
                }
                if (error <= tolerance || p == limit) {
                    return result(small, error);
                }
                next = Math.min(limit, p + Math.max(24, p * 3 / 10));
            }
        }

        private void step() {
            int j = us.size();
            double[] v = vs.get(j);
            double[] u = wide ? w.transposedTimes(v) : w.times(v);
            if (j > 0) {
                subtract(u, betas.get(j - 1), us.get(j - 1));
            }
            alphas.add(join(u, us, alphas));
            double[] following = wide ? w.times(us.get(j)) : w.transposedTimes(us.get(j));
            subtract(following, alphas.get(j), v);
            betas.add(vs.size() < following.length ? join(following, vs, alphas) : 0.0);
        }

        /** Adds the vector, made orthogonal to all before it and of length 1; returns the length it had. */
        private double join(double[] vector, List<double[]> before, List<Double> scales) {
            double scale = scales.stream().mapToDouble(Double::doubleValue).max().orElse(0);
            double length = makeOrthogonal(vector, before);
            if (length <= 1e-14 * scale) { // a subspace that W maps into itself: go on outside of it
                before.add(orthogonal(random(vector.length), before));
                return 0;
            }
            scale(vector, 1 / length);
            before.add(vector);
            return length;
        }

        private double[] orthogonal(double[] vector, List<double[]> before) {
            makeOrthogonal(vector, before);
            scale(vector, 1 / makeOrthogonal(vector, before));
            return vector;
        }

        /** Once more where much was taken away, since what is left then holds that much more rounding. */
        private static double makeOrthogonal(double[] vector, List<double[]> before) {
            double length = Math.sqrt(Similarity.dot(vector, vector));
            while (true) {
                for (double[] other : before) {
                    subtract(vector, Similarity.dot(vector, other), other);
                }
                double left = Math.sqrt(Similarity.dot(vector, vector));
                if (left > 0.7 * length || left == 0) {
                    return left;
                }
                if (left < 1e-15 * length) {
                    return 0;
                }
                length = left;
            }
        }

        private double[] random(int length) {
            double[] vector = new double[length];
            new Philox(SEED).fillNormal(vector, 1, drawn++, Philox.site("analysis.lanczos"));
            return vector;
        }

        private TopDirections result(Thin.Decomposed small, double error) {
            int found = Math.min(wanted, Directions.rank(small.values(), Math.max(w.rows(), w.columns())));
            Directions ofUs = combine(us, small.u(), small.values(), found);
            Directions ofVs = combine(vs, small.v(), small.values(), found);
            return new TopDirections(wide ? ofVs : ofUs, wide ? ofUs : ofVs, us.size(), error);
        }

        private Directions combine(List<double[]> basis, DMatrixRMaj weights, double[] values, int found) {
            double[][] vectors = new double[found][basis.getFirst().length];
            for (int i = 0; i < found; i++) {
                for (int k = 0; k < weights.numRows; k++) {
                    subtract(vectors[i], -weights.get(k, i), basis.get(k));
                }
            }
            return new Directions(Arrays.copyOf(values, found), vectors);
        }

        private static void subtract(double[] from, double factor, double[] what) {
            for (int i = 0; i < from.length; i++) {
                from[i] -= factor * what[i];
            }
        }

        private static void scale(double[] vector, double factor) {
            for (int i = 0; i < vector.length; i++) {
                vector[i] *= factor;
            }
        }
    }
}
