package org.lora4j.lora;

import org.lora4j.backend.Backend;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.tensor.Tensor;

/** A linear map with a low-rank update beside it: {@link LoraLinear}, or {@link MergedLoraLinear} on parts of a fused one. */
public interface LoraProjection extends Projection {

    /** The frozen map, which dropping the adapter gives back. */
    Linear base();

    /** A. */
    Parameter loraA();

    /** B. */
    Parameter loraB();

    /** r, the rank of one update. */
    int rank();

    /** alpha, the numerator of the scaling. */
    double alpha();

    /** s. */
    double scaling();

    /**
     * weight ← weight + ΔW, where ΔW = s·B·A (in the rows of the adapted parts of a fused map).
     *
     * @param weight (out, in); added to
     */
    void addDeltaWeight(Backend backend, Tensor weight);
}
