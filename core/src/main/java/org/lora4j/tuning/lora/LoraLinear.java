package org.lora4j.tuning.lora;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * A frozen linear map with a trainable low-rank update (Hu et al. 2021, eq. 3):
 *
 * <pre>
 *   h = x·W₀ᵀ + b + s·(x·Aᵀ)·Bᵀ          s = alpha / r
 *   x: (N, in)   W₀: (out, in)   A: (r, in)   B: (out, r)   h: (N, out)
 * </pre>
 *
 * B starts at zero, so before the first update the output is the base's.
 *
 * <p>With g = ∂L/∂h and u = x·Aᵀ, which forward keeps:
 *
 * <pre>
 *   ∂L/∂B = s·gᵀ·u        ∂L/∂A = s·(g·B)ᵀ·x        ∂L/∂x = g·W₀ + s·(g·B)·A
 * </pre>
 *
 * W₀ is never written; b only where the bias mode lets it train. Dropout, where it is on, falls on x in the low-rank
 * branch only: u = dropout(x)·Aᵀ, and its mask falls on (g·B)·A.
 *
 * <p>Differs from loralib: merging derives a new matrix instead of adding to W₀, see {@link MergedWeights}.
 */
public final class LoraLinear extends LowRankMap {

    /**
     * An update on a map.
     *
     * @param base    the frozen map
     * @param a       (r, in)
     * @param b       (out, r)
     * @param alpha   the numerator of s, which travels with the adapter
     * @param scaling how s is made of alpha and r
     * @param dropout on x in the low-rank branch
     */
    public LoraLinear(Linear base, Parameter a, Parameter b, double alpha, LoraScaling scaling, Dropout dropout) {
        super(base, a, b, alpha, scaling.of(alpha, a.shape().dim(0)), dropout);
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        Backend backend = ws.backend();
        base.forward(x, y, ws);
        Tensor u = ws.activation(this, "u", x.rows(), rank());
        backend.matmul(LowRank.dropped(x, dropout, ws).matrix(), a.value().matrix().t(), u.matrix(), 1, 0);
        backend.matmul(u.matrix(), b.value().matrix().t(), y.matrix(), scaling, 1);
        if (ws.training()) {
            ws.keepInput(this, x);
        }
    }

    @Override
    void addUpdate(MatrixView x, MatrixView y, MatrixView u, List<MatrixProduct> down, List<MatrixProduct> up) {
        down.add(new MatrixProduct(x, a.value().matrix().t(), u, 1, 0));
        up.add(new MatrixProduct(u, b.value().matrix().t(), y, scaling, 1));
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        Backend backend = ws.backend();
        base.backward(dy, dx, ws);
        Tensor u = ws.activation(this, "u", dy.rows(), rank());
        Tensor du = ws.scratch("lora.du", dy.rows(), rank());
        backend.matmul(dy.matrix(), b.value().matrix(), du.matrix(), 1, 0); // g·B, without s
        if (b.isTrainable()) {
            backend.matmul(dy.matrix().t(), u.matrix(), b.gradient().matrix(), scaling, 1);
        }
        if (a.isTrainable()) {
            Tensor x = LowRank.dropped(ws.keptInput(this), dropout, ws); // again, rather than stored
            backend.matmul(du.matrix().t(), x.matrix(), a.gradient().matrix(), scaling, 1);
        }
        if (dx != null) {
            LowRank.addInputGradient(du, a.value(), scaling, dropout, dx, ws);
        }
    }

    @Override
    public void addDeltaWeight(Backend backend, Tensor weight) {
        backend.matmul(b.value().matrix(), a.value().matrix(), weight.matrix(), scaling, 1);
    }

    @Override
    public List<PartUpdate> updates() {
        return List.of(new PartUpdate(a.value().matrix(), b.value().matrix(), 0));
    }

    @Override
    public int rank() {
        return a.shape().dim(0);
    }
}
