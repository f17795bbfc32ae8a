package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * A frozen embedding with a trainable low-rank update (loralib's and PEFT's {@code Embedding}):
 *
 * <pre>
 *   y[i] = E₀[id[i]] + s·B·A[:, id[i]]          E₀: (V, C)   A: (r, V)   B: (C, r)
 *
 *   ∂L/∂B = s·gᵀ·u      ∂L/∂A[:, v] = s·Σ over i with id[i] = v of Bᵀ·g[i]      u[i] = A[:, id[i]]
 * </pre>
 *
 * <p>A starts at zero and B from N(0, 1), the other way round than in a linear map. In memory A lies transposed, (V, r),
 * so that a token's column is a row; the adapter's file has it as (r, V).
 *
 * <p>Where the model's head is tied to E₀, the head stays E₀: the update changes what tokens are read as, not what is
 * predicted from.
 */
public sealed class LoraEmbedding implements TokenEmbedding permits DoraEmbedding {

    private final Embedding base;
    private final Parameter aTransposed;
    private final Parameter b;
    private final double alpha;
    private final double scaling;

    /**
     * An update on a table.
     *
     * @param base        the frozen table
     * @param aTransposed Aᵀ, (V, r)
     * @param b           (C, r)
     * @param alpha       the numerator of s
     * @param scaling     how s is made of alpha and r
     */
    public LoraEmbedding(Embedding base, Parameter aTransposed, Parameter b, double alpha, LoraScaling scaling) {
        this.base = base;
        this.aTransposed = aTransposed;
        this.b = b;
        this.alpha = alpha;
        this.scaling = scaling.of(alpha, b.shape().dim(1));
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        Backend backend = ws.backend();
        base.forward(ids, y, beta, ws);
        backend.matmul(lowRank(ids, y.rows(), ws).matrix(), b.value().matrix().t(), y.matrix(), scaling, 1);
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        Backend backend = ws.backend();
        base.backward(ids, dy, ws);
        if (b.isTrainable()) {
            Tensor u = lowRank(ids, dy.rows(), ws);
            backend.matmul(dy.matrix().t(), u.matrix(), b.gradient().matrix(), scaling, 1);
        }
        if (aTransposed.isTrainable()) {
            Tensor du = ws.scratch("lora.du", dy.rows(), rank());
            backend.matmul(dy.matrix(), b.value().matrix(), du.matrix(), scaling, 0);
            base.scatter(du, ids, aTransposed.gradient(), ws);
        }
    }

    /**
     * Turns the base's output for some rows into this embedding's: y ← y + the update, in the rows {@code from} to {@code
     * from + count − 1}. For inference.
     *
     * @param ids of all rows of y; read
     * @param y   (N, C), with the base's rows added in already; these rows are written
     */
    public void addUpdate(IntTensor ids, int from, int count, Tensor y, Workspace ws) {
        Tensor u = lowRank(ids, y.rows(), ws);
        ws.backend().matmul(u.rows(from, count), b.value().matrix().t(), y.rows(from, count), scaling, 1);
    }

    /**
     * table ← table + ΔE, where ΔE = (s·B·A)ᵀ.
     *
     * @param table (V, C); added to
     */
    public void addDeltaTable(Backend backend, Tensor table) {
        backend.matmul(aTransposed.value().matrix(), b.value().matrix().t(), table.matrix(), scaling, 1);
    }

    /** u; gathered again in backward rather than stored, since one pass may embed several kinds of ids. */
    private Tensor lowRank(IntTensor ids, int rows, Workspace ws) {
        Tensor u = ws.scratch("lora.u", rows, rank());
        ws.backend().gatherRows(aTransposed.value(), ids, u, 0);
        return u;
    }

    /** DoRA's magnitudes, one for each feature; null for plain LoRA. */
    public @Nullable Parameter magnitude() {
        return null;
    }

    /**
     * Called when nothing trains any more. What follows from the trained values alone may now be computed once instead of in
     * every pass; plain LoRA has nothing of the kind.
     */
    void settle(Backend backend) {
    }

    /** The frozen table. */
    public Embedding base() {
        return base;
    }

    /** Aᵀ, (V, r): A as it lies in memory. */
    public Parameter loraATransposed() {
        return aTransposed;
    }

    /** B, (C, r). */
    public Parameter loraB() {
        return b;
    }

    /** r. */
    public int rank() {
        return b.shape().dim(1);
    }

    /** alpha, the numerator of the scaling. */
    public double alpha() {
        return alpha;
    }

    /** s. */
    public double scaling() {
        return scaling;
    }

    @Override
    public int rows() {
        return base.rows();
    }

    @Override
    public int features() {
        return base.features();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(base.parameters());
        parameters.add(aTransposed);
        parameters.add(b);
        return parameters;
    }
}
