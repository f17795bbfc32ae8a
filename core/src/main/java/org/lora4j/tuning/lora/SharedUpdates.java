package org.lora4j.tuning.lora;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Parameter;

/**
 * A layer of the base with the updates that the adapters of a set have for it. A pass goes through the one that the set is
 * switched to, by the very same code as if it alone were attached; or, where the workspace has an {@link AdapterMix},
 * through the base once for all rows and through each adapter's update for the rows of its sequences.
 *
 * @param <L> what stands in the slot
 * @param <B> the base's own
 * @param <U> an adapter's, around the base's
 */
abstract class SharedUpdates<L extends Layer, B extends L, U extends L> implements Layer {

    final AdapterSet set;
    final B base;
    final Map<LoraAdapter, U> updates = new IdentityHashMap<>();

    SharedUpdates(AdapterSet set, B base) {
        this.set = set;
        this.base = base;
    }

    /** What the set is switched to. */
    final L current() {
        U update = updates.get(set.current());
        return update == null ? base : update;
    }

    final void put(LoraAdapter adapter, U update) {
        updates.put(adapter, update);
    }

    final void remove(LoraAdapter adapter) {
        updates.remove(adapter);
    }

    final B base() {
        return base;
    }

    @Override
    public List<Parameter> parameters() {
        return current().parameters();
    }
}
