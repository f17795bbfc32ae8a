package org.lora4j.nn;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * New positions behind a past that is kept elsewhere. It has no backward.
 *
 * @param positions (N), from 0
 */
public record Continuation(IntTensor positions, Past past) implements Context {

    @Override
    public void attend(AttentionRule rule, QueriesKeysValues in, Tensor y, Tensor lse, Workspace ws) {
        past.attend(rule, in, y.matrix());
    }
}
