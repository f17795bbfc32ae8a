package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The low-rank updates of one model: it puts a {@link LoraLinear}, {@link MergedLoraLinear} or {@link LoraEmbedding} into
 * each targeted slot, with DoRA inside a {@link DoraLinear} or as a {@link DoraEmbedding}, and {@link #detach} takes them out
 * again. The base's tensors are never written, so detaching gives back the base bit for bit.
 *
 * <pre>{@code
 * LoraAdapter adapter = LoraAdapter.attach(gpt2, LoraConfig.of(4, 32).withParts("q", "v"), seed);
 * }</pre>
 */
public final class LoraAdapter {

    private Model model;
    private final Backend backend;
    private final LoraConfig config;
    private final Map<String, LoraProjection> projections = new LinkedHashMap<>();
    private final Map<String, LoraEmbedding> embeddings = new LinkedHashMap<>();
    private final List<Parameter> biases = new ArrayList<>();
    private final Map<Parameter, Tensor> ownBiases = new LinkedHashMap<>();
    private @Nullable AdapterSet set;
    private @Nullable MergedWeights merged;
    private List<String> wholeNames = List.of();
    private WholeModules whole;
    private @Nullable Pissa pissa;

    private LoraAdapter(Model model, LoraConfig config) {
        this.model = model;
        this.backend = model.backend();
        this.config = config;
        this.whole = WholeModules.of(model, List.of());
    }

    /**
     * Attaches a new adapter, initialised from {@code seed}, that trains.
     *
     * @throws LoraException if a target or part matches nothing, a rank is larger than its matrix, or the model has an
     *                       adapter already; the model is then as it was
     */
    public static LoraAdapter attach(Model model, LoraConfig config, long seed) {
        return attach(model, config, List.of(), seed);
    }

    /**
     * The same, and trains some modules as a whole beside the updates. The head of a classifier is always one of them.
     *
     * @param whole as PEFT's {@code modules_to_save}, see {@link WholeModules}; none of them is among the targets
     */
    public static LoraAdapter attach(Model model, LoraConfig config, List<String> whole, long seed) {
        LoraAdapter adapter = allocate(model, config, whole);
        try {
            adapter.initialise(seed);
        } catch (RuntimeException e) {
            adapter.detach();
            throw e;
        }
        return adapter;
    }

    /** The same without drawing what A begins with: for who counts what trains. */
    public static LoraAdapter allocate(Model model, LoraConfig config, List<String> whole) {
        LoraAdapter adapter = empty(model, config);
        try {
            adapter.wrapTargets();
            adapter.trainWhole(withHead(model, whole));
            List<String> unused = adapter.whole.unused(whole);
            if (!unused.isEmpty()) {
                throw new LoraException("to be trained as a whole: nothing in " + model.description() + " is called "
                        + Names.some(unused, 3) + "; there are " + Names.some(model.wholeModules(), 6));
            }
            adapter.trainBiases();
        } catch (RuntimeException e) {
            adapter.detach();
            throw e;
        }
        return adapter;
    }

    /**
     * The modules to be trained as a whole, and of a classifier the head, by the names that PEFT gives a head's modules whatever
     * the family: without it the update would learn to please a head that nobody has trained. So are the modules before it that
     * nobody has.
     */
    public static List<String> withHead(Model model, List<String> whole) {
        List<String> names = new ArrayList<>(whole);
        if (model instanceof Classifier<?> classifier) {
            names.addAll(WholeModules.HEADS);
            names.addAll(classifier.newModules());
        }
        return names.stream().distinct().toList();
    }

    /** An adapter without any update yet; for loaders, which call the {@code wrap…} methods themselves. */
    public static LoraAdapter empty(Model model, LoraConfig config) {
        return new LoraAdapter(model, config);
    }

    // ------------------------------------------------------------------------------------------------ attaching

    private void wrapTargets() {
        LoraTargets targets = LoraTargets.of(model, config);
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (targets.whole().contains(slot.name())) {
                LoraTargets.requireRank(slot.name(), config.rankOf(slot.name()), slot.get().features(), slot.get().rows());
                wrapEmbedding(slot, config.rankOf(slot.name()), config.alphaOf(slot.name()));
            }
        }
        for (Slot<Projection> slot : model.projections()) {
            int rank = config.rankOf(slot.name());
            double alpha = config.alphaOf(slot.name());
            int out = slot.get().outFeatures();
            int in = slot.get().inFeatures();
            if (targets.parted().contains(slot.name())) {
                adapted(slot, config.parts()).forEach(part ->
                        LoraTargets.requireRank(part.name() + " of " + slot.name(), rank, part.width(), in));
                wrap(slot, config.parts(), rank, alpha);
            } else if (targets.whole().contains(slot.name())) {
                LoraTargets.requireRank(slot.name(), rank, out, in);
                wrap(slot, rank, alpha);
            }
        }
        requirePatternsUsed();
    }

    private void requirePatternsUsed() {
        Set<String> adapted = adaptedModules();
        List<String> unused = new ArrayList<>(config.ranks().unused(adapted));
        unused.addAll(config.alphas().unused(adapted));
        if (!unused.isEmpty()) {
            throw new LoraException("rank or alpha pattern " + Names.some(unused, 3)
                    + ": matches none of the adapted modules, such as " + Names.some(adapted, 3));
        }
    }

    /** Puts one update of rank r beside a linear map; A and B are zero and train. */
    public LoraProjection wrap(Slot<Projection> slot, int rank, double alpha) {
        Linear base = plainLinear(slot);
        Parameter a = zeros(slot.name() + ".lora_A.weight", rank, base.inFeatures());
        Parameter b = zeros(slot.name() + ".lora_B.weight", base.outFeatures(), rank);
        return put(slot, new LoraLinear(base, a, b, alpha, config.scaling(), dropout(slot.name())));
    }

    /** Puts an update of rank r beside each of the named parts of a fused map; A and B are zero and train. */
    public LoraProjection wrap(Slot<Projection> slot, List<String> parts, int rank, double alpha) {
        Linear base = plainLinear(slot);
        List<FusedPart> adapted = adapted(slot, parts);
        Parameter a = zeros(slot.name() + ".lora_A.weight", adapted.size() * rank, base.inFeatures());
        Parameter b = zeros(slot.name() + ".lora_B.weight", adapted.stream().mapToInt(FusedPart::width).sum(), rank);
        return put(slot, new MergedLoraLinear(base, adapted, a, b, alpha, config.scaling(), dropout(slot.name())));
    }

    private static List<FusedPart> adapted(Slot<Projection> slot, List<String> names) {
        return slot.parts().stream().filter(part -> names.contains(part.name())).toList();
    }

    private LoraProjection put(Slot<Projection> slot, LoraProjection plain) {
        LoraProjection lora = config.dora()
                ? new DoraLinear(backend, plain, magnitude(slot.name(), plain.loraB().shape().dim(0))) : plain;
        slot.set(lora);
        projections.put(slot.name(), lora);
        return lora;
    }

    private Parameter magnitude(String module, int size) {
        return Parameter.zeros(module + ".lora_magnitude_vector", backend, Shape.of(size)).train();
    }

    /** Puts an update of rank r beside an embedding; A and B are zero and train. */
    public LoraEmbedding wrapEmbedding(Slot<TokenEmbedding> slot, int rank, double alpha) {
        if (!(slot.get() instanceof Embedding base)) {
            throw alreadyAdapted(slot.name());
        }
        Parameter a = zeros(slot.name() + ".lora_embedding_A", base.rows(), rank);
        Parameter b = zeros(slot.name() + ".lora_embedding_B", base.features(), rank);
        LoraEmbedding lora = config.dora()
                ? new DoraEmbedding(backend, base, a, b, magnitude(slot.name(), base.features()), alpha, config.scaling())
                : new LoraEmbedding(base, a, b, alpha, config.scaling());
        slot.set(lora);
        embeddings.put(slot.name(), lora);
        return lora;
    }

    /** Makes the biases of the adapter's mode trainable, on copies, so that the base's stay as they are. */
    public void trainBiases() {
        switch (config.bias()) {
            case NONE -> { }
            case LORA_ONLY -> projections.values().stream().map(lora -> lora.base().bias())
                    .filter(bias -> bias != null).forEach(biases::add);
            case ALL -> model.parameters().stream().filter(parameter -> parameter.name().endsWith(".bias"))
                    .forEach(biases::add);
        }
        biases.removeAll(whole.parameters().values());
        biases.forEach(Parameter::trainCopy);
    }

    /**
     * Also trains these modules as a whole, on copies; call it once, before {@link #trainBiases}.
     *
     * @param names as PEFT's {@code modules_to_save}, see {@link WholeModules}
     */
    public void trainWhole(List<String> names) {
        wholeNames = List.copyOf(names);
        whole = WholeModules.of(model, names);
    }

    private void initialise(long seed) {
        if (config.init() == LoraInit.PISSA) {
            beginPissa(config.pissaIterations(), seed);
            return;
        }
        projections.values().forEach(lora -> config.init().initialiseA(backend, lora.loraA().value(), lora.loraA().name(), seed));
        embeddings.values().forEach(lora ->
                LoraInit.initialiseEmbeddingB(backend, lora.loraB().value(), lora.loraB().name(), seed));
    }

    private static Linear plainLinear(Slot<Projection> slot) {
        if (!(slot.get() instanceof Linear base)) {
            throw alreadyAdapted(slot.name());
        }
        return base;
    }

    private static LoraException alreadyAdapted(String name) {
        return new LoraException(name + " has an adapter already; detach that one first");
    }

    private Parameter zeros(String name, int rows, int columns) {
        return Parameter.zeros(name, backend, Shape.of(rows, columns)).train();
    }

    private Dropout dropout(String module) {
        return new Dropout(config.dropout(), Philox.site(module + ".lora_dropout"));
    }

    // ------------------------------------------------------------------------------------------------ using

    /**
     * Takes every update out of the model and puts the base's biases back.
     *
     * @throws IllegalStateException if it belongs to an {@link AdapterSet}, which takes it out by {@link AdapterSet#remove}
     */
    public void detach() {
        if (set != null) {
            throw new IllegalStateException("this adapter belongs to a set: remove it there");
        }
        endMerge();
        takeUpdatesOut();
        if (pissa != null) {
            pissa.end();
        }
        whole.restore();
        biases.forEach(Parameter::restore);
    }

    private void takeUpdatesOut() {
        for (Slot<Projection> slot : model.projections()) {
            if (slot.get() == projections.get(slot.name()) && slot.get() instanceof LoraProjection lora) {
                slot.set(lora.base());
            }
        }
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (slot.get() == embeddings.get(slot.name()) && slot.get() instanceof LoraEmbedding lora) {
                slot.set(lora.base());
            }
        }
    }

    /** Takes it out of the model, for a set that switches it on and off. It keeps the biases and modules that it trained. */
    void joinSet(AdapterSet joined) {
        if (pissa != null) {
            throw new LoraException("this adapter is PiSSA's, and the base lacks what it began with: save it, as a plain LoRA, and "
                    + "load that into the set");
        }
        freeze();
        biases.forEach(bias -> ownBiases.put(bias, bias.value()));
        takeUpdatesOut();
        whole.leaveModel();
        biases.forEach(Parameter::restore);
        model = joined.model(); // one that was loaded beside it was attached to a twin
        set = joined;
    }

    /** Puts the biases and modules that it trained into the model, or the base's back. */
    void switchOwn(boolean on) {
        if (on) {
            ownBiases.forEach(Parameter::use);
            whole.enter();
        } else {
            whole.leave();
            biases.forEach(Parameter::restore);
        }
    }

    /** Whether it has values of its own for biases or whole modules. */
    boolean hasOwn() {
        return !biases.isEmpty() || !whole.isEmpty();
    }

    /** Called when its set drops it; it is of no use afterwards. */
    void leaveSet() {
        endMerge();
        ownBiases.clear();
    }

    /** Its merged weights while they are in the model, or null. */
    @Nullable MergedWeights merged() {
        return merged;
    }

    void merged(@Nullable MergedWeights open) {
        merged = open;
    }

    /** Puts its own maps back where its merged weights are. */
    void endMerge() {
        if (merged != null) {
            merged.close();
        }
    }

    /** The set it has joined, or null. */
    @Nullable AdapterSet set() {
        return set;
    }

    /** This adapter's own value of a bias of the base, or the base's where it trains none. */
    @Nullable Tensor biasValue(@Nullable Parameter bias) {
        Tensor own = bias == null ? null : ownBiases.get(bias);
        return own != null || bias == null ? own : bias.baseValue();
    }

    /** The parameter's value in this adapter, which for a trained bias of an adapter in a set is not the model's. */
    public Tensor valueOf(Parameter parameter) {
        Tensor own = set == null ? null : ownBiases.getOrDefault(parameter, whole.ownValue(parameter));
        return own != null ? own : parameter.value();
    }

    /** Ends training, for inference: lets go of the gradients' memory. The values must not change from here on. */
    public LoraAdapter freeze() {
        trainable().forEach(Parameter::freeze);
        embeddings.values().forEach(lora -> lora.settle(backend));
        projections.values().forEach(lora -> {
            if (lora instanceof DoraLinear dora) {
                dora.settle(backend);
            }
        });
        return this;
    }

    /** How it began where that took something away from the base's weights; else null. */
    public @Nullable Pissa pissa() {
        return pissa;
    }

    /** A and B take the principal parts of the base's weights, by so many random iterations or, with 0, exactly. */
    public void beginPissa(int iterations, long seed) {
        pissa = Pissa.begin(this, iterations, seed);
    }

    /**
     * What trains: A, B and with DoRA m of every update, modules trained as a whole, and the biases of the bias mode; in the
     * model's order.
     */
    public List<Parameter> trainable() {
        List<Parameter> trainable = new ArrayList<>();
        embeddings.values().forEach(lora ->
                addAll(trainable, lora.loraATransposed(), lora.loraB(), lora.magnitude()));
        projections.values().forEach(lora -> addAll(trainable, lora.loraA(), lora.loraB(), lora.magnitude()));
        trainable.addAll(whole.parameters().values());
        trainable.addAll(biases);
        return trainable;
    }

    private static void addAll(List<Parameter> trainable, Parameter a, Parameter b, @Nullable Parameter magnitude) {
        Collections.addAll(trainable, a, b);
        if (magnitude != null) {
            trainable.add(magnitude);
        }
    }

    /** The parts of fused maps that have an update of their own, such as q and v. */
    public List<String> fusedParts() {
        return config.parts().stream().filter(part -> model.projections().stream().anyMatch(
                slot -> slot.partNames().contains(part) && projections.containsKey(slot.name()))).toList();
    }

    /** The number of trainable numbers. */
    public long parameterCount() {
        return trainable().stream().mapToLong(Parameter::size).sum();
    }

    /** The updates beside linear maps, by the names of the maps. */
    public Map<String, LoraProjection> projections() {
        return Collections.unmodifiableMap(projections);
    }

    /** The updates beside embeddings, by their names. */
    public Map<String, LoraEmbedding> embeddings() {
        return Collections.unmodifiableMap(embeddings);
    }

    /** The names that {@link #trainWhole} was given. */
    public List<String> wholeNames() {
        return wholeNames;
    }

    /** The modules that train as a whole. */
    public WholeModules whole() {
        return whole;
    }

    /** The biases that train. */
    public List<Parameter> biases() {
        return Collections.unmodifiableList(biases);
    }

    /** The names of all adapted modules. */
    public Set<String> adaptedModules() {
        Set<String> names = new LinkedHashSet<>(embeddings.keySet());
        names.addAll(projections.keySet());
        return names;
    }

    /** What it was attached with. */
    public LoraConfig config() {
        return config;
    }

    /** The model that it is for. */
    public Model model() {
        return model;
    }

    @Override
    public String toString() {
        return adaptedModules().stream().collect(Collectors.joining(", ", "LoRA on ", ""));
    }
}
