package org.lora4j.family;

import org.lora4j.LoraException;
import org.lora4j.backend.CountingBackend;
import org.lora4j.data.Batch;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * How many numbers a LoRA step holds: the very step is taken, on a backend that counts what is allocated and computes
 * nothing. So it is exact, whatever the model does, and takes milliseconds.
 *
 * @param weights   of the frozen base
 * @param adapter   A and B, their gradients and two moments
 * @param workspace activations and scratch of the largest batch
 */
public record MemoryNeed(long weights, long adapter, long workspace) {

    /**
     * Of q and v, as the paper trains its language models.
     *
     * @param batch  sequences of a step
     * @param length their tokens
     * @param rank   r
     * @throws LoraException if a tensor of the step would have more rows than can be counted
     */
    public static MemoryNeed ofStep(ModelConfig config, int batch, int length, int rank) {
        try {
            return count(config, batch, length, rank);
        } catch (ArithmeticException e) { // Math.…Exact: beyond 2^31 rows or 2^63 numbers
            throw new LoraException("a step of " + batch + " × " + length + " tokens on a model " + config.sizes().width()
                    + " wide with " + config.sizes().vocabulary() + " tokens has more numbers than a tensor can hold: it runs "
                    + "nowhere", e);
        }
    }

    private static MemoryNeed count(ModelConfig config, int batch, int length, int rank) {
        CountingBackend backend = new CountingBackend();
        LanguageModel model = Families.of(config.names()).empty(config, backend);
        long weights = backend.taken();
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, rank).withParts("q", "v"), 0);
        AdamW adamW = new AdamW(backend, adapter.trainable(), AdamW.Settings.AUTHORS);
        long trained = backend.taken();
        int tokens = Math.multiplyExact(batch, length);
        int[] ids = new int[tokens];
        model.lossAndGradients(new Batch(batch, length, ids, null, ids), 1, 0, 0, Workspace.forTraining(backend, tokens, 0));
        adamW.step(1);
        return new MemoryNeed(weights, trained, backend.taken());
    }

    /** All of it. */
    public long numbers() {
        return weights + adapter + workspace;
    }
}
