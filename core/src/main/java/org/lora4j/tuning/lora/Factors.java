package org.lora4j.tuning.lora;

import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.MatrixView;

/**
 * An update ΔW = B·A on the host, in double.
 *
 * @param a (r, in)
 * @param b (out, r)
 */
record Factors(DMatrixRMaj a, DMatrixRMaj b) {

    /** The factors of one update, without s. */
    static Factors of(Backend backend, LoraProjection.PartUpdate part) {
        return new Factors(read(backend, part.a()), read(backend, part.b()));
    }

    /** The factors of an update of the whole map, without s; parts get zeros where the others are. */
    static Factors whole(Backend backend, LoraProjection lora) {
        int rank = lora.updates().stream().mapToInt(part -> part.a().rows()).sum();
        DMatrixRMaj a = new DMatrixRMaj(rank, lora.inFeatures());
        DMatrixRMaj b = new DMatrixRMaj(lora.outFeatures(), rank);
        int at = 0;
        for (LoraProjection.PartUpdate part : lora.updates()) {
            CommonOps_DDRM.insert(read(backend, part.a()), a, at, 0);
            CommonOps_DDRM.insert(read(backend, part.b()), b, part.firstRow(), at);
            at += part.a().rows();
        }
        return new Factors(a, b);
    }

    /** The factors of an embedding's update, without s: A (r, V), B (C, r). */
    static Factors of(Backend backend, LoraEmbedding lora) {
        DMatrixRMaj a = CommonOps_DDRM.transpose(read(backend, lora.loraATransposed().value().matrix()), null);
        return new Factors(a, read(backend, lora.loraB().value().matrix()));
    }

    private static DMatrixRMaj read(Backend backend, MatrixView view) {
        DMatrixRMaj matrix = new DMatrixRMaj(view.rows(), view.columns());
        for (int i = 0; i < view.rows(); i++) {
            backend.read(view.tensor(), view.offset() + (long) i * view.rowStride(), matrix.data, i * view.columns(),
                    view.columns());
        }
        return matrix;
    }

    int rank() {
        return a.numRows;
    }

    /** ΔW of all, added up: the A's one above the other, the B's side by side, each times its number. */
    static Factors concatenated(List<Factors> all, double[] times) {
        int rank = all.stream().mapToInt(Factors::rank).sum();
        DMatrixRMaj a = new DMatrixRMaj(rank, all.getFirst().a.numCols);
        DMatrixRMaj b = new DMatrixRMaj(all.getFirst().b.numRows, rank);
        int at = 0;
        for (int i = 0; i < times.length; i++) {
            Factors factors = all.get(i);
            CommonOps_DDRM.insert(factors.a, a, at, 0);
            DMatrixRMaj scaled = factors.b.copy();
            CommonOps_DDRM.scale(times[i], scaled);
            CommonOps_DDRM.insert(scaled, b, 0, at);
            at += factors.rank();
        }
        return new Factors(a, b);
    }

    /** The same ΔW in factors of a larger rank, with zeros. */
    Factors widened(int rank) {
        if (rank == rank()) {
            return this;
        }
        DMatrixRMaj wideA = new DMatrixRMaj(rank, a.numCols);
        DMatrixRMaj wideB = new DMatrixRMaj(b.numRows, rank);
        CommonOps_DDRM.insert(a, wideA, 0, 0);
        CommonOps_DDRM.insert(b, wideB, 0, 0);
        return new Factors(wideA, wideB);
    }

    /** A's and B's added up, each times ±√|number|: the sum of the updates, and cross-terms. All have one rank. */
    static Factors added(List<Factors> all, double[] times) {
        DMatrixRMaj a = new DMatrixRMaj(all.getFirst().a.numRows, all.getFirst().a.numCols);
        DMatrixRMaj b = new DMatrixRMaj(all.getFirst().b.numRows, all.getFirst().b.numCols);
        for (int i = 0; i < times.length; i++) {
            double root = Math.sqrt(Math.abs(times[i]));
            CommonOps_DDRM.addEquals(a, Math.signum(times[i]) * root, all.get(i).a);
            CommonOps_DDRM.addEquals(b, root, all.get(i).b);
        }
        return new Factors(a, b);
    }

    /**
     * The nearest update of rank k in the Frobenius norm (Eckart and Young 1936), without building ΔW:
     *
     * <pre>
     *   B = Q_b·R_b      Aᵀ = Q_a·R_a      R_b·R_aᵀ = U·Σ·Vᵀ, a small matrix
     *   ΔW = (Q_b·U)·Σ·(Q_a·V)ᵀ ≈ (Q_b·U_k·√Σ_k)·(√Σ_k·V_kᵀ·Q_aᵀ)
     * </pre>
     */
    Factors truncated(int k) {
        if (k >= rank()) {
            return this; // nothing to leave out
        }
        int kept = Math.min(k, Math.min(a.numCols, b.numRows));
        QRDecomposition<DMatrixRMaj> left = decomposed(b);
        QRDecomposition<DMatrixRMaj> right = decomposed(CommonOps_DDRM.transpose(a, null));
        DMatrixRMaj core = new DMatrixRMaj(1, 1);
        CommonOps_DDRM.multTransB(left.getR(null, true), right.getR(null, true), core);
        SingularValueDecomposition_F64<DMatrixRMaj> svd =
                DecompositionFactory_DDRM.svd(core.numRows, core.numCols, true, true, true);
        if (!svd.decompose(core)) {
            throw new IllegalStateException("the singular value decomposition of " + core.numRows + " × " + core.numCols
                    + " numbers did not converge");
        }
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj w = svd.getW(null);
        DMatrixRMaj v = svd.getV(null, false);
        SingularOps_DDRM.descendingOrder(u, false, w, v, false);
        for (int j = 0; j < kept; j++) {
            double root = Math.sqrt(w.get(j, j));
            scaleColumn(u, j, root);
            scaleColumn(v, j, root);
        }
        DMatrixRMaj best = new DMatrixRMaj(b.numRows, kept);
        DMatrixRMaj bestTransposed = new DMatrixRMaj(a.numCols, kept);
        CommonOps_DDRM.mult(left.getQ(null, true), CommonOps_DDRM.extract(u, 0, u.numRows, 0, kept), best);
        CommonOps_DDRM.mult(right.getQ(null, true), CommonOps_DDRM.extract(v, 0, v.numRows, 0, kept), bestTransposed);
        return new Factors(CommonOps_DDRM.transpose(bestTransposed, null), best);
    }

    private static QRDecomposition<DMatrixRMaj> decomposed(DMatrixRMaj matrix) {
        QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr(matrix.numRows, matrix.numCols);
        qr.decompose(matrix.copy());
        return qr;
    }

    private static void scaleColumn(DMatrixRMaj matrix, int column, double factor) {
        for (int i = 0; i < matrix.numRows; i++) {
            matrix.set(i, column, factor * matrix.get(i, column));
        }
    }
}
