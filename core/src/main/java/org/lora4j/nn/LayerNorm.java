package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Tensor;

/**
 * Layer normalisation (Ba et al. 2016) over the features of each row:
 *
 * <pre>
 *   x̂ = (x − μ)/√(σ² + ε)      y = x̂ ⊙ γ + β          x, y: (N, C)   γ, β: (C)
 *
 *   ∂L/∂γ = Σ g ⊙ x̂      ∂L/∂β = Σ g      ∂L/∂x = (d − mean(d) − x̂·mean(d ⊙ x̂))/√(σ² + ε)      d = g ⊙ γ
 * </pre>
 *
 * <p>Backward <em>adds</em> ∂L/∂x to what it is given: in a pre-norm Transformer that is the gradient which the residual
 * connection around the block carries already.
 */
public final class LayerNorm implements Layer {

    private final Parameter gamma;
    private final Parameter beta;
    private final double epsilon;
    private final String place;

    public LayerNorm(Parameter gamma, Parameter beta, double epsilon) {
        this.gamma = gamma;
        this.beta = beta;
        this.epsilon = epsilon;
        place = gamma.name().replaceFirst("\\.weight$", "");
    }

    /**
     * @param x (N, C); read, and must stay as it is until backward
     * @param y (N, C); written
     */
    public void forward(Tensor x, Tensor y, Workspace ws) {
        ws.backend().norm(norm(), x, y, rows(x, ws));
        if (ws.training()) {
            ws.keepInput(this, x);
        }
        ws.show(place, y);
    }

    /**
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); added to
     */
    public void backward(Tensor dy, Tensor dx, Workspace ws) {
        ws.showGradient(place, dy);
        Tensor x = ws.keptInput(this);
        ws.backend().normBackward(norm(), rows(x, ws), x, dy, dx, gamma.gradient(), beta.gradient());
    }

    private Norm norm() {
        return Norm.layer(gamma.value(), beta.value(), epsilon);
    }

    private NormStatistics rows(Tensor x, Workspace ws) {
        return new NormStatistics(ws.tensor(this, "mean", x.rows(), 1), ws.tensor(this, "rstd", x.rows(), 1));
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(gamma, beta);
    }
}
