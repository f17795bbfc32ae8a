package org.lora4j.backend.reference;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** Matrix products and column sums; each sum runs over ascending indices. */
final class ReferenceProducts {

    private ReferenceProducts() {
    }

    /** c[i, j] ← alpha·Σₗ a[i, l]·b[l, j] + beta·c[i, j], in the order i, l, j so that the innermost loop is contiguous. */
    static void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        int n = c.columns();
        double[] left = Memory.of(a);
        double[] right = b.transposed() ? transpose(b) : Memory.of(b);
        long rightOffset = b.transposed() ? 0 : b.offset();
        long rightStride = b.transposed() ? n : b.rowStride();
        double[] out = Memory.of(c);
        double[] sums = new double[n];
        for (int i = 0; i < c.rows(); i++) {
            Arrays.fill(sums, 0);
            for (int l = 0; l < a.columns(); l++) {
                double factor = left[at(a, i, l)];
                int row = (int) (rightOffset + l * rightStride);
                for (int j = 0; j < n; j++) {
                    sums[j] += factor * right[row + j];
                }
            }
            int row = Memory.row(c, i);
            for (int j = 0; j < n; j++) {
                // with beta = 0 the old content is not read: it may be NaN
                out[row + j] = beta == 0 ? alpha * sums[j] : alpha * sums[j] + beta * out[row + j];
            }
        }
    }

    /** y[i, :] ← bias + x[i, :]·wᵀ. */
    static void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
        matmul(x, w.t(), y, 1, 0);
        if (bias == null) {
            return;
        }
        double[] b = Memory.of(bias);
        double[] out = Memory.of(y);
        for (int i = 0; i < y.rows(); i++) {
            int row = Memory.row(y, i);
            for (int j = 0; j < y.columns(); j++) {
                out[row + j] += b[j];
            }
        }
    }

    /** out[j] ← out[j] + Σᵢ g[i, j]. */
    static void addColumnSums(MatrixView g, Tensor out) {
        double[] from = Memory.of(g);
        double[] to = Memory.of(out);
        double[] sums = new double[g.columns()];
        for (int i = 0; i < g.rows(); i++) {
            int row = Memory.row(g, i);
            for (int j = 0; j < sums.length; j++) {
                sums[j] += from[row + j];
            }
        }
        for (int j = 0; j < sums.length; j++) {
            to[j] += sums[j];
        }
    }

    /** Where element (i, j) of the matrix the operation sees lies in memory. */
    private static int at(MatrixView x, int i, int j) {
        return x.transposed() ? Memory.row(x, j) + i : Memory.row(x, i) + j;
    }

    /** A transposed view's elements, row by row as the operation sees them. */
    private static double[] transpose(MatrixView x) {
        double[] from = Memory.of(x);
        double[] to = new double[Math.multiplyExact(x.rows(), x.columns())];
        for (int j = 0; j < x.columns(); j++) {
            int row = Memory.row(x, j);
            for (int i = 0; i < x.rows(); i++) {
                to[i * x.columns() + j] = from[row + i];
            }
        }
        return to;
    }
}
