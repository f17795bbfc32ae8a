package org.lora4j.analysis;

import java.util.Arrays;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * A symmetric tridiagonal matrix T, of which few eigenvectors are wanted: T = B·Bᵀ of a bidiagonal B has B's left singular vectors.
 *
 * @param diagonal (p)
 * @param beside   (p − 1) above it and below
 */
record Tridiagonal(double[] diagonal, double[] beside) {

    private static final int MOST_SWEEPS = 60;
    private static final long SEED = 2;

    /**
     * Eigenvalues, falling, and the last component of each one's vector, by sweeps of rotations (QL with implicit shifts): O(p²).
     *
     * @return {values, components without sign}
     */
    double[][] valuesAndEnds() {
        int p = diagonal.length;
        double[] d = diagonal.clone();
        double[] e = Arrays.copyOf(beside, p);
        double[] z = new double[p];
        z[p - 1] = 1;
        for (int l = 0; l < p; l++) {
            for (int sweep = 0;; sweep++) {
                int m = l;
                while (m < p - 1 && Math.abs(e[m]) > Math.ulp(Math.abs(d[m]) + Math.abs(d[m + 1]))) {
                    m++;
                }
                if (m == l) {
                    break;
                }
                if (sweep == MOST_SWEEPS) {
                    throw new LoraException("the singular values of " + p + " × " + p + " numbers did not converge");
                }
                sweep(d, e, z, l, m);
            }
        }
        Integer[] order = new Integer[p];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> Double.compare(d[b], d[a]));
        double[][] sorted = new double[2][p];
        for (int i = 0; i < p; i++) {
            sorted[0][i] = d[order[i]];
            sorted[1][i] = Math.abs(z[order[i]]);
        }
        return sorted;
    }

    /** One chase of the bulge from m up to l; z takes part as the last row of the vectors. */
    private static void sweep(double[] d, double[] e, double[] z, int l, int m) {
        double g = (d[l + 1] - d[l]) / (2 * e[l]);
        double r = Math.hypot(g, 1);
        g = d[m] - d[l] + e[l] / (g + Math.copySign(r, g));
        double s = 1;
        double c = 1;
        double shift = 0;
        for (int i = m - 1; i >= l; i--) {
            double f = s * e[i];
            double b = c * e[i];
            r = Math.hypot(f, g);
            e[i + 1] = r;
            if (r == 0) {
                d[i + 1] -= shift;
                e[m] = 0;
                return;
            }
            s = f / r;
            c = g / r;
            g = d[i + 1] - shift;
            r = (d[i] - g) * s + 2 * c * b;
            shift = s * r;
            d[i + 1] = g + shift;
            g = c * r - b;
            double above = z[i + 1];
            z[i + 1] = s * z[i] + c * above;
            z[i] = c * z[i] - s * above;
        }
        d[l] -= shift;
        e[l] = g;
        e[m] = 0;
    }

    /**
     * The vectors of these eigenvalues, by inverse iteration, each kept orthogonal to those before it.
     *
     * @param values some of the eigenvalues, falling
     */
    double[][] vectors(double[] values) {
        int p = diagonal.length;
        double[][] vectors = new double[values.length][];
        for (int k = 0; k < values.length; k++) {
            double[] y = new double[p];
            new Philox(SEED).fillNormal(y, 1, k, Philox.site("analysis.inverse"));
            for (int round = 0; round < 3; round++) {
                solve(values[k], y);
                for (int pass = 0; pass < 2; pass++) {
                    for (int before = 0; before < k; before++) {
                        double part = Similarity.dot(y, vectors[before]);
                        for (int i = 0; i < p; i++) {
                            y[i] -= part * vectors[before][i];
                        }
                    }
                    double length = Math.sqrt(Similarity.dot(y, y));
                    for (int i = 0; i < p; i++) {
                        y[i] /= length;
                    }
                }
            }
            vectors[k] = y;
        }
        return vectors;
    }

    /** y ← (T − λ)⁻¹·y by elimination with exchange of rows; a pivot of zero becomes the smallest that matters. */
    private void solve(double lambda, double[] y) {
        int p = y.length;
        double[] main = new double[p];
        double[] above = new double[p];
        double[] second = new double[p];
        double tiny = 1e-300;
        for (int i = 0; i < p; i++) {
            tiny = Math.max(tiny, Math.abs(diagonal[i]) * 0x1p-53);
        }
        double d = diagonal[0] - lambda;
        double u = p > 1 ? beside[0] : 0;
        for (int i = 0; i < p - 1; i++) {
            double below = beside[i];
            double nextMain = diagonal[i + 1] - lambda;
            double nextAbove = i + 2 < p ? beside[i + 1] : 0;
            if (Math.abs(d) >= Math.abs(below)) {
                main[i] = Math.abs(d) < tiny ? tiny : d;
                above[i] = u;
                double factor = below / main[i];
                d = nextMain - factor * u;
                u = nextAbove;
                y[i + 1] -= factor * y[i];
            } else {
                main[i] = below;
                above[i] = nextMain;
                second[i] = nextAbove;
                double factor = d / below;
                d = u - factor * nextMain;
                u = -factor * nextAbove;
                double exchanged = y[i];
                y[i] = y[i + 1];
                y[i + 1] = exchanged - factor * y[i];
            }
        }
        main[p - 1] = Math.abs(d) < tiny ? tiny : d;
        double largest = 0;
        for (int i = p - 1; i >= 0; i--) {
            double value = y[i];
            if (i + 1 < p) {
                value -= above[i] * y[i + 1];
            }
            if (i + 2 < p) {
                value -= second[i] * y[i + 2];
            }
            y[i] = value / main[i];
            largest = Math.max(largest, Math.abs(y[i]));
        }
        for (int i = 0; i < p; i++) {
            y[i] /= largest;
        }
    }
}
