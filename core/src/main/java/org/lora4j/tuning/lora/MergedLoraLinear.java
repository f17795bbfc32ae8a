package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * LoRA on some of the parts of a fused map: on q and v of GPT-2's {@code c_attn}, which the paper adapts, while k stays as it is.
 * loralib calls it {@code MergedLinear} with {@code enable_lora = [true, false, true]}. Parts have widths of their own, since of
 * Phi-3's {@code qkv_proj} q is wider than k and v where key heads are fewer; loralib's are equal.
 *
 * <p>Each of the n adapted parts p, w_p wide, has its own A_p and B_p. They lie one above the other:
 *
 * <pre>
 *   h_p = x·W₀_pᵀ + b_p + s·(x·A_pᵀ)·B_pᵀ          for adapted p; h_p = x·W₀_pᵀ + b_p for the others
 *   A: (n·r, in) = A_1 over A_2 …      B: (w, r) = B_1 over B_2 …      w = Σ w_p
 * </pre>
 *
 * <p>It is a two-step product: u = x·Aᵀ once for all parts, then u_p·B_pᵀ into the columns of part p. ΔW is never built.
 * (loralib has built the full out × in ΔW at every step since its fix #105; the value is the same, the cost is not.)
 *
 * <pre>
 *   ∂L/∂B_p = s·g_pᵀ·u_p      ∂L/∂A_p = s·(g_p·B_p)ᵀ·x      ∂L/∂x = g·W₀ + s·Σ over p of (g_p·B_p)·A_p
 * </pre>
 */
public final class MergedLoraLinear extends LowRankMap {

    private final List<FusedPart> parts;
    private final int[] rowsOfB;
    private final int rank;

    /**
     * An update on parts of a fused map.
     *
     * @param base    the frozen fused map
     * @param parts   those that have an update, in the map's order
     * @param a       (n·r, in)
     * @param b       (w, r)
     * @param alpha   the numerator of s
     * @param scaling how s is made of alpha and r, the rank of <em>one</em> part
     * @param dropout on x in the low-rank branch
     */
    public MergedLoraLinear(
            Linear base, List<FusedPart> parts, Parameter a, Parameter b, double alpha, LoraScaling scaling,
            Dropout dropout) {
        super(base, a, b, alpha, scaling.of(alpha, b.shape().dim(1)), dropout);
        this.parts = List.copyOf(parts);
        this.rowsOfB = new int[parts.size()];
        this.rank = b.shape().dim(1);
        int width = 0;
        int end = 0;
        for (int j = 0; j < rowsOfB.length; j++) {
            FusedPart part = parts.get(j);
            if (part.first() < end || part.first() + part.width() > base.outFeatures()) {
                throw new IllegalArgumentException(parts + " are no parts of " + base.weight() + " one behind the other");
            }
            end = part.first() + part.width();
            rowsOfB[j] = width;
            width += part.width();
        }
        Shape wantedA = Shape.of(parts.size() * rank, base.inFeatures());
        Shape wantedB = Shape.of(width, rank);
        if (parts.isEmpty() || !a.shape().equals(wantedA) || !b.shape().equals(wantedB)) {
            throw new IllegalArgumentException("a merged LoRA on " + parts.size() + " parts of " + base.weight() + " takes A " + wantedA
                    + " and B " + wantedB + ", found " + a + " and " + b);
        }
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        Backend backend = ws.backend();
        base.forward(x, y, ws);
        Tensor u = ws.activation(this, "u", x.rows(), a.shape().dim(0));
        backend.matmul(LowRank.dropped(x, dropout, ws).matrix(), a.value().matrix().t(), u.matrix(), 1, 0);
        for (int j = 0; j < rowsOfB.length; j++) {
            backend.matmul(ranksOf(j, u), partOfB(j, b.value()).t(), columnsOf(j, y.matrix()), scaling, 1);
        }
        if (ws.training()) {
            ws.keepInput(this, x);
        }
    }

    @Override
    void addUpdate(MatrixView x, MatrixView y, MatrixView u, List<MatrixProduct> down, List<MatrixProduct> up) {
        down.add(new MatrixProduct(x, a.value().matrix().t(), u, 1, 0));
        for (int j = 0; j < rowsOfB.length; j++) {
            up.add(new MatrixProduct(u.columns(j * rank, rank), partOfB(j, b.value()).t(), columnsOf(j, y), scaling, 1));
        }
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        Backend backend = ws.backend();
        base.backward(dy, dx, ws);
        Tensor u = ws.activation(this, "u", dy.rows(), a.shape().dim(0));
        Tensor du = ws.scratch("lora.du", dy.rows(), a.shape().dim(0));
        for (int j = 0; j < rowsOfB.length; j++) {
            backend.matmul(columnsOf(j, dy.matrix()), partOfB(j, b.value()), ranksOf(j, du), 1, 0); // g_p·B_p, without s
            if (b.isTrainable()) {
                backend.matmul(columnsOf(j, dy.matrix()).t(), ranksOf(j, u), partOfB(j, b.gradient()), scaling, 1);
            }
        }
        if (a.isTrainable()) {
            Tensor x = LowRank.dropped(ws.keptInput(this), dropout, ws);
            backend.matmul(du.matrix().t(), x.matrix(), a.gradient().matrix(), scaling, 1);
        }
        if (dx != null) {
            LowRank.addInputGradient(du, a.value(), scaling, dropout, dx, ws);
        }
    }

    @Override
    public void addDeltaWeight(Backend backend, Tensor weight) {
        for (int j = 0; j < rowsOfB.length; j++) {
            backend.matmul(
                    partOfB(j, b.value()), a.value().rows(j * rank, rank),
                    weight.rows(parts.get(j).first(), parts.get(j).width()), scaling, 1);
        }
    }

    @Override
    public List<PartUpdate> updates() {
        List<PartUpdate> updates = new ArrayList<>();
        for (int j = 0; j < rowsOfB.length; j++) {
            updates.add(new PartUpdate(a.value().rows(j * rank, rank), partOfB(j, b.value()), parts.get(j).first()));
        }
        return updates;
    }

    /** u_p: the columns of (N, n·r) that belong to the j-th adapted part. */
    private MatrixView ranksOf(int j, Tensor u) {
        return u.columns(j * rank, rank);
    }

    /** B_p: the rows of (w, r) that belong to the j-th adapted part. */
    private MatrixView partOfB(int j, Tensor b) {
        return b.rows(rowsOfB[j], parts.get(j).width());
    }

    /** h_p: the columns of (N, out) that belong to the j-th adapted part. */
    private MatrixView columnsOf(int j, MatrixView y) {
        return y.columns(parts.get(j).first(), parts.get(j).width());
    }

    /** The length of each row of W₀, as a float has it: what DoRA's magnitudes begin with. */
    public double[] rowLengths(Backend backend) {
        double[] lengths = Magnitude.squares(backend, base.weight().value().matrix(), false);
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = (float) Math.sqrt((float) lengths[i]);
        }
        return lengths;
    }

    /** Those parts of the fused map that have an update. */
    public List<FusedPart> parts() {
        return parts;
    }

    /** r, the rank of one part's update. */
    @Override
    public int rank() {
        return rank;
    }
}
