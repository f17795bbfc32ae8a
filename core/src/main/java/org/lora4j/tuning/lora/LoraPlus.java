package org.lora4j.tuning.lora;

import org.lora4j.LoraException;
import org.lora4j.nn.Parameter;
import org.lora4j.optim.AdamW;

/**
 * LoRA+ (Hayou et al. 2024): B learns faster than A, by a ratio λ of their learning rates:
 *
 * <pre>
 *   η_A = η      η_B = λ·η          λ ≥ 1; the authors' advice is 16 and a smaller η than usual
 * </pre>
 *
 * With B = 0 at the beginning, A of a wide layer hardly moves under one rate for both. A and B of an embedding have a rate of
 * their own, η_E at the schedule's peak. As PEFT's {@code create_loraplus_optimizer} groups the rest:
 *
 * <pre>
 *   lora_A, modules trained as a whole         η       decays
 *   lora_B, DoRA's magnitudes                  λ·η     decays
 *   biases, norms                              λ·η     does not decay
 *   lora_embedding_A, lora_embedding_B         η_E     decays
 * </pre>
 *
 * @param ratio         λ
 * @param embeddingRate η_E; PEFT's is 1e-6
 */
public record LoraPlus(double ratio, double embeddingRate) {

    /** PEFT's default for η_E. */
    public static final double EMBEDDING_RATE = 1e-6;

    /** Requires positive numbers. */
    public LoraPlus {
        requirePositive("loraPlusRatio", ratio);
        requirePositive("loraPlusEmbeddingLr", embeddingRate);
    }

    /** With PEFT's rate of embeddings. */
    public static LoraPlus of(double ratio) {
        return new LoraPlus(ratio, EMBEDDING_RATE);
    }

    private static void requirePositive(String setting, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new LoraException("`" + setting + "` " + value + ": expected a positive number");
        }
    }

    /**
     * How a parameter learns.
     *
     * @param learningRate η at the schedule's peak
     */
    public AdamW.Group group(Parameter parameter, double learningRate) {
        String name = parameter.name();
        if (name.contains(".lora_embedding_")) {
            return new AdamW.Group(embeddingRate / learningRate, true);
        }
        boolean vector = parameter.shape().rank() == 1;
        if (vector || name.contains(".lora_B")) {
            return new AdamW.Group(ratio, !vector || name.endsWith(".lora_magnitude_vector"));
        }
        return AdamW.Group.USUAL;
    }
}
