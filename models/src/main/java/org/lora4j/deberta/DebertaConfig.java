package org.lora4j.deberta;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Distances;
import org.lora4j.tensor.Shape;

/** The sizes and choices of a DeBERTa. It does not change; what is put differently is a new one. */
public final class DebertaConfig implements ModelConfig {

    private static final int MOST_LAYERS = 1 << 16;

    // set before anyone else sees the object, and never again: see changed()
    private Sizes sizes;
    private Embeddings embeddings;
    private Relative relative = Relative.NONE;
    private @Nullable Convolved convolution;
    private Functions functions = new Functions(Activation.GELU_ERF, Activation.GELU_ERF, 1e-7);
    private OptionalInt padding = OptionalInt.of(0);
    private double initializerRange = 0.02;
    private Rates dropout = Rates.NONE;

    /**
     * @param vocabulary V
     * @param positions  {@code max_position_embeddings}
     * @param width      C
     * @param inner      the feed-forward's width
     */
    public record Sizes(int vocabulary, int positions, int width, int blocks, int heads, int inner) {
    }

    /**
     * @param width     of the tables; another one than C is mapped to it
     * @param positions whether positions are added to the tokens
     * @param types     token types; 0 for none
     */
    public record Embeddings(int width, boolean positions, int types) {
    }

    /**
     * Attention by distance.
     *
     * @param used          whether there are embeddings of distances at all ({@code relative_attention})
     * @param contentByPosition whether contents have scores by distances (c2p)
     * @param positionByContent whether distances have scores by contents (p2c)
     * @param sharedMaps    whether the maps of contents serve distances too ({@code share_att_key})
     * @param buckets       of distances that grow by logarithm; 0 for a row for each distance
     * @param farthest      {@code max_relative_positions}; 0 for {@code max_position_embeddings}
     * @param normalised    whether the embeddings of distances are ({@code norm_rel_ebd})
     */
    public record Relative(boolean used, boolean contentByPosition, boolean positionByContent, boolean sharedMaps, int buckets,
            int farthest, boolean normalised) {

        /** Attention by content alone. */
        public static final Relative NONE = new Relative(false, false, false, false, 0, 0, false);
        /** Both scores, from log buckets through shared maps: DeBERTa v3's. */
        public static final Relative BUCKETS = new Relative(true, true, true, true, 256, 0, true);

        /** The terms of a score: one, and one for each of the two. They count where no embeddings are used too. */
        int terms() {
            return 1 + (contentByPosition ? 1 : 0) + (positionByContent ? 1 : 0);
        }

        /** Whether distances add to any score. */
        boolean scores() {
            return used && terms() > 1;
        }
    }

    /**
     * The convolution behind the first block.
     *
     * @param kernel     positions that it sees, an odd number
     * @param groups     of features that do not see one another
     * @param activation behind it
     */
    public record Convolved(int kernel, int groups, Activation activation) {
    }

    /**
     * @param activation the feed-forward's
     * @param pooler     the pooler's
     * @param epsilon    of every LayerNorm
     */
    public record Functions(Activation activation, Activation pooler, double epsilon) {
    }

    /**
     * Probabilities of dropout in training.
     *
     * @param body      on embeddings, branches and embeddings of distances
     * @param attention on attention's weights
     * @param pooler    before the pooler
     * @param head      behind it
     */
    public record Rates(double body, double attention, double pooler, double head) {

        /** Nothing is dropped. */
        public static final Rates NONE = new Rates(0, 0, 0, 0);
    }

    private DebertaConfig(Sizes sizes, Embeddings embeddings) {
        this.sizes = sizes;
        this.embeddings = embeddings;
    }

    /** A DeBERTa without attention by distance: with positions, no token types, erf GELU, ε 1e-7, padding 0, no dropout. */
    public static DebertaConfig of(Sizes sizes) {
        return new DebertaConfig(sizes, new Embeddings(sizes.width, true, 0)).changed(config -> { });
    }

    /** A copy with a change in it, checked. */
    private DebertaConfig changed(Consumer<DebertaConfig> change) {
        DebertaConfig copy = new DebertaConfig(sizes, embeddings);
        copy.relative = relative;
        copy.convolution = convolution;
        copy.functions = functions;
        copy.padding = padding;
        copy.initializerRange = initializerRange;
        copy.dropout = dropout;
        change.accept(copy);
        copy.check();
        return copy;
    }

