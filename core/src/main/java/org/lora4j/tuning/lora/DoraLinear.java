package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * Weight-decomposed low-rank adaptation (DoRA, Liu et al. 2024): a low-rank update turns each row of the weight, and a
 * trained number m_j gives it its length.
 *
 * <pre>
 *   W = diag(m / n)·(W₀ + s·B·A)        n_j = ‖row j of W₀ + s·B·A‖₂        f = m / n
 *   h = v·diag(f) + b                   v = x·W₀ᵀ + s·(x·Aᵀ)·Bᵀ
 *   x: (N, in)   v, h: (N, out)   m, n, f: (out)
 * </pre>
 *
 * It wraps the low-rank update and stretches what comes out of it, h = l + (f − 1) ⊙ (l − b) with l = v + b. m begins as
 * the length of W₀'s rows, so f is 1 and the output is the base's, bit for bit.
 *
 * <p>With g = ∂L/∂h, and n a constant as in the paper's section 4.3:
 *
 * <pre>
 *   ∂L/∂m_j = Σ over rows of g_j·v_j / n_j        ∂L/∂b = Σ over rows of g        ∂L/∂v = f ⊙ g, and on as in LoRA
 * </pre>
 *
 * <p>With dropout D, PEFT drops x in both halves of v, but not in the base's own output:
 *
 * <pre>
 *   h = x·W₀ᵀ + b + s·u·Bᵀ + (f − 1) ⊙ v        v = D(x)·W₀ᵀ + s·u·Bᵀ        u = D(x)·Aᵀ
 *   ∂L/∂x = (f ⊙ g)·W₀ + D(s·((f ⊙ g)·B)·A) + D(k) − k        k = ((f − 1) ⊙ g)·W₀
 * </pre>
 *
 * <p>On parts of a fused map, each adapted part has magnitudes for its rows, and the others stay as they are; since n is a
 * matter of single rows, that is DoRA on q and v as maps of their own. PEFT has no parts.
 *
 * <p>Source: {@code DoraLinearLayer} in PEFT 0.21.
 */
public final class DoraLinear implements LoraProjection {

    private final LoraProjection lora;
    private final Magnitude magnitude;
    private final int adapted;

    /**
     * An update on a map, with a magnitude for each output.
     *
     * @param lora the update to be stretched
     * @param m    a magnitude for each adapted output, in the order of B's rows; set to the lengths of W₀'s rows
     */
    public DoraLinear(Backend backend, LoraProjection lora, Parameter m) {
        this.lora = lora;
        this.adapted = lora.loraB().shape().dim(0);
        if (m.size() != adapted) {
            throw new IllegalArgumentException("DoRA on " + adapted + " outputs with magnitudes " + m);
        }
        double[] squares = new double[adapted];
        int at = 0;
        for (PartUpdate part : lora.updates()) {
            MatrixView rows = lora.base().weight().value().rows(part.firstRow(), part.b().rows());
            System.arraycopy(Magnitude.squares(backend, rows, false), 0, squares, at, rows.rows());
            at += rows.rows();
        }
        magnitude = new Magnitude(backend, m, squares, lora.scaling());
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        lora.forward(x, y, ws);
        Parameter bias = lora.base().bias();
        Tensor v = ws.activation(this, "v", x.rows(), adapted);
        takeDirections(y.matrix(), bias == null ? null : bias.value(), v, ws.backend());
        if (dropout().isActive(ws)) { // what D took from x, it took from the base's half of v too
            Tensor lost = lost(x, ws);
            eachPart((part, from) -> ws.backend().matmul(
                    lost.matrix(), weightTransposed(part), v.columns(from, part.b().rows()), 1, 1));
        }
        stretch(v, y.matrix(), ws);
    }

    /** D(x) − x, in scratch. */
    private Tensor lost(Tensor x, Workspace ws) {
        Tensor lost = LowRank.dropped(x, dropout(), ws);
        ws.backend().add(x.matrix(), lost.matrix(), -1);
        return lost;
    }

    /** v ← y − b in the adapted outputs. */
    private void takeDirections(MatrixView y, @Nullable Tensor bias, Tensor v, Backend backend) {
        eachPart((part, from) -> {
            int width = part.b().rows();
            backend.copy(y.columns(part.firstRow(), width), v.columns(from, width));
            if (bias != null) {
                backend.addRow(LowRank.asRow(bias).columns(part.firstRow(), width), -1, v.columns(from, width));
            }
        });
    }

    /** y ← y + (f − 1) ⊙ v in the adapted outputs. */
    private void stretch(Tensor v, MatrixView y, Workspace ws) {
        Tensor f = magnitude.factors(this, outputGroups(), ws);
        eachPart((part, from) -> {
            int width = part.b().rows();
            ws.backend().scaleColumns(v.columns(from, width), f.columns(from, width), -1, y.columns(part.firstRow(), width), 1);
        });
    }

