package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Tensor;

/**
 * A normalisation over the features of each row, of one of three kinds:
 *
 * <pre>
 *   layer         y = x̂ ⊙ γ + β         x̂ = (x − μ)·rstd      rstd = 1/√(σ² + ε)
 *   rms           y = x̂ ⊙ γ             x̂ = x·rstd            rstd = 1/√(mean(x²) + ε)
 *   rmsOnePlus    y = x̂ ⊙ (1 + γ)       the same              x, y: (N, C)   γ, β: (C)
 *
 *   ∂L/∂γ = Σ g ⊙ x̂      ∂L/∂β = Σ g          g = ∂L/∂y      d = g ⊙ γ, or g ⊙ (1 + γ)
 *   layer         ∂L/∂x = (d − mean(d) − x̂·mean(d ⊙ x̂))·rstd
 *   rms           ∂L/∂x = (d − x̂·mean(d ⊙ x̂))·rstd
 * </pre>
 *
 * <p>Backward <em>adds</em> ∂L/∂x to what it is given: in a pre-norm Transformer that is the gradient which the residual
 * connection around the block carries already.
 */
public final class Normalisation implements Layer {

    private final NormKind kind;
    private final Parameter gamma;
    private final Parameter beta;
    private final double epsilon;
    private final String place;

    /** @param beta null of kinds that have none */
    private Normalisation(NormKind kind, Parameter gamma, Parameter beta, double epsilon) {
        this.kind = kind;
        this.gamma = gamma;
        this.beta = beta;
        this.epsilon = epsilon;
        place = gamma.name().replaceFirst("\\.weight$", "");
    }

    /** Layer normalisation (Ba et al. 2016): GPT-2's and BERT's. */
    public static Normalisation layer(Parameter gamma, Parameter beta, double epsilon) {
        return new Normalisation(NormKind.LAYER, gamma, beta, epsilon);
    }

    /** By the root mean square alone (Zhang and Sennrich 2019): Llama's. */
    public static Normalisation rms(Parameter gamma, double epsilon) {
        return new Normalisation(NormKind.RMS, gamma, null, epsilon);
    }

    /** The same where γ is stored as its distance from 1: Gemma's. */
    public static Normalisation rmsOnePlus(Parameter gamma, double epsilon) {
        return new Normalisation(NormKind.RMS_ONE_PLUS, gamma, null, epsilon);
    }

    /**
     * y = norm(x), row by row; what backward needs of each row is kept.
     *
     * @param x (N, C); read, and must stay as it is until backward
     * @param y (N, C); written
     */
    public void forward(Tensor x, Tensor y, Workspace ws) {
        again(x, y, ws);
        if (ws.training()) {
            ws.keepInput(this, x);
        }
        ws.show(place, y);
    }

    /** y as {@link #forward} gave it, where its memory was needed for something else meanwhile. */
    void again(Tensor x, Tensor y, Workspace ws) {
        ws.backend().norm(norm(), x, y, rows(x, ws));
    }

    /**
     * Adds up the gradients of γ and β as far as they train, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y (N, C); read
     * @param dx ∂L/∂x (N, C); added to
     */
    public void backward(Tensor dy, Tensor dx, Workspace ws) {
        ws.showGradient(place, dy);
        Tensor x = ws.keptInput(this);
        ws.backend().normBackward(
                norm(), rows(x, ws), x, dy, dx, gamma.gradient(), beta == null ? null : beta.gradient());
    }

    private Norm norm() {
        return new Norm(kind, gamma.value(), beta == null ? null : beta.value(), epsilon);
    }

    private NormStatistics rows(Tensor x, Workspace ws) {
        Tensor mean = kind.centres() ? ws.tensor(this, "mean", x.rows(), 1) : null;
        return new NormStatistics(mean, ws.tensor(this, "rstd", x.rows(), 1));
    }

    @Override
    public List<Parameter> parameters() {
        return beta == null ? List.of(gamma) : List.of(gamma, beta);
    }
}