    private void check() {
        if (sizes.vocabulary < 1 || sizes.positions < 1 || sizes.width < 1 || sizes.blocks < 1 || sizes.heads < 1
                || sizes.inner < 1 || embeddings.width < 1 || embeddings.types < 0) {
            throw new LoraException("a DeBERTa needs positive sizes, found " + sizes + ", " + embeddings);
        }
        if (sizes.blocks > MOST_LAYERS) {
            throw new LoraException("num_hidden_layers is " + sizes.blocks + ", expected at most " + MOST_LAYERS);
        }
        if (sizes.width % sizes.heads != 0) {
            throw new LoraException(sizes.heads + " heads do not divide a width of " + sizes.width
                    + ": every head has the same whole number of features");
        }
        if (padding.isPresent() && (padding.getAsInt() < 0 || padding.getAsInt() >= sizes.vocabulary)) {
            throw new LoraException("pad_token_id is " + padding.getAsInt() + ", expected a token of the vocabulary, 0 to "
                    + (sizes.vocabulary - 1));
        }
        if (relative.buckets == 1) {
            throw new LoraException("position_buckets is 1, expected 2 or more, or 0 for a row for each distance");
        }
        if (convolution != null && (convolution.kernel % 2 == 0 || convolution.groups < 1
                || sizes.width % convolution.groups != 0)) {
            throw new LoraException("conv_kernel_size is " + convolution.kernel + " and conv_groups " + convolution.groups
                    + ", expected an odd size, so that a position's neighbours on both sides are as many, and groups that divide "
                    + "hidden_size " + sizes.width);
        }
    }

    /** With other embeddings. */
    public DebertaConfig withEmbeddings(Embeddings other) {
        return changed(config -> config.embeddings = other);
    }

    /** With other attention by distance. */
    public DebertaConfig withRelative(Relative other) {
        return changed(config -> config.relative = other);
    }

    /** With a convolution behind the first block, or null for none. */
    public DebertaConfig withConvolution(@Nullable Convolved other) {
        return changed(config -> config.convolution = other);
    }

    /** With other functions. */
    public DebertaConfig withFunctions(Functions other) {
        return changed(config -> config.functions = other);
    }

    /** With another padding token, or none. */
    public DebertaConfig withPadding(OptionalInt other) {
        return changed(config -> config.padding = other);
    }

    /** σ of new weights. */
    public DebertaConfig withInitializerRange(double other) {
        return changed(config -> config.initializerRange = other);
    }

    /** Dropout in training, where nothing else is asked for. */
    public DebertaConfig withDropout(Rates other) {
        return changed(config -> config.dropout = other);
    }

    @Override
    public ModelNames names() {
        return DebertaFamily.NAMES;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(sizes.vocabulary, sizes.positions, sizes.width, sizes.blocks, sizes.heads, sizes.inner, sizes.width);
    }

    public Embeddings embeddings() {
        return embeddings;
    }

    public Relative relative() {
        return relative;
    }

    /** The convolution behind the first block, if there is one. */
    public @Nullable Convolved convolution() {
        return convolution;
    }

    public Functions functions() {
        return functions;
    }

    /** The padding's token: its row of the token embedding never learns. */
    public OptionalInt padding() {
        return padding;
    }

    public double initializerRange() {
        return initializerRange;
    }

    public Rates dropout() {
        return dropout;
    }

    @Override
    public boolean isTied() {
        return false;
    }

    /** What multiplies the products of a score: 1/√(d·terms), the root rounded to a float, which Transformers takes it in. */
    double attentionScale() {
        return 1.0 / (float) Math.sqrt((double) sizes.width / sizes.heads * relative.terms());
    }

    /** Which row a distance has. */
    Distances distances() {
        int farthest = relative.farthest > 0 ? relative.farthest : sizes.positions;
        return relative.buckets > 0 ? Distances.logarithmic(relative.buckets, farthest) : Distances.plain(farthest);
    }

    // ------------------------------------------------------------------------------------------------ parameters

    /** The names of the body's parameters, in the order of the files. */
    List<String> parameterNames() {
        List<String> names = new ArrayList<>();
        names.add(DebertaNames.WORDS + ".weight");
        if (embeddings.positions) {
            names.add(DebertaNames.POSITIONS + ".weight");
        }
        if (embeddings.types > 0) {
            names.add(DebertaNames.TYPES + ".weight");
        }
        if (embeddings.width != sizes.width) {
            names.add(DebertaNames.EMBEDDING_MAP + ".weight");
        }
        names.add(DebertaNames.EMBEDDING_NORM + ".weight");
        names.add(DebertaNames.EMBEDDING_NORM + ".bias");
        for (int block = 0; block < sizes.blocks; block++) {
            for (String word : blockModules()) {
                names.add(DebertaNames.BLOCK + block + "." + word + ".weight");
                names.add(DebertaNames.BLOCK + block + "." + word + ".bias");
            }
        }
        if (relative.used) {
            names.add(DebertaNames.RELATIVE + ".weight");
        }
        if (relative.normalised) {
            names.add(DebertaNames.RELATIVE_NORM + ".weight");
            names.add(DebertaNames.RELATIVE_NORM + ".bias");
        }
        if (convolution != null) {
            for (String module : List.of(DebertaNames.CONVOLUTION, DebertaNames.CONVOLUTION_NORM)) {
                names.add(module + ".weight");
                names.add(module + ".bias");
            }
        }
        return names;
    }