    @Override
    public void addUpdate(MatrixView x, MatrixView y, @Nullable Tensor bias, Workspace ws) {
        lora.addUpdate(x, y, bias, ws);
        Tensor v = ws.scratch("v", x.rows(), adapted);
        takeDirections(y, bias, v, ws.backend());
        stretch(v, y, ws);
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        Backend backend = ws.backend();
        Tensor v = ws.activation(this, "v", dy.rows(), adapted);
        Tensor f = magnitude.keptFactors(this, ws);
        if (magnitude.parameter().isTrainable()) {
            Tensor dots = ws.block(Magnitude.class, "dots", 1, adapted);
            backend.fill(dots, 0);
            eachPart((part, from) -> backend.addColumnDots(
                    dy.columns(part.firstRow(), part.b().rows()), v.columns(from, part.b().rows()),
                    dots.columns(from, part.b().rows())));
            magnitude.addGradient(dots, this, ws);
        }
        Tensor stretched = ws.scratch("dora.dy", dy.rows(), dy.columns()); // f ⊙ g
        backend.copy(dy.matrix(), stretched.matrix());
        scaleAdapted(dy, f, 0, stretched, backend);
        lora.backward(stretched, dx, ws);

        boolean biasTrains = lora.base().bias() != null && lora.base().bias().isTrainable();
        boolean drops = dropout().isActive(ws) && dx != null;
        if (biasTrains || drops) {
            Tensor excess = stretched; // (f − 1) ⊙ g
            backend.fill(excess, 0);
            scaleAdapted(dy, f, -1, excess, backend);
            if (biasTrains) { // the bias is not stretched
                Tensor sums = ws.block(Magnitude.class, "sums", 1, dy.columns());
                backend.fill(sums, 0);
                backend.addColumnSums(excess.matrix(), sums);
                backend.add(sums.matrix(), LowRank.asRow(lora.base().bias().gradient()), -1);
            }
            if (drops) {
                Tensor k = ws.scratch("dora.dx", dx.rows(), dx.columns());
                backend.matmul(excess.matrix(), lora.base().weight().value().matrix(), k.matrix(), 1, 0);
                backend.add(k.matrix(), dx.matrix(), -1);
                dropout().apply(k, k, ws);
                backend.add(k, dx);
            }
        }
    }

    /** to ← (f + shift) ⊙ dy in the adapted outputs. */
    private void scaleAdapted(Tensor dy, Tensor f, double shift, Tensor to, Backend backend) {
        eachPart((part, from) -> {
            int width = part.b().rows();
            backend.scaleColumns(dy.columns(part.firstRow(), width), f.columns(from, width), shift,
                    to.columns(part.firstRow(), width), 0);
        });
    }

    @Override
    public void addDeltaWeight(Backend backend, Tensor weight) {
        double[] f = magnitude.factors(backend, outputGroups());
        Tensor update = backend.allocate(weight.shape());
        lora.addDeltaWeight(backend, update);
        int in = inFeatures();
        double[] base = new double[in];
        double[] delta = new double[in];
        double[] row = new double[in];
        eachPart((part, from) -> {
            for (int i = 0; i < part.b().rows(); i++) {
                long at = (long) (part.firstRow() + i) * in;
                backend.read(lora.base().weight().value(), at, base, 0, in);
                backend.read(update, at, delta, 0, in);
                backend.read(weight, at, row, 0, in);
                double factor = f[from + i];
                Arrays.setAll(row, j -> row[j] - base[j] + factor * (base[j] + delta[j]));
                backend.upload(row, 0, weight, at, in);
            }
        });
    }

    /** Called when nothing trains any more: computes the factors once, where training computes them in every pass. */
    void settle(Backend backend) {
        magnitude.settle(backend, outputGroups());
    }

    private List<Magnitude.OutputGroup> outputGroups() {
        return lora.updates().stream()
                .map(part -> new Magnitude.OutputGroup(part.a(), part.b().t(), weightTransposed(part))).toList();
    }

    /** W₀ᵀ of an adapted part. */
    private MatrixView weightTransposed(PartUpdate part) {
        return lora.base().weight().value().rows(part.firstRow(), part.b().rows()).t();
    }

    /** The update of a part, and where its outputs begin among the adapted ones. */
    @FunctionalInterface
    private interface PartAction {
        void apply(PartUpdate part, int from);
    }

    private void eachPart(PartAction action) {
        int from = 0;
        for (PartUpdate part : lora.updates()) {
            action.apply(part, from);
            from += part.b().rows();
        }
    }

    @Override
    public Parameter magnitude() {
        return magnitude.parameter();
    }

    @Override
    public LoraProjection plain() {
        return lora;
    }

    @Override
    public List<PartUpdate> updates() {
        return lora.updates();
    }

    @Override
    public Dropout dropout() {
        return lora.dropout();
    }

    @Override
    public Linear base() {
        return lora.base();
    }

    @Override
    public Parameter loraA() {
        return lora.loraA();
    }

    @Override
    public Parameter loraB() {
        return lora.loraB();
    }

    @Override
    public int rank() {
        return lora.rank();
    }

    @Override
    public double alpha() {
        return lora.alpha();
    }

    @Override
    public double scaling() {
        return lora.scaling();
    }

    @Override
    public boolean keepsInput() {
        return lora.keepsInput();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(lora.parameters());
        parameters.add(magnitude());
        return parameters;
    }
}
