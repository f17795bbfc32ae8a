package org.lora4j.gpt2;

import java.util.function.Function;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.NewParameters;
import org.lora4j.nn.Parameter;

/**
 * A GPT-2 that has learnt nothing: weights from N(0, 0.02²), biases 0, LayerNorm gains 1, as GPT-2 begins. For
 * benchmarks and tests, where only the sizes matter.
 */
public final class RandomGpt2 {

    static final double STANDARD_DEVIATION = 0.02;

    private RandomGpt2() {
    }

    /** The same numbers for the same seed on every backend. */
    public static Gpt2 create(Gpt2Config config, Backend backend, long seed) {
        return create(config, backend, seed, WeightType.FLOAT32);
    }

    /**
     * A model of random weights, as GPT-2's authors drew them.
     *
     * @param type how the weight matrices are held
     */
    public static Gpt2 create(Gpt2Config config, Backend backend, long seed, WeightType type) {
        return new Gpt2(config, backend, parameters(config, backend, seed, type), 0);
    }

    /** Its parameters by their names. */
    static Function<String, Parameter> parameters(Gpt2Config config, Backend backend, long seed, WeightType type) {
        NewParameters made = new NewParameters(backend, seed, STANDARD_DEVIATION);
        return name -> {
            if (!name.endsWith(".weight")) {
                return made.constant(name, config.shapeOf(name), 0);
            }
            return name.contains(".ln_") ? made.constant(name, config.shapeOf(name), 1)
                    : made.normal(name, config.shapeOf(name), Gpt2Family.NAMES.typeOf(name, type));
        };
    }
}
