package org.lora4j.tuning.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.model.Model;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.AddedParts;
import org.lora4j.tuning.MethodWords;

/**
 * Adapter layers in the blocks of a model that stays frozen, in one of the four forms that the paper compares LoRA with, see
 * {@link AdapterLayer} and {@link AdapterKind}. Of a model with L blocks of width d, of which the lowest s have none, it trains
 * what the paper's section 5.1 counts,
 *
 * <pre>
 *   |Θ| = L̂_Adpt·(2·d·r + r + d) + 2·L̂_LN·d
 *
 *   Houlsby                  L̂_Adpt = 2·(L − s)      L̂_LN = 0; with {@code norms} the block's own, 2·(L − s)
 *   Lin                      L̂_Adpt = L − s          L̂_LN = L − s
 *   Pfeiffer, AdapterDrop    L̂_Adpt = L − s          L̂_LN = 0
 * </pre>
 *
 * and of a classifier its head. D and U begin as N(0, 0.01²) cut at two standard deviations, as Houlsby et al. have it, d and u as
 * zeros, a LayerNorm as the identity.
 *
 * <p>Houlsby et al. also train the LayerNorms of the base; the paper's rows do not count them, so here they train with {@code
 * norms=true} only, on copies. Pfeiffer's layer in AdapterHub goes through the block's last norm once more; here it stands behind
 * that norm, as the paper describes it.
 */
public final class AdapterLayers implements AdapterMethod {

    private static final double DEVIATION = 0.01;
    private static final double CUT = 2;
    private static final double EPSILON = 1e-5;
    private static final List<String> SETTINGS = List.of("size", "activation", "skip", "norms", "init");

    private final AdapterKind kind;
    private final int size;
    private final int skip;
    private final Activation activation;
    private final boolean norms;
    private final double deviation;

    private AdapterLayers(AdapterKind kind, int size, int skip, Activation activation, boolean norms, double deviation) {
        this.kind = kind;
        this.size = size;
        this.skip = skip;
        this.activation = activation;
        this.norms = norms;
        this.deviation = deviation;
    }

    /**
     * As its authors have it.
     *
     * @param size r, the features of the bottleneck, at least 1
     */
    public static AdapterLayers of(AdapterKind kind, int size) {
        if (size < 1) {
            throw new LoraException(kind.word() + ": size " + size + ", expected at least 1");
        }
        return new AdapterLayers(kind, size, kind.skip(), kind.activation(), false, DEVIATION);
    }

    /**
     * The same without a layer in the lowest blocks.
     *
     * @param blocks how many of the lowest have no layer
     */
    public AdapterLayers withSkip(int blocks) {
        return new AdapterLayers(kind, size, blocks, activation, norms, deviation);
    }

    /**
     * The same with another activation.
     *
     * @param other what stands between the two maps
     */
    public AdapterLayers withActivation(Activation other) {
        return new AdapterLayers(kind, size, skip, other, norms, deviation);
    }

    /**
     * The same with norms that train, or not.
     *
     * @param train whether the norms of blocks that have a layer train too
     */
    public AdapterLayers withNorms(boolean train) {
        return new AdapterLayers(kind, size, skip, activation, train, deviation);
    }

    /**
     * The same with another beginning.
     *
     * @param other the standard deviation of D and U at the beginning, before it is cut
     */
    public AdapterLayers withDeviation(double other) {
        return new AdapterLayers(kind, size, skip, activation, norms, other);
    }

    /** The form that this word means; empty if it is none. */
    public static Optional<AdapterKind> kind(String word) {
        return Arrays.stream(AdapterKind.values()).filter(kind -> kind.word().equals(word)).findFirst();
    }

    /**
     * From {@code houlsby:64,activation=relu,skip=2,norms=true,init=0.001}.
     *
     * @throws LoraException if a setting makes no sense
     */
    public static AdapterLayers of(AdapterKind kind, MethodWords typed) {
        MethodWords words = typed.withMain("size", SETTINGS);
        String activation = words.word("activation", Activation.allNames(), kind.activation().names().getFirst());
        return of(kind, words.whole("size", 1, OptionalInt.empty()))
                .withSkip(words.whole("skip", 0, OptionalInt.of(kind.skip())))
                .withActivation(Activation.named(activation).orElseThrow())
                .withNorms(words.flag("norms"))
                .withDeviation(words.positive("init", DEVIATION));
    }

    /** Where in a block the layers stand, and what they are made of. */
    public AdapterKind kind() {
        return kind;
    }

    /** r. */
    public int size() {
        return size;
    }

