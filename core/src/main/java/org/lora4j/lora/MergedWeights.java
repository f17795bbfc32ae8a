package org.lora4j.lora;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.tensor.Tensor;

/**
 * The weights of a model with an adapter merged in, derived and not written over the base:
 *
 * <pre>
 *   W = W₀ + s·B·A          and for parts of a fused map   W_p = W₀_p + s·B_p·A_p
 * </pre>
 *
 * <p>While it is open, the slots hold plain linear maps with W, so the model runs the base's own code path and its latency
 * is the base's (section 4.1 of the paper). Closing it puts the adapter's maps back. W₀ is read and never written, so
 * nothing has to be subtracted again: after any number of merges the base has the bits it had at first, where merging in
 * place and subtracting drifts.
 *
 * <p>Adapted embeddings stay as they are: their update costs one small product a token.
 *
 * <pre>{@code
 * try (MergedWeights merged = MergedWeights.of(adapter)) {
 *     generator.generate(…);
 * }
 * }</pre>
 */
public final class MergedWeights implements AutoCloseable {

    private final Map<Slot<Projection>, Projection> adapted = new LinkedHashMap<>();

    private MergedWeights() {
    }

    /** Merges an attached adapter. It must not be trained or detached before this is closed. */
    public static MergedWeights of(LoraAdapter adapter) {
        MergedWeights merged = new MergedWeights();
        Backend backend = adapter.model().backend();
        for (Slot<Projection> slot : adapter.model().projections()) {
            if (slot.get() instanceof LoraProjection lora && adapter.projections().get(slot.name()) == lora) {
                Linear derived = derive(backend, lora);
                merged.adapted.put(slot, lora);
                slot.set(derived);
            }
        }
        return merged;
    }

    /** A linear map with W and the base's bias, in memory of its own. */
    public static Linear derive(Backend backend, LoraProjection lora) {
        Parameter base = lora.base().weight();
        Tensor weight = backend.allocate(base.shape());
        backend.copy(base.value().matrix(), weight.matrix());
        lora.addDeltaWeight(backend, weight);
        backend.freeze(weight);
        return new Linear(new Parameter(base.name(), backend, weight), lora.base().bias());
    }

    /** Puts the adapter's maps back where the merged ones are. Idempotent. */
    @Override
    public void close() {
        adapted.forEach(Slot::set);
        adapted.clear();
    }
}