    /** The maps of a block and its norms, in the order of the files. */
    private List<String> blockModules() {
        List<String> modules = new ArrayList<>(blockMaps());
        modules.add(modules.indexOf(DebertaNames.OUTPUT) + 1, DebertaNames.ATTENTION_NORM);
        modules.add(DebertaNames.NORM);
        return modules;
    }

    private List<String> blockMaps() {
        List<String> maps = new ArrayList<>(List.of(DebertaNames.QUERY, DebertaNames.KEY, DebertaNames.VALUE));
        if (hasPositionMap(relative.contentByPosition)) {
            maps.add(DebertaNames.POSITION_KEY);
        }
        if (hasPositionMap(relative.positionByContent)) {
            maps.add(DebertaNames.POSITION_QUERY);
        }
        maps.addAll(List.of(DebertaNames.OUTPUT, DebertaNames.UP, DebertaNames.DOWN));
        return maps;
    }

    private boolean hasPositionMap(boolean term) {
        return relative.used && !relative.sharedMaps && term;
    }

    /** The shape of a parameter of the body, the pooler or a head with so many labels, by its complete name. */
    public Shape shapeOf(String name, int labels) {
        int width = sizes.width;
        boolean weight = name.endsWith(".weight");
        String module = name.substring(0, name.lastIndexOf('.'));
        if (module.endsWith("LayerNorm")) {
            return Shape.of(width);
        }
        if (module.startsWith(DebertaNames.BLOCK)) {
            String map = module.substring(module.indexOf('.', DebertaNames.BLOCK.length()) + 1);
            int in = map.equals(DebertaNames.DOWN) ? sizes.inner : width;
            int out = map.equals(DebertaNames.UP) ? sizes.inner : width;
            return weight ? Shape.of(out, in) : Shape.of(out);
        }
        return switch (module) {
            case DebertaNames.WORDS -> Shape.of(sizes.vocabulary, embeddings.width);
            case DebertaNames.POSITIONS -> Shape.of(sizes.positions, embeddings.width);
            case DebertaNames.TYPES -> Shape.of(embeddings.types, embeddings.width);
            case DebertaNames.EMBEDDING_MAP -> Shape.of(width, embeddings.width);
            case DebertaNames.RELATIVE -> Shape.of(distances().rows(), width);
            case DebertaNames.CONVOLUTION -> weight && convolution != null
                    ? Shape.of(width, width / convolution.groups, convolution.kernel) : Shape.of(width);
            case DebertaNames.POOLER -> weight ? Shape.of(width, width) : Shape.of(width);
            case DebertaNames.CLASSIFIER -> weight ? Shape.of(labels, width) : Shape.of(labels);
            default -> throw new IllegalArgumentException(name + ": no parameter of a DeBERTa");
        };
    }

    @Override
    public List<String> adaptableModules() {
        List<String> modules = new ArrayList<>();
        for (String module : List.of(DebertaNames.WORDS, DebertaNames.POSITIONS, DebertaNames.TYPES, DebertaNames.EMBEDDING_MAP)) {
            if (parameterNames().contains(module + ".weight")) {
                modules.add(module);
            }
        }
        for (int block = 0; block < sizes.blocks; block++) {
            for (String map : blockMaps()) {
                modules.add(DebertaNames.BLOCK + block + "." + map);
            }
        }
        modules.add(DebertaNames.POOLER);
        modules.add(DebertaNames.CLASSIFIER);
        return modules;
    }

    /** The body's. */
    @Override
    public long parameterCount() {
        return parameterNames().stream().mapToLong(name -> shapeOf(name, 0).size()).sum();
    }

    private List<Object> values() {
        return List.of(sizes, embeddings, relative, String.valueOf(convolution), functions, padding, initializerRange, dropout);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof DebertaConfig config && values().equals(config.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    /** In these words a checkpoint knows its model. */
    @Override
    public String toString() {
        return "DeBERTa" + sizes + ", " + embeddings + ", " + relative + (convolution == null ? "" : ", " + convolution) + ", "
                + functions + ", padding " + (padding.isPresent() ? padding.getAsInt() : "none") + ", " + dropout;
    }
}