    /** How many of the lowest blocks have no layer. */
    public int skip() {
        return skip;
    }

    @Override
    public String name() {
        Map<String, Object> others = new LinkedHashMap<>();
        if (activation != kind.activation()) {
            others.put("activation", activation.names().getFirst());
        }
        if (skip != kind.skip()) {
            others.put("skip", skip);
        }
        if (norms) {
            others.put("norms", true);
        }
        if (deviation != DEVIATION) {
            others.put("init", deviation);
        }
        return MethodWords.spell(kind.word(), size, others);
    }

    @Override
    public String title() {
        return "adapter layers (" + kind.title() + ")";
    }

    @Override
    public String whyNotMerged() {
        return "an adapter layer has a nonlinearity between its two maps, so no matrix that could be added to one of the base's "
                + "weights does the same";
    }

    /**
     * {@inheritDoc}
     *
     * @throws LoraException if every block is left out, something is in a place already, or something trains
     */
    @Override
    public AddedParts attach(Model model, long seed) {
        return put(model, new Philox(seed));
    }

    @Override
    public AddedParts allocate(Model model) {
        return put(model, null);
    }

    /** @param random null where nothing is drawn */
    private AddedParts put(Model model, @Nullable Philox random) {
        AddedParts.requireNothingTrains(model, this);
        List<Place> places = model.places().stream()
                .filter(place -> kind.places().contains(place.where()) && place.block() >= skip).toList();
        if (places.isEmpty()) {
            throw new LoraException(name() + ": " + (model.places().isEmpty() ? model.description() + " has no place for layers"
                    : "skip " + skip + " leaves none of " + model.description() + "'s " + model.sizes().blocks()
                            + " blocks, say skip=" + model.sizes().blocks() / 2 + " or less"));
        }
        for (Place place : places) {
            if (!place.isEmpty()) {
                throw new LoraException(name() + ": " + place.name() + " has a layer of another method already. Detach that first");
            }
        }
        List<Parameter> norms = normsOfBlocks(model);
        List<Parameter> added = new ArrayList<>();
        for (Place place : places) {
            AdapterLayer layer = layer(place.name() + ".adapter", model, random);
            place.put(layer);
            added.addAll(layer.parameters());
        }
        return AddedParts.of(this, model, added, norms::contains, () -> places.forEach(Place::clear));
    }

    /** Those of blocks that have a layer; a norm's weight has one extent, and a map's two. */
    private List<Parameter> normsOfBlocks(Model model) {
        if (!norms) {
            return List.of();
        }
        List<Parameter> weights = model.parameters().stream().filter(parameter -> parameter.name().endsWith(".weight")
                && parameter.shape().rank() == 1 && model.blockOf(parameter) >= skip).toList();
        List<String> biases = weights.stream().map(weight -> weight.name().replaceFirst("weight$", "bias")).toList();
        return model.parameters().stream().filter(parameter -> weights.contains(parameter) || biases.contains(parameter.name()))
                .toList();
    }

    private AdapterLayer layer(String name, Model model, @Nullable Philox random) {
        Backend backend = model.backend();
        int width = model.sizes().width();
        Normalisation norm = null;
        if (kind.hasNorm()) {
            Parameter gamma = Parameter.zeros(name + ".norm.weight", backend, Shape.of(width));
            backend.fill(gamma.value(), 1);
            norm = Normalisation.layer(gamma, Parameter.zeros(name + ".norm.bias", backend, Shape.of(width)), EPSILON);
        }
        return new AdapterLayer(name, norm, linear(name + ".down", size, width, backend, random),
                linear(name + ".up", width, size, backend, random), activation);
    }

    private Linear linear(String name, int out, int in, Backend backend, @Nullable Philox random) {
        Tensor weight = backend.allocate(Shape.of(out, in));
        if (random != null) {
            draw(weight, name + ".weight", backend, random);
        }
        return new Linear(new Parameter(name + ".weight", backend, weight), Parameter.zeros(name + ".bias", backend, Shape.of(out)));
    }

    private void draw(Tensor weight, String name, Backend backend, Philox random) {
        if (!backend.holdsNumbers()) {
            return;
        }
        double[] values = new double[Math.toIntExact(weight.size())];
        int site = Philox.site(name);
        for (int i = 0; i < values.length; i++) {
            int draw = 0;
            double z = random.normal(draw, site, i);
            while (Math.abs(z) > CUT) {
                z = random.normal(++draw, site, i);
            }
            values[i] = deviation * z;
        }
        backend.upload(values, weight);
    }
}
