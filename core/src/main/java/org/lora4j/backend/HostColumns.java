package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/**
 * {@link Backend}'s operations on columns, carried out in doubles on the host: what a backend inherits until it has
 * kernels of its own. They read what they need row by row and upload what they write.
 */
final class HostColumns {

    private HostColumns() {
    }

    static void addRow(TensorMemory memory, MatrixView row, double alpha, MatrixView y) {
        double[] values = row(memory, row, 0);
        for (int i = 0; i < y.rows(); i++) {
            double[] out = row(memory, y, i);
            for (int j = 0; j < out.length; j++) {
                out[j] += alpha * values[j];
            }
            write(memory, out, y, i);
        }
    }

    static void scaleColumns(TensorMemory memory, MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        double[] values = row(memory, factors, 0);
        for (int i = 0; i < y.rows(); i++) {
            double[] in = row(memory, x, i);
            double[] out = beta == 0 ? new double[in.length] : row(memory, y, i);
            for (int j = 0; j < out.length; j++) {
                out[j] = (values[j] + shift) * in[j] + (beta == 0 ? 0 : beta * out[j]);
            }
            write(memory, out, y, i);
        }
    }

    static void addColumnDots(TensorMemory memory, MatrixView a, MatrixView b, MatrixView out) {
        double[] sums = new double[b.columns()];
        double[][] left = new double[a.storedRows()][];
        for (int i = 0; i < left.length; i++) {
            left[i] = row(memory, a, i);
        }
        for (int i = 0; i < b.rows(); i++) {
            double[] right = row(memory, b, i);
            for (int j = 0; j < sums.length; j++) {
                sums[j] += (a.transposed() ? left[j][i] : left[i][j]) * right[j];
            }
        }
        double[] old = row(memory, out, 0);
        for (int j = 0; j < sums.length; j++) {
            old[j] += sums[j];
        }
        write(memory, old, out, 0);
    }

    static void divideByRoots(TensorMemory memory, MatrixView x, MatrixView squares, MatrixView y, double beta) {
        boolean floats = memory.unitRoundoff() >= 0x1p-24;
        for (int i = 0; i < y.rows(); i++) {
            double[] in = row(memory, x, i);
            double[] square = row(memory, squares, i);
            double[] out = beta == 0 ? new double[in.length] : row(memory, y, i);
            for (int j = 0; j < out.length; j++) {
                double root = floats ? (float) Math.sqrt(square[j]) : Math.sqrt(square[j]);
                out[j] = in[j] / root + (beta == 0 ? 0 : beta * out[j]);
            }
            write(memory, out, y, i);
        }
    }

    /** Row i of a view as it lies in memory. */
    private static double[] row(TensorMemory memory, MatrixView view, int i) {
        double[] values = new double[view.storedColumns()];
        memory.read(view.tensor(), view.offset() + (long) i * view.rowStride(), values, 0, values.length);
        return values;
    }

    private static void write(TensorMemory memory, double[] values, MatrixView view, int i) {
        memory.upload(values, 0, view.tensor(), view.offset() + (long) i * view.rowStride(), values.length);
    }
}
