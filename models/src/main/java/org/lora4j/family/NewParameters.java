package org.lora4j.family;

import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Parameters that have learnt nothing, as Transformers begins: weights from N(0, σ²), biases 0, the gains of norms 1. The same
 * numbers for the same seed and name on every backend.
 */
public final class NewParameters {

    private final Backend backend;
    private final Philox random;
    private final double deviation;

    /**
     * Draws parameters from N(0, σ²), each from its name, so that their order does not matter.
     *
     * @param deviation σ, {@code initializer_range} of a {@code config.json}
     */
    public NewParameters(Backend backend, long seed, double deviation) {
        this.backend = backend;
        this.random = new Philox(seed);
        this.deviation = deviation;
    }

    /**
     * A parameter from N(0, σ²).
     *
     * @param type how it is held
     */
    public Parameter normal(String name, Shape shape, WeightType type) {
        Tensor tensor = backend.allocateWeight(shape, type);
        int site = Philox.site(name);
        GradualUpload.upload(backend, tensor, (from, piece, count) -> {
            for (int i = 0; i < count; i++) {
                piece[i] = (float) (deviation * random.normal(0, site, from + i));
            }
        });
        return frozen(name, tensor);
    }

    /** All elements of one value. */
    public Parameter constant(String name, Shape shape, double value) {
        Tensor tensor = backend.allocate(shape);
        backend.fill(tensor, value);
        return frozen(name, tensor);
    }

    private Parameter frozen(String name, Tensor tensor) {
        backend.freeze(tensor);
        return new Parameter(name, backend, tensor);
    }
}
