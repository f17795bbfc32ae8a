package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/**
 * {@link Backend}'s operations on columns, carried out in doubles on the host: what a backend inherits until it has
 * kernels of its own. They read what they need row by row and upload what they write.
 */
final class HostColumns {

    private HostColumns() {
    }

    static void addRow(Backend backend, MatrixView row, double alpha, MatrixView y) {
        double[] values = row(backend, row, 0);
        for (int i = 0; i < y.rows(); i++) {
            double[] out = row(backend, y, i);
            for (int j = 0; j < out.length; j++) {
                out[j] += alpha * values[j];
            }
            write(backend, out, y, i);
        }
    }

    static void scaleColumns(Backend backend, MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        double[] values = row(backend, factors, 0);
        for (int i = 0; i < y.rows(); i++) {
            double[] in = row(backend, x, i);
            double[] out = beta == 0 ? new double[in.length] : row(backend, y, i);
            for (int j = 0; j < out.length; j++) {
                out[j] = (values[j] + shift) * in[j] + (beta == 0 ? 0 : beta * out[j]);
            }
            write(backend, out, y, i);
        }
    }

    static void addColumnDots(Backend backend, MatrixView a, MatrixView b, MatrixView out) {
        double[] sums = new double[b.columns()];
        double[][] left = new double[a.storedRows()][];
        for (int i = 0; i < left.length; i++) {
            left[i] = row(backend, a, i);
        }
        for (int i = 0; i < b.rows(); i++) {
            double[] right = row(backend, b, i);
            for (int j = 0; j < sums.length; j++) {
                sums[j] += (a.transposed() ? left[j][i] : left[i][j]) * right[j];
            }
        }
        double[] old = row(backend, out, 0);
        for (int j = 0; j < sums.length; j++) {
            old[j] += sums[j];
        }
        write(backend, old, out, 0);
    }

    static void divideByRoots(Backend backend, MatrixView x, MatrixView squares, MatrixView y, double beta) {
        boolean floats = backend.unitRoundoff() >= 0x1p-24;
        for (int i = 0; i < y.rows(); i++) {
            double[] in = row(backend, x, i);
            double[] square = row(backend, squares, i);
            double[] out = beta == 0 ? new double[in.length] : row(backend, y, i);
            for (int j = 0; j < out.length; j++) {
                double root = floats ? (float) Math.sqrt(square[j]) : Math.sqrt(square[j]);
                out[j] = in[j] / root + (beta == 0 ? 0 : beta * out[j]);
            }
            write(backend, out, y, i);
        }
    }

    /** Row i of a view as it lies in memory. */
    private static double[] row(Backend backend, MatrixView view, int i) {
        double[] values = new double[view.storedColumns()];
        backend.read(view.tensor(), view.offset() + (long) i * view.rowStride(), values, 0, values.length);
        return values;
    }

    private static void write(Backend backend, double[] values, MatrixView view, int i) {
        backend.upload(values, 0, view.tensor(), view.offset() + (long) i * view.rowStride(), values.length);
    }
}
