package org.lora4j.family;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.CountingBackend;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * How many numbers a LoRA step holds: the very step is taken, on a backend that counts what is allocated and computes
 * nothing. So it is exact, whatever the model does, and takes milliseconds.
 *
 * @param weights   of the frozen base
 * @param adapter   A and B, their gradients and two moments
 * @param workspace activations and scratch of the largest batch
 * @param held      bytes of the weights as each type holds them, with factors of rows and scales of blocks
 */
public record MemoryNeed(long weights, long adapter, long workspace, Map<WeightType, Long> held) {

    /** Keeps its own copy of what is held. */
    public MemoryNeed {
        held = Map.copyOf(held);
    }

    /**
     * Of q and v, as the paper trains its language models; of every linear map where q and v are none of their own.
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
        Map<WeightType, Long> held = new EnumMap<>(WeightType.class);
        for (WeightType type : WeightType.values()) {
            held.put(type, held(model, type));
        }
        LoraAdapter adapter = LoraAdapter.attach(model, targets(model, LoraConfig.of(rank, rank)), 0);
        AdamW adamW = new AdamW(backend, adapter.trainable(), AdamW.Settings.AUTHORS);
        long trained = backend.taken();
        step.accept(model, Workspace.forTraining(backend, tokens.inputIds().length, 0));
        adamW.step(1);
        return new MemoryNeed(weights, trained, backend.taken(), held);
    }

    private static LoraConfig targets(Model model, LoraConfig config) {
        boolean named = model.projections().stream().anyMatch(slot -> slot.role() == Role.QUERY || slot.parts().contains("q"));
        return named ? config.withParts("q", "v")
                : config.withTargets(TargetSelector.byExpression(TargetSelector.ALL_LINEAR));
    }

    /** Bytes of the parameters where matrices are held in a type. */
    private static long held(Model model, WeightType type) {
        long bytes = 0;
        for (Parameter parameter : model.parameters()) {
            WeightType own = model.names().typeOf(parameter.name(), type);
            long beside = switch (own) {
                case FLOAT32, BF16 -> 0;
                case INT8 -> 4L * parameter.value().rows();
                case NF4 -> parameter.size() / FourBitWeights.BLOCK + 4 * parameter.size() / FourBitWeights.BLOCK
                        / FourBitWeights.OUTER_BLOCK;
            };
            bytes += (long) (parameter.size() * own.bytes()) + beside;
        }
        return bytes;
    }

    /** Bytes of the step on a backend of floats whose base is held in a type. */
    public long bytes(WeightType type) {
        return held.get(type) + Float.BYTES * (adapter + workspace);
    }

    /** All of it. */
    public long numbers() {
        return weights + adapter + workspace;
    }
}
