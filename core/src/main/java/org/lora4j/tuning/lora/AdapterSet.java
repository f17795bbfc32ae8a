package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.model.Model;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;

/**
 * Several named adapters over one immutable base. They may differ in everything: targets, ranks, scaling, biases that
 * train, modules trained as a whole, DoRA.
 *
 * <pre>{@code
 * AdapterSet set = new AdapterSet(gpt2);
 * set.load("legal", model -> PeftFormat.load(model, legalFolder));
 * set.load("medical", model -> PeftFormat.load(model, medicalFolder));
 * set.switchTo("legal");                                              // a pointer; nothing is computed
 * set.combine("both", Map.of("legal", 0.7, "medical", 0.3));          // ΔW = 0.7·ΔW_legal + 0.3·ΔW_medical
 * set.mix(List.of("legal", "medical", AdapterSet.BASE)).applyTo(ws);  // one adapter for each sequence of a batch
 * }</pre>
 *
 * <p>Nothing is ever added to or subtracted from a weight, so no number of switches moves one: the base and each adapter
 * give the bits they gave at first. Adding an update to a weight and subtracting it again leaves a rounding error behind each
 * time; a test measures how large these have become after 1000 switches among 24 adapters.
 *
 * <p>While the set holds adapters the model's slots are the set's; {@link #close} gives them back. Like the backend, a set
 * is used by one thread at a time.
 */
public final class AdapterSet implements AutoCloseable {

    /** The name of the base without an adapter. */
    public static final String BASE = "base";

    private final Model model;
    private final Twin twin;
    private final Map<String, LoraAdapter> adapters = new LinkedHashMap<>();
    private final Map<Slot<Projection>, SharedProjection> projections = new LinkedHashMap<>();
    private final Map<Slot<TokenEmbedding>, SharedEmbedding> embeddings = new LinkedHashMap<>();
    private @Nullable LoraAdapter current;

    /** An empty set over a model that has no adapter attached. */
    public AdapterSet(Model model) {
        this.model = model;
        this.twin = new Twin(model);
    }

    // ------------------------------------------------------------------------------------------------ adding, removing

    /**
     * Adds what {@code loader} attaches to the model, which it sees without any adapter:
     * {@code set.load("legal", model -> PeftFormat.load(model, folder))}.
     *
     * @throws LoraException if there is an adapter of that name, or whatever the loader throws; the set is then as it was
     */
    public LoraAdapter load(String name, Function<? super Model, LoraAdapter> loader) {
        requireNew(name);
        LoraAdapter before = current;
        switchTo((LoraAdapter) null);
        leaveSlots();
        try {
            LoraAdapter adapter = loader.apply(model);
            if (adapter.model() != model) {
                throw new LoraException("adapter " + Names.quoted(name) + ": was attached to another model than this set's");
            }
            take(name, adapter);
            return adapter;
        } finally {
            enterSlots();
            switchTo(before);
        }
    }

    /**
     * Loads an adapter beside the model, in any thread, while the set and the model are at work in another one; {@link #join}
     * adds it, which takes no longer than a few pointers. Only for what consists of low-rank updates of linear maps alone,
     * without DoRA, and where the backend {@link org.lora4j.backend.TensorMemory#allocatesBesideWork allocates beside work}.
     *
     * @throws LoraException whatever the loader throws
     */
    public LoraAdapter prepare(Function<? super Model, LoraAdapter> loader) {
        LoraAdapter adapter = loader.apply(twin.another());
        if (adapter.hasOwn() || adapter.config().dora() || !adapter.embeddings().isEmpty()) {
            throw new LoraException("an adapter with more than low-rank updates of linear maps, such as trained biases, whole modules"
                    + " or DoRA, cannot be loaded while its model is at work");
        }
        return adapter.freeze();
    }

    /**
     * Adds an adapter of {@link #prepare}.
     *
     * @throws LoraException if there is an adapter of that name, or this one was prepared for another set's model
     */
    public void join(String name, LoraAdapter prepared) {
        requireNew(name);
        if (!(prepared.model() instanceof Twin other) || other.model() != model) {
            throw new LoraException("adapter " + Names.quoted(name) + ": was not prepared for this set's model");
        }
        LoraAdapter before = current;
        switchTo((LoraAdapter) null);
        leaveSlots();
        try {
            take(name, prepared);
        } finally {
            enterSlots();
            switchTo(before);
        }
    }

    /**
     * Adds an adapter that is attached to the model, and takes it out of there: it computes again once it is switched to.
     * It does not train any more.
     *
     * @throws LoraException if there is an adapter of that name, or this one is attached to another model or not at all
     */
    public void add(String name, LoraAdapter adapter) {
        requireNew(name);
        if (adapter.model() != model) {
            throw new LoraException("adapter " + Names.quoted(name) + ": is attached to another model than this set's;"
                    + " attach it to this one first, by loading it from its file");
        }
        if (adapter.set() != null) {
            throw new LoraException("adapter " + Names.quoted(name) + ": is in a set already, as "
                    + Names.quoted(adapter.set().nameOf(adapter)));
        }
        endMerges();
        adapter.endMerge();
        take(name, adapter);
        enterSlots();
    }

