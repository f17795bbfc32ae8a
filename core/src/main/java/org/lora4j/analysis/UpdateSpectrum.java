package org.lora4j.analysis;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.lora4j.LoraException;

/**
 * Norms and singular values of an update ΔW = s·B·A, without ever building ΔW:
 *
 * <pre>
 *   B = Q_b·R_b      Aᵀ = Q_a·R_a      ΔW = Q_b·(s·R_b·R_aᵀ)·Q_aᵀ         A: (r, in)   B: (out, r)
 * </pre>
 *
 * Q_b and Q_a have orthonormal columns, so ΔW has the singular values of the small matrix s·R_b·R_aᵀ, which is at most r × r.
 * The cost is O((in + out)·r²); forming ΔW and decomposing it would be O(in·out·min(in, out)).
 *
 * @param normA          ‖A‖_F
 * @param normB          ‖B‖_F
 * @param normDelta      ‖ΔW‖_F
 * @param singularValues of ΔW, the largest first; min(r, in, out) of them, all others are zero
 */
public record UpdateSpectrum(double normA, double normB, double normDelta, double[] singularValues) {

    /**
     * The singular values of ΔW = s·B·A, from QR of both factors, so that no (out, in) matrix is made.
     *
     * @param a       (r, in), row-major; not modified
     * @param b       (out, r), row-major; not modified
     * @param rank    r
     * @param scaling s
     * @throws LoraException if A or B holds a value that is not finite
     */
    public static UpdateSpectrum of(double[] a, double[] b, int rank, double scaling) {
        requireFinite("A", a);
        requireFinite("B", b);
        DMatrixRMaj matrixA = DMatrixRMaj.wrap(rank, a.length / rank, a);
        DMatrixRMaj matrixB = DMatrixRMaj.wrap(b.length / rank, rank, b);
        DMatrixRMaj core = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.multTransB(triangle(matrixB), triangle(CommonOps_DDRM.transpose(matrixA, null)), core);
        CommonOps_DDRM.scale(scaling, core);
        return new UpdateSpectrum(NormOps_DDRM.normF(matrixA), NormOps_DDRM.normF(matrixB), NormOps_DDRM.normF(core),
                singularValues(core));
    }

    /** R of the matrix's QR decomposition, with as many rows as the matrix has rows or columns, whichever is less. */
    private static DMatrixRMaj triangle(DMatrixRMaj matrix) {
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
        qr.decompose(qr.inputModified() ? matrix.copy() : matrix);
        return qr.getR(null, true);
    }

    private static double[] singularValues(DMatrixRMaj core) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(core.numRows, core.numCols, false, false, true);
        if (!svd.decompose(core)) {
            throw new LoraException("the singular values of " + core.numRows + " × " + core.numCols
                    + " numbers did not converge");
        }
        double[] values = Arrays.copyOf(svd.getSingularValues(), svd.numberOfSingularValues());
        SingularOps_DDRM.descendingOrder(null, false, values, values.length, null, false);
        return values;
    }

    static void requireFinite(String what, double[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw new LoraException(what + " holds " + values[i] + " at element " + i + ", expected finite numbers");
            }
        }
    }

    /**
     * How many directions the update really uses: e to the entropy of its singular values taken as a distribution, 1 where
     * one dominates and r where all are equal; 0 for an update of zeros. Source: O. Roy, M. Vetterli, "The effective rank",
     * 2007.
     */
    public double effectiveRank() {
        double sum = Arrays.stream(singularValues).sum();
        if (sum == 0) {
            return 0;
        }
        double entropy = 0;
        for (double value : singularValues) {
            double p = value / sum;
            entropy -= p > 0 ? p * Math.log(p) : 0;
        }
        return Math.exp(entropy);
    }

    /** ‖ΔW‖_F² / σ₁², between 1 and r; 0 for an update of zeros. */
    public double stableRank() {
        double largest = singularValues[0];
        return largest == 0 ? 0 : normDelta / largest * (normDelta / largest);
    }
}
