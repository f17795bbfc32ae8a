package org.lora4j.analysis;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.lora4j.LoraException;

/**
 * A tall matrix as M = Q·R, Q of orthonormal columns and R small: what is hard to find of M is easy to find of R.
 *
 * @param q          (rows, k), k the lesser of rows and columns
 * @param r          (k, columns)
 * @param ofTriangle the singular value decomposition of R, whose singular values are M's
 */
record Thin(DMatrixRMaj q, DMatrixRMaj r, Decomposed ofTriangle) {

    /**
     * U·Σ·Vᵀ, values falling.
     *
     * @param values the diagonal of Σ
     */
    record Decomposed(DMatrixRMaj u, double[] values, DMatrixRMaj v) {
    }

    /** @param matrix not modified */
    static Thin of(DMatrixRMaj matrix) {
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
        qr.decompose(qr.inputModified() ? matrix.copy() : matrix);
        DMatrixRMaj r = qr.getR(null, true);
        return new Thin(qr.getQ(null, true), r, decomposed(r));
    }

    /** @param matrix not modified */
    static Decomposed decomposed(DMatrixRMaj matrix) {
        if (CommonOps_DDRM.elementMaxAbs(matrix) == 0) {
            int k = Math.min(matrix.numRows, matrix.numCols);
            return new Decomposed(CommonOps_DDRM.identity(matrix.numRows, k), new double[k], CommonOps_DDRM.identity(matrix.numCols, k));
        }
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, true, true, true);
        if (!svd.decompose(svd.inputModified() ? matrix.copy() : matrix)) {
            throw new LoraException("the singular values of " + matrix.numRows + " × " + matrix.numCols
                    + " numbers did not converge");
        }
        double[] values = Arrays.copyOf(svd.getSingularValues(), svd.numberOfSingularValues());
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj v = svd.getV(null, false);
        int[] order = descending(values);
        return new Decomposed(columns(u, order), Arrays.stream(order).mapToDouble(i -> values[i]).toArray(), columns(v, order));
    }

    private static int[] descending(double[] values) {
        return IntStream.range(0, values.length).boxed()
                .sorted((a, b) -> Double.compare(values[b], values[a])).mapToInt(Integer::intValue).toArray();
    }

    private static DMatrixRMaj columns(DMatrixRMaj matrix, int[] order) {
        DMatrixRMaj ordered = new DMatrixRMaj(matrix.numRows, order.length);
        for (int i = 0; i < matrix.numRows; i++) {
            for (int k = 0; k < order.length; k++) {
                ordered.data[i * order.length + k] = matrix.data[i * matrix.numCols + order[k]];
            }
        }
        return ordered;
    }
}
