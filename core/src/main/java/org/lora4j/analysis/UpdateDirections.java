package org.lora4j.analysis;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;

/**
 * An update's singular values and directions, without ever building ΔW = s·B·A:
 *
 * <pre>
 *   B = Q_b·R_b     Aᵀ = Q_a·R_a     s·R_b·R_aᵀ = U_c·Σ·V_cᵀ                    A: (r, in)   B: (out, r)
 *
 *   right of A   Q_a·U(R_a)           directions of the input that A looks at         (in)
 *   left of B    Q_b·U(R_b)           directions of the output that B writes to       (out)
 *   right of ΔW  Q_a·V_c              the same of both together, weighed by both      (in)
 *   left of ΔW   Q_b·U_c                                                              (out)
 * </pre>
 *
 * The cost is O((in + out)·r²).
 *
 * @param spectrum norms and singular values of ΔW
 * @param valuesA  singular values of A, falling, all of them
 * @param valuesB  singular values of B, falling, all of them
 */
public record UpdateDirections(
        UpdateSpectrum spectrum, double[] valuesA, double[] valuesB, Directions rightOfA, Directions leftOfB,
        Directions rightOfDelta, Directions leftOfDelta) {

    /**
     * The directions of ΔW = s·B·A, from its factors.
     *
     * @param a       (r, in), row-major; not modified
     * @param b       (out, r), row-major; not modified
     * @param rank    r
     * @param scaling s
     * @throws org.lora4j.LoraException if A or B holds a value that is not finite
     */
    public static UpdateDirections of(double[] a, double[] b, int rank, double scaling) {
        UpdateSpectrum.requireFinite("A", a);
        UpdateSpectrum.requireFinite("B", b);
        DMatrixRMaj matrixA = CommonOps_DDRM.transpose(DMatrixRMaj.wrap(rank, a.length / rank, a), null);
        DMatrixRMaj matrixB = DMatrixRMaj.wrap(b.length / rank, rank, b);
        Thin thinA = Thin.of(matrixA);
        Thin thinB = Thin.of(matrixB);
        DMatrixRMaj core = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.multTransB(thinB.r(), thinA.r(), core);
        CommonOps_DDRM.scale(scaling, core);
        Thin.Decomposed both = Thin.decomposed(core);
        UpdateSpectrum spectrum = new UpdateSpectrum(
                NormOps_DDRM.normF(matrixA), NormOps_DDRM.normF(matrixB), NormOps_DDRM.normF(core), both.values());
        int count = Directions.rank(both.values(), Math.max(matrixA.numRows, matrixB.numRows));
        return new UpdateDirections(spectrum, thinA.ofTriangle().values(), thinB.ofTriangle().values(), own(thinA), own(thinB),
                through(thinA, both.v(), both.values(), count), through(thinB, both.u(), both.values(), count));
    }

    private static Directions own(Thin matrix) {
        double[] values = matrix.ofTriangle().values();
        return through(matrix, matrix.ofTriangle().u(), values,
                Directions.rank(values, Math.max(matrix.q().numRows, matrix.r().numCols)));
    }

    /** The first columns of Q times this. */
    private static Directions through(Thin matrix, DMatrixRMaj small, double[] values, int count) {
        DMatrixRMaj large = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.mult(matrix.q(), small, large);
        return Directions.columns(large, values, count);
    }

    /** Whether ΔW is zero, so that it has no directions: so it is before the first step of training. */
    public boolean isZero() {
        return rightOfDelta.count() == 0;
    }
}
