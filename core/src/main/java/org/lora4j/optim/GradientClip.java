package org.lora4j.optim;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;

/**
 * Clipping by the global norm (Pascanu et al. 2013): where ‖g‖₂ over all gradients exceeds the limit c, every gradient is
 * multiplied by c/(‖g‖₂ + 1e-6), the factor of PyTorch's {@code clip_grad_norm_}. (That clips a norm within 1e-6 below the
 * limit, too.)
 */
public final class GradientClip {

    private GradientClip() {
    }

    /** ‖g‖₂ over all these gradients, summed in double. */
    public static double norm(Backend backend, List<Parameter> parameters) {
        double squares = 0;
        for (Parameter parameter : parameters) {
            squares += backend.sumOfSquares(parameter.gradient());
        }
        return Math.sqrt(squares);
    }

    /**
     * Clips the gradients in place.
     *
     * @return the norm before clipping
     */
    public static double clip(Backend backend, List<Parameter> parameters, double limit) {
        double norm = norm(backend, parameters);
        if (norm > limit) {
            for (Parameter parameter : parameters) {
                backend.scale(parameter.gradient(), limit / (norm + 1e-6));
            }
        }
        return norm;
    }
}
