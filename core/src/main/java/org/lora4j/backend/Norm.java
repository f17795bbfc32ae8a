package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/**
 * A normalisation over the C numbers of each row: its kind and what was learnt.
 *
 * @param gamma   (C), γ
 * @param beta    (C), β of {@link NormKind#LAYER}; null of the other kinds
 * @param epsilon ε
 */
public record Norm(NormKind kind, Tensor gamma, @Nullable Tensor beta, double epsilon) {

    public Norm {
        if (kind.centres() != (beta != null)) {
            throw new IllegalArgumentException(kind + (beta == null ? " needs a beta" : " takes no beta"));
        }
    }

    public static Norm layer(Tensor gamma, Tensor beta, double epsilon) {
        return new Norm(NormKind.LAYER, gamma, beta, epsilon);
    }

    public static Norm rms(Tensor gamma, double epsilon) {
        return new Norm(NormKind.RMS, gamma, null, epsilon);
    }

    public static Norm rmsOnePlus(Tensor gamma, double epsilon) {
        return new Norm(NormKind.RMS_ONE_PLUS, gamma, null, epsilon);
    }
}
