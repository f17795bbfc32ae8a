package org.lora4j.gpt2;

import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * A GPT-2 that has learnt nothing: weights from N(0, 0.02²), biases 0, LayerNorm gains 1, as GPT-2 begins. For
 * benchmarks and tests, where only the sizes matter.
 */
public final class RandomGpt2 {

    private static final double STANDARD_DEVIATION = 0.02;

    private RandomGpt2() {
    }

    /** The same numbers for the same seed on every backend. */
    public static Gpt2 create(Gpt2Config config, Backend backend, long seed) {
        return create(config, backend, seed, WeightType.FLOAT32);
    }

    /** @param type how the weight matrices are held */
    public static Gpt2 create(Gpt2Config config, Backend backend, long seed, WeightType type) {
        Philox random = new Philox(seed);
        return new Gpt2(config, backend, name -> parameter(config, backend, random, name, type), 0);
    }

    private static Parameter parameter(
            Gpt2Config config, Backend backend, Philox random, String name, WeightType type) {
        Tensor tensor = backend.allocateWeight(
                config.shapeOf(name), Gpt2Family.NAMES.isMatrix(name) ? type : WeightType.FLOAT32);
        if (name.contains(".ln_") && name.endsWith(".weight")) {
            backend.fill(tensor, 1);
        } else if (name.endsWith(".weight")) {
            int site = Philox.site(name);
            GradualUpload.upload(backend, tensor, (from, piece, count) -> {
                for (int i = 0; i < count; i++) {
                    piece[i] = (float) (STANDARD_DEVIATION * random.normal(0, site, from + i));
                }
            });
        }
        backend.freeze(tensor);
        return new Parameter(name, backend, tensor);
    }
}
