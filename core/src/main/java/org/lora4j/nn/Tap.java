package org.lora4j.nn;

import org.lora4j.tensor.Tensor;

/**
 * Watches the passes of a {@link Workspace}: it is shown the result of each part of a model as soon as that is recorded,
 * and in backward the gradient that arrives at the same place. The places have the names of Hugging Face's modules, such
 * as {@code transformer.h.0.attn.c_attn}; a residual sum, which is no module there, is called
 * {@code transformer.h.0.attn.residual}.
 *
 * <p>What is shown lies in memory that the pass will write again: who wants to keep it copies it with the backend's
 * {@code copy}, which a backend that records operations records like any other, and reads the copy after the pass.
 */
public interface Tap {

    /**
     * Is shown a value of the forward pass, and may not change it.
     *
     * @param value what the place gives, (N, features); a place that works in pieces shows them one after the other
     */
    void value(String place, Tensor value);

    /**
     * Is shown a gradient of the backward pass, and may not change it.
     *
     * @param gradient the derivative of the loss by what the place gives, (N, features)
     */
    void gradient(String place, Tensor gradient);
}
