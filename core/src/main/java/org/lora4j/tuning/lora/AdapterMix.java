package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.nn.Workspace;

/**
 * Which adapter of a set each sequence of a batch uses, if any. {@link #applyTo} tells a workspace, and from then on its
 * passes are computed so:
 *
 * <pre>
 *   base       x·W₀ᵀ + b        once, for the rows of all sequences
 *   updates    + s·u·Bᵀ         for each run of neighbouring sequences that use one adapter, on its rows alone
 * </pre>
 *
 * <p>Sequences of one adapter should stand side by side: the result is the same in any order, but each run costs some
 * small products of its own.
 *
 * <p>It belongs to the passes, not to the model: other workspaces may use other mixes of the same set at the same time.
 */
public final class AdapterMix {

    /** Neighbouring sequences with one adapter, or with none where it is null. */
    record Run(@Nullable LoraAdapter adapter, int first, int count) {
    }

    private final AdapterSet set;
    private final int size;
    private final List<Run> runs = new ArrayList<>();
    private final List<String> names;

    AdapterMix(AdapterSet set, List<String> names, List<LoraAdapter> adapters) {
        this.set = set;
        this.size = adapters.size();
        this.names = List.copyOf(names);
        int first = 0;
        for (int i = 1; i <= size; i++) {
            if (i == size || adapters.get(i) != adapters.get(first)) {
                runs.add(new Run(adapters.get(first), first, i - first));
                first = i;
            }
        }
    }

    /** Makes the workspace's passes use this mix, until it is told otherwise. Their batches must have as many sequences. */
    public void applyTo(Workspace ws) {
        ws.note(AdapterMix.class, this);
    }

    /** Makes the workspace's passes use what the set is switched to again. */
    public static void clear(Workspace ws) {
        ws.note(AdapterMix.class, null);
    }

    /**
     * To be called at the beginning of a pass whose rows are those of sequences that only its caller knows.
     *
     * @throws LoraException if the workspace's mix has an adapter that is gone; nothing happens where there is no mix
     */
    public static void check(Workspace ws) {
        AdapterMix mix = ws.note(AdapterMix.class);
        if (mix != null) {
            check(ws, mix.size, true);
        }
    }

    /**
     * To be called by a model at the beginning of each pass.
     *
     * @param sequences in this pass
     * @param inference whether no gradient and no loss is asked for
     * @throws LoraException if the workspace's mix does not fit the pass; nothing happens where there is no mix
     */
    public static void check(Workspace ws, int sequences, boolean inference) {
        AdapterMix mix = ws.note(AdapterMix.class);
        if (mix == null) {
            return;
        }
        if (!inference || ws.training()) {
            throw new LoraException("a batch with several adapters in it gives logits only: for losses and gradients, switch"
                    + " to one adapter after the other");
        }
        if (sequences != mix.size) {
            throw new LoraException("a mix of adapters for " + mix.size + " sequences, but the batch has " + sequences);
        }
        mix.set.requireUsable(mix);
    }

    AdapterSet set() {
        return set;
    }

    List<Run> runs() {
        return runs;
    }

    /** How many of a pass's rows belong to one sequence. */
    int rowsPerSequence(int rows) {
        if (rows % size != 0) {
            throw new IllegalStateException(rows + " rows cannot be those of " + size + " sequences");
        }
        return rows / size;
    }

    /** The adapter's name of each sequence, {@link AdapterSet#BASE} where there is none. */
    public List<String> names() {
        return names;
    }
}
