package org.lora4j.tuning.lora;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * DoRA's magnitudes m, one for each output, and the factors f that give the outputs their length (Liu et al. 2024):
 *
 * <pre>
 *   f_j = m_j / n_j        n_j = ‖w_j + δ_j‖₂        w_j, δ_j: what W₀ and s·B·A have for output j
 *   n_j² = ‖w_j‖² + B_j·D_j        D_j = 2s·A·w_j + s²·(A·Aᵀ)·B_jᵀ
 * </pre>
 *
 * <p>So W₀ + s·B·A is never built: ‖w_j‖² is a constant of the base, A·W₀ᵀ is r wide, and A·Aᵀ is r × r. The terms are
 * each known to some u·‖w_j‖², so f is off by about u·(‖w_j‖ + ‖δ_j‖)²/n_j² beyond its own rounding.
 *
 * <p>n is a constant to the gradient, as the paper proposes (section 4.3) and PEFT does.
 */
final class Magnitude {

    /** What n is made of for some of the outputs: A, Bᵀ and W₀ᵀ of these. */
    record OutputGroup(MatrixView a, MatrixView bTransposed, MatrixView weightTransposed) {
    }

    private final Parameter m;
    private final Tensor squares;
    private final double scaling;
    private @Nullable Tensor settled;

    /**
     * @param m       (K); set to the lengths of the base's rows, so that DoRA begins at the base
     * @param squares ‖w_j‖² of each, in double
     * @param scaling s
     */
    Magnitude(Backend backend, Parameter m, double[] squares, double scaling) {
        this.m = m;
        this.scaling = scaling;
        this.squares = backend.allocate(Shape.of(1, squares.length));
        backend.upload(squares, this.squares);
        double[] lengths = backend.readDoubles(this.squares); // rounded once: f is then exactly 1
        for (int j = 0; j < lengths.length; j++) {
            lengths[j] = Math.sqrt(lengths[j]);
        }
        backend.upload(lengths, m.value());
    }

    Parameter parameter() {
        return m;
    }

    /** n² of this pass, which backward reads; in memory of {@code owner}. */
    Tensor squaredNorms(Object owner, Workspace ws) {
        return ws.block(owner, "n2", 1, squares.columns());
    }

    /**
     * f (1, K), which {@link #settle} has computed, or in memory of {@code owner} for this pass.
     *
     * @param groups one behind the other they are the K outputs
     */
    Tensor factors(Object owner, List<OutputGroup> groups, Workspace ws) {
        if (settled != null && !m.isTrainable()) {
            return settled;
        }
        Backend backend = ws.backend();
        Tensor n2 = squaredNorms(owner, ws);
        backend.copy(squares.matrix(), n2.matrix());
        int from = 0;
        for (OutputGroup group : groups) {
            int width = group.weightTransposed().columns();
            int rank = group.a().rows();
            Tensor d = ws.block(Magnitude.class, "d", rank, width);
            Tensor gram = ws.block(Magnitude.class, "gram", rank, rank);
            backend.matmul(group.a(), group.weightTransposed(), d.matrix(), 2 * scaling, 0);
            backend.matmul(group.a(), group.a().t(), gram.matrix(), 1, 0);
            backend.matmul(gram.matrix(), group.bTransposed(), d.matrix(), scaling * scaling, 1);
            backend.addColumnDots(group.bTransposed(), d.matrix(), n2.columns(from, width));
            from += width;
        }
        Tensor f = ws.block(owner, "f", 1, squares.columns());
        backend.divideByRoots(LowRank.asRow(m.value()), n2.matrix(), f.matrix(), 0);
        return f;
    }

    /** f of this pass again. */
    Tensor keptFactors(Object owner, Workspace ws) {
        return ws.block(owner, "f", 1, squares.columns());
    }

    /** dm ← dm + (Σ over rows of dy ⊙ v) / n; the sums are in {@code dots} (1, K). */
    void addGradient(Tensor dots, Object owner, Workspace ws) {
        ws.backend().divideByRoots(
                dots.matrix(), squaredNorms(owner, ws).matrix(), LowRank.asRow(m.gradient()), 1);
    }

    /** Computes f once for all passes to come, since nothing it depends on changes any more. */
    void settle(Backend backend, List<OutputGroup> groups) {
        settled = null;
        Tensor f = factors(this, groups, Workspace.forInference(backend, 1));
        settled = backend.allocate(f.shape());
        backend.copy(f.matrix(), settled.matrix());
    }

    /** f as numbers, for merging. */
    double[] factors(Backend backend, List<OutputGroup> groups) {
        Tensor f = factors(this, groups, Workspace.forInference(backend, 1));
        return backend.readDoubles(f);
    }

    /** Σ of squares of each row of W₀, or of each column. */
    static double[] squares(Backend backend, MatrixView weight, boolean ofColumns) {
        double[] squares = new double[ofColumns ? weight.columns() : weight.rows()];
        double[] row = new double[weight.columns()];
        for (int i = 0; i < weight.rows(); i++) {
            backend.read(weight.tensor(), weight.offset() + (long) i * weight.rowStride(), row, 0, row.length);
            for (int j = 0; j < row.length; j++) {
                squares[ofColumns ? j : i] += row[j] * row[j];
            }
        }
        return squares;
    }
}
