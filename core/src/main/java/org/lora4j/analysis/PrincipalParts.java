package org.lora4j.analysis;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.lora4j.LoraException;
import org.lora4j.tensor.Philox;

/**
 * The r largest singular values of a matrix and their vectors, W ≈ U·diag(σ)·Vᵀ, in doubles and in one order of summation, so the
 * same bits every time.
 *
 * <p>{@link #of} takes them from the eigenvectors of W·Wᵀ or Wᵀ·W, whichever is smaller: with Wᵀ·W·v = σ²·v, u = W·v/σ. That
 * squares the condition, which costs the small singular values their digits and the large ones, which are asked for, none that
 * a float has. {@link #randomised} is Halko, Martinsson and Tropp's range finder (2011, algorithms 4.4 and 5.1) with r columns and
 * no more, as {@code torch.svd_lowrank} has it.
 *
 * @param u      (m, r), row by row; columns of length 1
 * @param values σ, the largest first
 * @param v      (n, r), row by row
 */
public record PrincipalParts(double[] u, double[] values, double[] v) {

    /**
     * The largest singular values of W, with their directions.
     *
     * @param w    (m, n), row by row; not modified
     * @param rank r, at most min(m, n)
     * @throws LoraException if W holds a value that is not finite, or the eigenvalues do not converge
     */
    public static PrincipalParts of(double[] w, int m, int n, int rank) {
        return of(DMatrixRMaj.wrap(m, n, finite(w)), rank);
    }

    private static PrincipalParts of(DMatrixRMaj w, int rank) {
        boolean wide = w.numRows < w.numCols;
        int size = Math.min(w.numRows, w.numCols);
        DMatrixRMaj gram = new DMatrixRMaj(size, size);
        if (wide) {
            CommonOps_DDRM.multTransB(w, w, gram);
        } else {
            CommonOps_DDRM.multTransA(w, w, gram);
        }
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(size, true, true);
        if (!eigen.decompose(gram)) {
            throw new LoraException("the singular values of " + w.numRows + " × " + w.numCols + " numbers did not converge");
        }
        List<Integer> order = IntStream.range(0, size).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -eigen.getEigenvalue(i).getReal())).limit(rank).toList();
        DMatrixRMaj inner = new DMatrixRMaj(size, rank);
        double[] values = new double[rank];
        for (int j = 0; j < rank; j++) {
            values[j] = Math.sqrt(Math.max(0, eigen.getEigenvalue(order.get(j)).getReal()));
            CommonOps_DDRM.insert(eigen.getEigenVector(order.get(j)), inner, 0, j);
        }
        DMatrixRMaj outer = new DMatrixRMaj(wide ? w.numCols : w.numRows, rank);
        if (wide) {
            CommonOps_DDRM.multTransA(w, inner, outer);
        } else {
            CommonOps_DDRM.mult(w, inner, outer);
        }
        for (int j = 0; j < rank; j++) {
            for (int i = 0; i < outer.numRows; i++) {
                outer.set(i, j, values[j] == 0 ? 0 : outer.get(i, j) / values[j]);
            }
        }
        return wide ? new PrincipalParts(inner.data, values, outer.data) : new PrincipalParts(outer.data, values, inner.data);
    }

    /**
     * The same by a random sketch: much less work for large matrices, and the better the more iterations.
     *
     * @param iterations of W·Wᵀ on the sketch, 0 or more
     * @param site       of the random numbers, see {@link Philox}
     */
    public static PrincipalParts randomised(double[] w, int m, int n, int rank, int iterations, Philox random, int site) {
        DMatrixRMaj given = DMatrixRMaj.wrap(m, n, finite(w));
        boolean wide = m < n;
        DMatrixRMaj tall = wide ? CommonOps_DDRM.transpose(given, null) : given;
        DMatrixRMaj sketch = new DMatrixRMaj(tall.numCols, rank);
        random.fillNormal(sketch.data, 1, 0, site);
        DMatrixRMaj q = basis(product(tall, sketch, false));
        for (int i = 0; i < iterations; i++) {
            q = basis(product(tall, q, true));
            q = basis(product(tall, q, false));
        }
        DMatrixRMaj small = new DMatrixRMaj(rank, tall.numCols);
        CommonOps_DDRM.multTransA(q, tall, small);
        PrincipalParts parts = of(small, rank);
        DMatrixRMaj u = new DMatrixRMaj(tall.numRows, rank);
        CommonOps_DDRM.mult(q, DMatrixRMaj.wrap(rank, rank, parts.u), u);
        return wide ? new PrincipalParts(parts.v, parts.values, u.data) : new PrincipalParts(u.data, parts.values, parts.v);
    }

    private static DMatrixRMaj product(DMatrixRMaj w, DMatrixRMaj x, boolean transposed) {
        DMatrixRMaj y = new DMatrixRMaj(transposed ? w.numCols : w.numRows, x.numCols);
        if (transposed) {
            CommonOps_DDRM.multTransA(w, x, y);
        } else {
            CommonOps_DDRM.mult(w, x, y);
        }
        return y;
    }

    /** Orthonormal columns with the same range. */
    private static DMatrixRMaj basis(DMatrixRMaj x) {
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(x.numRows, x.numCols);
        qr.decompose(qr.inputModified() ? x.copy() : x);
        return qr.getQ(null, true);
    }

    private static double[] finite(double[] w) {
        for (double value : w) {
            if (!Double.isFinite(value)) {
                throw new LoraException("a matrix with values that are not finite has no singular values");
            }
        }
        return w;
    }
}