    private void requireNew(String name) {
        if (name.isBlank() || name.equals(BASE)) {
            throw new LoraException("adapter " + Names.quoted(name) + ": " + (name.isBlank() ? "an adapter needs a name"
                    : "that is what the base without an adapter is called") + ". Choose another name");
        }
        if (adapters.containsKey(name)) {
            throw new LoraException("adapter " + Names.quoted(name) + ": there is one of that name. Choose another name, or "
                    + "remove that one first");
        }
    }

    private void take(String name, LoraAdapter adapter) {
        requireAttached(name, adapter);
        adapter.joinSet(this);
        for (Slot<Projection> slot : model.projections()) {
            LoraProjection update = adapter.projections().get(slot.name());
            if (update != null) {
                projections.computeIfAbsent(slot, s -> new SharedProjection(this, (Linear) s.get())).put(adapter, update);
            }
        }
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            LoraEmbedding update = adapter.embeddings().get(slot.name());
            if (update != null) {
                embeddings.computeIfAbsent(slot, s -> new SharedEmbedding(this, (Embedding) s.get())).put(adapter, update);
            }
        }
        adapters.put(name, adapter);
    }

    private static void requireAttached(String name, LoraAdapter adapter) {
        if (!MergedWeights.isInModel(adapter)) {
            throw new LoraException("adapter " + Names.quoted(name) + ": is not attached to the model any more");
        }
    }

    /**
     * Takes an adapter out of the set; if the set was switched to it, it now is to the base. A batch that still uses it is
     * refused.
     *
     * @throws LoraException if there is none of that name
     */
    public void remove(String name) {
        LoraAdapter adapter = get(name);
        if (current == adapter) {
            switchTo((LoraAdapter) null);
        }
        adapters.remove(name);
        projections.values().forEach(shared -> shared.remove(adapter));
        embeddings.values().forEach(shared -> shared.remove(adapter));
        adapter.leaveSet();
    }

    /** Gives the model its own maps and biases back. The set is empty afterwards. */
    @Override
    public void close() {
        List.copyOf(adapters.keySet()).forEach(this::remove);
        leaveSlots();
        projections.clear();
        embeddings.clear();
    }

    boolean holds(LoraAdapter adapter) {
        return adapters.containsValue(adapter);
    }

    /** Whether the model has the merged weights of one of these. */
    boolean hasMerged() {
        return adapters.values().stream().anyMatch(adapter -> adapter.merged() != null);
    }

    private void endMerges() {
        adapters.values().forEach(LoraAdapter::endMerge);
    }

    private void leaveSlots() {
        projections.forEach((slot, shared) -> slot.set(shared.base()));
        embeddings.forEach((slot, shared) -> slot.set(shared.base()));
    }

    private void enterSlots() {
        projections.forEach(Slot::set);
        embeddings.forEach(Slot::set);
    }

    // ------------------------------------------------------------------------------------------------ choosing

    /**
     * Makes all passes use this adapter, or the base for {@link #BASE}, except those of workspaces with a mix of their own.
     *
     * @throws LoraException if there is none of that name
     */
    public void switchTo(String name) {
        switchTo(find(name));
    }

    private void switchTo(@Nullable LoraAdapter adapter) {
        endMerges();
        if (current != null) {
            current.switchOwn(false);
        }
        current = adapter;
        if (adapter != null) {
            adapter.switchOwn(true);
        }
    }

    /** The name of the adapter that is switched on, {@link #BASE} at first. */
    public String active() {
        return current == null ? BASE : nameOf(current);
    }

    /**
     * A choice of one adapter, or {@link #BASE}, for each sequence of a batch, to be applied to a workspace.
     *
     * @throws LoraException if a name is unknown, or an adapter trains what all rows of a batch share; see {@link #canShareBatch}
     */
    public AdapterMix mix(List<String> nameOfEachSequence) {
        if (nameOfEachSequence.isEmpty()) {
            throw new LoraException("a mix of adapters for no sequence");
        }
        List<LoraAdapter> chosen = new ArrayList<>();
        nameOfEachSequence.forEach(name -> chosen.add(find(name)));
        for (String name : new LinkedHashSet<>(nameOfEachSequence)) {
            if (!canShareBatch(name)) {
                throw new LoraException("adapter " + Names.quoted(name) + ": has parameters of the base in a version of its own, "
                        + "such as " + unshareable(find(name)).getFirst() + ", which the sequences of a batch share. Give it "
                        + "a batch of its own, by switching to it");
            }
        }
        return new AdapterMix(this, nameOfEachSequence, chosen);
    }

    /**
     * Whether sequences with this adapter can stand beside others in one batch. All adapters can, but those that train the
     * biases of LayerNorms too ({@link BiasMode#ALL}) or modules as a whole ({@link WholeModules}).
     */
    public boolean canShareBatch(String name) {
        return unshareable(find(name)).isEmpty();
    }

    /** What is trained as a whole, and the trained biases that no adapted map adds. */
    private List<String> unshareable(LoraAdapter adapter) {
        if (adapter == null) {
            return List.of();
        }
        List<Parameter> biases = new ArrayList<>(adapter.biases());
        projections.values().forEach(shared -> biases.remove(shared.base().bias()));
        List<String> names = new ArrayList<>(adapter.whole().parameters().keySet());
        names.addAll(adapter.whole().tables().keySet());
        biases.forEach(bias -> names.add(bias.name()));
        return names;
    }

    // ------------------------------------------------------------------------------------------------ combining

    /**
     * Adds a weighted sum of adapters, exactly: {@link Combination#CAT}.
     *
     * @param weights what each counts, by its name; in this order where the order matters
     * @throws LoraException if a name is unknown or taken, or the adapters cannot be combined; see {@link Combination}
     */
    public LoraAdapter combine(String name, Map<String, Double> weights) {
        return combine(name, weights, Combination.CAT, 0);
    }

    /**
     * Adds a combination of adapters, which then is an adapter like any other.
     *
     * @param weights what each counts, by its name
     * @param rank    of the updates that {@link Combination#SVD} makes, 0 for the largest rank among the adapters; the other
     *                kinds take 0 only
     * @throws LoraException if a name is unknown or taken, or the adapters cannot be combined; see {@link Combination}
     */
    public LoraAdapter combine(String name, Map<String, Double> weights, Combination kind, int rank) {
        Map<LoraAdapter, Double> chosen = new LinkedHashMap<>();
        weights.forEach((adapter, weight) -> {
            if (!Double.isFinite(weight)) {
                throw new LoraException("adapter " + Names.quoted(adapter) + ": a weight of " + weight
                        + ", expected a finite number");
            }
            chosen.put(get(adapter), weight);
        });
        return load(name, base -> new AdapterSum(base, List.copyOf(weights.keySet()), chosen, kind, rank).attach());
    }

    // ------------------------------------------------------------------------------------------------ looking

    /** The adapters' names, in the order in which they were added. */
    public Set<String> names() {
        return new LinkedHashSet<>(adapters.keySet());
    }

    /**
     * The adapter of that name.
     *
     * @throws LoraException if there is none of that name
     */
    public LoraAdapter get(String name) {
        LoraAdapter adapter = adapters.get(name);
        if (adapter == null) {
            List<String> nearest = Names.nearest(name, adapters.keySet(), 2);
            throw new LoraException("adapter " + Names.quoted(name) + ": there is none of that name"
                    + (adapters.isEmpty() ? "; there is none at all"
                            : !nearest.isEmpty() ? " (nearest: " + String.join(" or ", nearest) + ")"
                            : "; there are " + Names.some(adapters.keySet(), 12)));
        }
        return adapter;
    }

    /** Null for the base. */
    private @Nullable LoraAdapter find(String name) {
        return name.equals(BASE) ? null : get(name);
    }

    private String nameOf(LoraAdapter adapter) {
        return adapters.entrySet().stream().filter(entry -> entry.getValue() == adapter).map(Map.Entry::getKey)
                .findFirst().orElse("one that was removed");
    }

    /** The base that all of them are for. */
    public Model model() {
        return model;
    }

    // ------------------------------------------------------------------------------------------------ for the shared maps

    /** What all passes without a mix use; null for the base. */
    @Nullable LoraAdapter current() {
        return current;
    }

    /** The workspace's mix, or null if it has none. */
    @Nullable AdapterMix mixOf(Workspace ws) {
        AdapterMix mix = ws.note(AdapterMix.class);
        if (mix != null && mix.set() != this) {
            throw new LoraException("this workspace has a mix of adapters of another set");
        }
        return mix;
    }

    void requireUsable(AdapterMix mix) {
        for (AdapterMix.Run run : mix.runs()) {
            if (run.adapter() != null && !adapters.containsValue(run.adapter())) {
                throw new LoraException("adapter " + Names.quoted(mix.names().get(run.first()))
                        + ": was removed while a batch uses it. Make a new mix");
            }
        }
        if (current != null && current.hasOwn()) {
            throw new LoraException("adapter " + Names.quoted(active()) + ": is switched on and has parameters of the base in a "
                    + "version of its own, which would reach all sequences of a mixed batch. Switch to " + BASE + " first");
        }
    }
}
