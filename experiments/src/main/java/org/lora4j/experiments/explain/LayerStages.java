package org.lora4j.experiments.explain;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.model.Model;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tuning.lora.LoraEmbedding;
import org.lora4j.tuning.lora.LoraProjection;

/**
 * An adapter's updates in a model, switched on from below, layer after layer:
 *
 * <pre>
 *   use(0)   W₀ everywhere        use(k)   W₀ + ΔW in the first k stages, W₀ in the others        use(count())   the adapted model
 * </pre>
 *
 * A stage is a block, or what stands before all blocks or behind them. What is trained as a whole stays on throughout.
 */
final class LayerStages {

    private static final int BEHIND = Integer.MAX_VALUE;

    private final List<String> names = new ArrayList<>();
    private final List<Integer> layers = new ArrayList<>();
    private final List<List<Switch<?>>> stages = new ArrayList<>();

    /** A place with its update and without. */
    private record Switch<M extends Layer>(Slot<M> slot, M with, M without) {

        void turn(boolean on) {
            slot.set(on ? with : without);
        }
    }

    private LayerStages() {
    }

    /** Of the adapter that is attached to a model. */
    static LayerStages of(Model model) {
        Map<Integer, List<Switch<?>>> found = new TreeMap<>();
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (slot.get() instanceof LoraEmbedding lora) {
                found.computeIfAbsent(Slot.NO_BLOCK, key -> new ArrayList<>()).add(new Switch<>(slot, slot.get(), lora.base()));
            }
        }
        for (Slot<Projection> slot : model.projections()) {
            if (slot.get() instanceof LoraProjection lora) {
                boolean behind = slot.block() == Slot.NO_BLOCK && (slot.role().isHead() || slot.role() == Role.POOLER);
                found.computeIfAbsent(behind ? BEHIND : slot.block(), key -> new ArrayList<>())
                        .add(new Switch<>(slot, slot.get(), lora.base()));
            }
        }
        LayerStages stages = new LayerStages();
        found.forEach((layer, switches) -> {
            stages.names.add(layer == Slot.NO_BLOCK ? "embeddings" : layer == BEHIND ? "head" : "layer " + layer);
            stages.layers.add(layer == BEHIND ? Slot.NO_BLOCK : layer);
            stages.stages.add(switches);
        });
        return stages;
    }

    int count() {
        return stages.size();
    }

    String name(int stage) {
        return names.get(stage);
    }

    /** The block's number, or −1. */
    int layer(int stage) {
        return layers.get(stage);
    }

    /** Leaves the first {@code count} stages on and the others off. */
    void use(int count) {
        for (int stage = 0; stage < stages.size(); stage++) {
            boolean on = stage < count;
            stages.get(stage).forEach(place -> place.turn(on));
        }
    }
}
