package org.lora4j.family;

import java.util.function.BiConsumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.CountingBackend;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.model.Model;
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
        Batch tokens = tokens(config, batch, length);
        return counted(config, tokens, rank, backend -> Families.of(config.names()).empty(config, backend),
                (model, ws) -> model.lossAndGradients(tokens, 1, 0, 0, ws));
    }

    /**
     * Of q and v of a classifier, and its head.
     *
     * @throws LoraException if a tensor of the step would have more rows than can be counted
     */
    public static MemoryNeed ofClassifierStep(ModelConfig config, Labels labels, int batch, int length, int rank) {
        Batch tokens = tokens(config, batch, length);
        LabelledBatch labelled = new LabelledBatch(tokens, new double[batch]);
        return counted(config, tokens, rank, backend -> Families.of(config.names()).emptyClassifier(config, labels, backend),
                (model, ws) -> model.lossAndGradients(labelled, 1, 0, 0, ws));
    }

    private static <M extends Model> MemoryNeed counted(
            ModelConfig config, Batch tokens, int rank, Function<Backend, M> model, BiConsumer<M, Workspace> step) {
        try {
            return count(tokens, rank, model, step);
        } catch (ArithmeticException e) { // Math.…Exact: beyond 2^31 rows or 2^63 numbers
            throw tooLarge(config, tokens.size(), tokens.length(), e);
        }
    }

    /** Of one id, which is also what a language model is to predict. */
    private static Batch tokens(ModelConfig config, int batch, int length) {
        try {
            int[] ids = new int[Math.multiplyExact(batch, length)];
            return new Batch(batch, length, ids, null, ids);
        } catch (ArithmeticException e) {
            throw tooLarge(config, batch, length, e);
        }
    }

    private static LoraException tooLarge(ModelConfig config, int batch, int length, ArithmeticException cause) {
        return new LoraException("a step of " + batch + " × " + length + " tokens on a model " + config.sizes().width()
                + " wide with " + config.sizes().vocabulary() + " tokens has more numbers than a tensor can hold: it runs "
                + "nowhere", cause);
    }

    private static <M extends Model> MemoryNeed count(
            Batch tokens, int rank, Function<Backend, M> made, BiConsumer<M, Workspace> step) {
        CountingBackend backend = new CountingBackend();
        M model = made.apply(backend);
        long weights = backend.taken();
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(rank, rank).withParts("q", "v"), 0);
        AdamW adamW = new AdamW(backend, adapter.trainable(), AdamW.Settings.AUTHORS);
        long trained = backend.taken();
        step.accept(model, Workspace.forTraining(backend, tokens.inputIds().length, 0));
        adamW.step(1);
        return new MemoryNeed(weights, trained, backend.taken());
    }

    /** All of it. */
    public long numbers() {
        return weights + adapter + workspace;
    }
}
