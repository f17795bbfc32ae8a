package org.lora4j.train;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Tensor;

/**
 * A second value of each trainable parameter, in the backend's own type and memory: what the parameters were where the dev
 * loss was lowest. Of all parameters of GPT-2 large that is 3.1 GB in floats.
 */
final class KeptValues {

    private final Backend backend;
    private final List<Parameter> parameters;
    private final Tensor[] values;

    /** @param parameters none of which is written before {@link #keep} */
    KeptValues(Backend backend, List<Parameter> parameters) {
        this.backend = backend;
        this.parameters = parameters;
        values = parameters.stream().map(parameter -> backend.allocate(parameter.shape())).toArray(Tensor[]::new);
    }

    /** Takes the parameters' values. */
    void keep() {
        for (int i = 0; i < values.length; i++) {
            backend.copy(parameters.get(i).value().matrix(), values[i].matrix());
        }
    }

    /** Gives the parameters the values that were kept. */
    void putBack() {
        for (int i = 0; i < values.length; i++) {
            backend.copy(values[i].matrix(), parameters.get(i).value().matrix());
        }
    }

    /** Of the i-th parameter. */
    Tensor value(int i) {
        return values[i];
    }
}
