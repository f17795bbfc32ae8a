package org.lora4j.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** The matrix products of a {@link Backend}, and the gradient of a bias. */
public interface ProductOperations {

    /**
     * c ← alpha·op(a)·op(b) + beta·c, with op(x) = x or xᵀ as the views say.
     *
     * @param a (m, k) after op; read
     * @param b (k, n) after op; read
     * @param c (m, n), not transposed; written. With beta = 0 its old content is not read, so NaN there does no harm
     * @throws ShapeMismatchException if the inner sizes differ
     */
    void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta);

    /**
     * Products that do not depend on each other, each with the bits of {@link #matmul}; in any order, or at the same time.
     *
     * @param products what one writes no other one reads or writes
     * @throws ShapeMismatchException if the inner sizes of one differ; some of the others may have been computed
     */
    default void matmulAll(List<MatrixProduct> products) {
        products.forEach(product -> matmul(product.a(), product.b(), product.c(), product.alpha(), product.beta()));
    }

    /**
     * A linear layer's forward: y ← x·Wᵀ + bias, the bias repeated for every row.
     *
     * @param x    (N, in); read
     * @param w    (out, in); read
     * @param bias (out), or null for none; read
     * @param y    (N, out); written
     */
    void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y);

    /**
     * Whether products from now on sum every row of their first operand as it would be summed alone, which is what texts want that
     * are written side by side and must not depend on each other. Usually off, since products with many rows are faster
     * otherwise.
     *
     * @return whether that holds for any number of rows once it is on; else it holds for at most 8, on or off
     */
    default boolean sumRowsAlone(boolean on) {
        return false;
    }

    /**
     * The gradient of a bias: out ← out + Σ over rows of g.
     *
     * @param g   (N, C); read
     * @param out (C); added to
     */
    void addColumnSums(MatrixView g, Tensor out);
}
