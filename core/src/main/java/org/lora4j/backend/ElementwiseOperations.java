package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** The operations of a {@link Backend} that treat each number by itself. */
public interface ElementwiseOperations {

    /** x ← value everywhere. */
    void fill(Tensor x, double value);

    /** x ← alpha·x. */
    void scale(Tensor x, double alpha);

    /** y ← x. Both untransposed, of equal shape. */
    void copy(MatrixView x, MatrixView y);

    /** y ← y + alpha·x. Both untransposed, of equal shape. */
    void add(MatrixView x, MatrixView y, double alpha);

    /** y ← y + x for whole tensors of equal size. */
    default void add(Tensor x, Tensor y) {
        add(x.matrix(), y.matrix(), 1);
    }

    /**
     * z ← x ⊙ y.
     *
     * @param x any shape; read
     * @param y the same shape; read
     * @param z the same shape; written; may be x or y itself
     */
    void multiply(Tensor x, Tensor y, Tensor z);

    /**
     * Inverted dropout, forward and backward alike: y ← x ⊙ keep / (1 − p). With p = 0 it copies.
     *
     * @param x    (N, C); read
     * @param y    (N, C); written; may be x itself
     * @param mask which elements of the row-major N·C are kept
     */
    void dropout(Tensor x, Tensor y, DropoutMask mask);

    /**
     * y ← f(x), see {@link Activation} for the functions.
     *
     * @param x any shape; read
     * @param y the same shape; written; may be x itself
     */
    void activate(Activation kind, Tensor x, Tensor y);

    /**
     * dx ← dy ⊙ f′(x).
     *
     * @param x  the input of {@link #activate}; read
     * @param dy ∂L/∂y; read
     * @param dx ∂L/∂x; written; may be dy itself
     */
    void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx);
}
