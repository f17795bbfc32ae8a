package org.lora4j.backend;

import org.lora4j.tensor.MatrixView;

/** Rotary embeddings on a {@link Backend}: pairs of features turn by angles that depend on their row. */
public interface RotaryOperations {

    /**
     * Turns each head of each row where it lies (Su et al. 2021). With a and b for the columns i and i + half of a head, c and
     * s for the cosine and sine of row n:
     *
     * <pre>
     *   a ← a·c[n, i] − b·s[n, i]      b ← b·c[n, i] + a·s[n, i]
     * </pre>
     *
     * @param x (N, heads·headSize); read and written
     */
    void rotate(MatrixView x, Rotation rotation);

    /**
     * The gradient of {@link #rotate}, which is the turn the other way round:
     *
     * <pre>
     *   da ← da·c[n, i] + db·s[n, i]      db ← db·c[n, i] − da·s[n, i]
     * </pre>
     *
     * @param dx (N, heads·headSize); read and written
     */
    void rotateBackward(MatrixView dx, Rotation rotation);
}
