package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/**
 * The operations of a {@link Backend} that treat each column by itself, as DoRA and (IA)³ do. A backend without kernels for
 * them inherits what works on the host.
 */
public interface ColumnOperations extends TensorMemory {

    /**
     * y ← y + alpha·row, for every row of y. A backend without a kernel for it inherits this one, which works on the host.
     *
     * @param row (1, C); read
     * @param y   (N, C); written
     */
    default void addRow(MatrixView row, double alpha, MatrixView y) {
        Checks.addRow(row, y);
        HostColumns.addRow(this, row, alpha, y);
    }

    /**
     * Each column times a number of its own: y[:, j] ← (factors[j] + shift)·x[:, j] + beta·y[:, j]. Inherited, it works on
     * the host.
     *
     * @param x       (N, C); read
     * @param factors (1, C); read
     * @param y       (N, C); written; may be x itself. With beta = 0 its old content is not read
     */
    default void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Checks.scaleColumns(x, factors, y);
        HostColumns.scaleColumns(this, x, factors, shift, y, beta);
    }

    /**
     * The scalar products of columns: out[j] ← out[j] + Σ over rows i of a[i, j]·b[i, j]. Inherited, it works on the host.
     *
     * @param a   (N, C), perhaps a transposed view; read
     * @param b   (N, C); read
     * @param out (1, C); added to
     */
    default void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        Checks.addColumnDots(a, b, out);
        HostColumns.addColumnDots(this, a, b, out);
    }

    /**
     * y ← x/√squares + beta·y, element by element; the root is rounded before it divides, so that root/√(root²) is 1.
     * Inherited, it works on the host.
     *
     * @param x       (N, C); read
     * @param squares (N, C), none of them negative; read
     * @param y       (N, C); written; may be x itself. With beta = 0 its old content is not read
     */
    default void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Checks.divideByRoots(x, squares, y);
        HostColumns.divideByRoots(this, x, squares, y, beta);
    }
}
