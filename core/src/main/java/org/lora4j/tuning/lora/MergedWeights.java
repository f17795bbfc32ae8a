package org.lora4j.tuning.lora;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Tensor;

/**
 * The weights of a model with an adapter merged in, derived and not written over the base:
 *
 * <pre>
 *   W = W₀ + s·B·A          for parts of a fused map   W_p = W₀_p + s·B_p·A_p          of an embedding   E = E₀ + (s·B·A)ᵀ
 * </pre>
 *
 * <p>While it is open, the slots hold plain linear maps with W and plain embeddings with E, so the model runs the base's
 * own code path and its latency is the base's (section 4.1 of the paper). Closing it puts the adapter's maps back. W₀ is
 * read and never written, so nothing has to be subtracted again: after any number of merges the base has the bits it had
 * at first, where merging in place and subtracting drifts.
 *
 * <p>What takes the adapter out of the model closes it first: {@link LoraAdapter#detach}, and in an {@link AdapterSet}
 * loading, removing and switching. Closing it after that changes nothing, so a detached adapter stays out.
 *
 * <p>A head that is tied to an adapted embedding stays E₀, as it does with the adapter beside it.
 *
 * <pre>{@code
 * try (MergedWeights merged = MergedWeights.of(adapter)) {
 *     generator.generate(…);
 * }
 * }</pre>
 */
public final class MergedWeights implements AutoCloseable {

    private final Map<Slot<Projection>, Projection> projections = new LinkedHashMap<>();
    private final Map<Slot<TokenEmbedding>, TokenEmbedding> embeddings = new LinkedHashMap<>();
    private final LoraAdapter adapter;

    private MergedWeights(LoraAdapter adapter) {
        this.adapter = adapter;
    }

    /**
     * Merges an attached adapter, or one of a set. Training it before this is closed has no effect on W.
     *
     * @throws LoraException if it is not in the model, or it or another of its set is merged already; or if it is one of a
     *                       set, not the one that is switched on, and either of the two trains biases or modules as a whole
     */
    public static MergedWeights of(LoraAdapter adapter) {
        AdapterSet set = adapter.set();
        if (adapter.merged() != null || set != null && set.hasMerged()) {
            throw new LoraException("this adapter" + (set == null ? "" : ", or another of its set,")
                    + " is merged already: close those merged weights first");
        }
        if (!isInModel(adapter)) {
            throw new LoraException("this adapter is not in its model any more, so there is nothing to merge: attach or load it "
                    + "again");
        }
        if (set != null && set.current() != adapter
                && (adapter.hasOwn() || set.current() != null && set.current().hasOwn())) {
            throw new LoraException("where adapters of a set have biases or modules of their own, only the one that is switched "
                    + "on can be merged: switch to it first");
        }
        MergedWeights merged = new MergedWeights(adapter);
        Backend backend = adapter.model().backend();
        for (Slot<Projection> slot : adapter.model().projections()) {
            LoraProjection lora = adapter.projections().get(slot.name());
            if (lora != null && (slot.get() == lora || slot.get() instanceof SharedProjection)) {
                merged.projections.put(slot, slot.get());
                slot.set(derive(backend, lora));
            } else if (slot.get() instanceof SharedProjection shared) {
                merged.projections.put(slot, shared);
                slot.set(shared.base());
            }
        }
        for (Slot<TokenEmbedding> slot : adapter.model().embeddings()) {
            LoraEmbedding lora = adapter.embeddings().get(slot.name());
            if (lora != null && (slot.get() == lora || slot.get() instanceof SharedEmbedding)) {
                merged.embeddings.put(slot, slot.get());
                slot.set(derive(backend, lora));
            } else if (slot.get() instanceof SharedEmbedding shared) {
                merged.embeddings.put(slot, shared);
                slot.set(shared.base());
            }
        }
        adapter.merged(merged);
        return merged;
    }

    /** Whether the model computes with the adapter, or would if the adapter's set were switched to it. */
    static boolean isInModel(LoraAdapter adapter) {
        return adapter.set() != null ? adapter.set().holds(adapter)
                : adapter.model().projections().stream().allMatch(slot -> holds(slot, adapter.projections()))
                && adapter.model().embeddings().stream().allMatch(slot -> holds(slot, adapter.embeddings()));
    }

    private static boolean holds(Slot<?> slot, Map<String, ?> updates) {
        Object update = updates.get(slot.name());
        return update == null || slot.get() == update;
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

    /** An embedding with E, in memory of its own. */
    public static Embedding derive(Backend backend, LoraEmbedding lora) {
        Parameter base = lora.base().table();
        Tensor table = backend.allocate(base.shape());
        backend.copy(base.value().matrix(), table.matrix());
        lora.addDeltaTable(backend, table);
        backend.freeze(table);
        return lora.base().with(new Parameter(base.name(), backend, table));
    }

    /** Puts the adapter's maps back where the merged ones are. Idempotent. */
    @Override
    public void close() {
        projections.forEach(Slot::set);
        projections.clear();
        embeddings.forEach(Slot::set);
        embeddings.clear();
        if (adapter.merged() == this) {
            adapter.merged(null);
        }
    }
}
