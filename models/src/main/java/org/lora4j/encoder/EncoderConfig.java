package org.lora4j.encoder;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.encoder.Spelling.Positions;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Role;
import org.lora4j.tensor.Shape;

/** The sizes and choices of an encoder. It does not change; what is put differently is a new one. */
public final class EncoderConfig implements ModelConfig {

    private final EncoderNames names;
    private final Positions positionRule;
    // set before anyone else sees the object, and never again: see changed()
    private Sizes sizes;
    private int types;
    private Activation activation = Activation.GELU_ERF;
    private double epsilon = 1e-12;
    private OptionalInt padding = OptionalInt.empty();
    private double initializerRange = 0.02;
    private Rates dropout = Rates.NONE;

    /**
     * @param vocabulary V
     * @param positions  rows of the positions' table
     * @param width      C
     * @param inner      the feed-forward's width
     */
    public record Sizes(int vocabulary, int positions, int width, int blocks, int heads, int inner) {
    }

    /**
     * Probabilities of dropout in training.
     *
     * @param body      on the sum of the embeddings and on each branch
     * @param attention on attention's weights
     * @param head      in the classification head
     */
    public record Rates(double body, double attention, double head) {

        /** Nothing is dropped. */
        public static final Rates NONE = new Rates(0, 0, 0);
    }

    private EncoderConfig(EncoderNames names, Positions positionRule, Sizes sizes) {
        this.names = names;
        this.positionRule = positionRule;
        this.sizes = sizes;
    }

    /** An encoder with the usual choices: erf GELU, ε 1e-12, σ 0.02 of new weights, no dropout. */
    public static EncoderConfig of(EncoderNames names, Positions rule, Sizes sizes, int types, OptionalInt padding) {
        return new EncoderConfig(names, rule, sizes).changed(config -> {
            config.types = types;
            config.padding = padding;
        });
    }

    /** A copy with a change in it, checked. */
    private EncoderConfig changed(Consumer<EncoderConfig> change) {
        EncoderConfig copy = new EncoderConfig(names, positionRule, sizes);
        copy.types = types;
        copy.activation = activation;
        copy.epsilon = epsilon;
        copy.padding = padding;
        copy.initializerRange = initializerRange;
        copy.dropout = dropout;
        change.accept(copy);
        copy.check();
        return copy;
    }

    private void check() {
        if (sizes.vocabulary < 1 || sizes.positions < 1 || sizes.width < 1 || sizes.blocks < 1 || sizes.heads < 1
                || sizes.inner < 1 || types < 0) {
            throw new LoraException("a " + names.title() + " needs positive sizes, found " + sizes + ", token types " + types);
        }
        if (sizes.width % sizes.heads != 0) {
            throw new LoraException(sizes.heads + " heads do not divide a width of " + sizes.width
                    + ": every head has the same whole number of features");
        }
        if (padding.isPresent() && (padding.getAsInt() < 0 || padding.getAsInt() >= sizes.vocabulary)) {
            throw new LoraException("pad_token_id is " + padding.getAsInt() + ", expected a token of the vocabulary, 0 to "
                    + (sizes.vocabulary - 1));
        }
        if (positionRule == Positions.BEHIND_PADDING) {
            if (padding.isEmpty()) {
                throw new LoraException("pad_token_id is null: a " + names.title() + " counts positions from it on");
            }
            if (padding.getAsInt() + 1 >= sizes.positions) {
                throw new LoraException("max_position_embeddings is " + sizes.positions + ": positions begin at "
                        + (padding.getAsInt() + 1) + ", behind pad_token_id, so none is left");
            }
        }
    }

    /** The feed-forward's function between its two maps. */
    public EncoderConfig withActivation(Activation other) {
        return changed(config -> config.activation = other);
    }

    /** ε of every LayerNorm. */
    public EncoderConfig withEpsilon(double other) {
        return changed(config -> config.epsilon = other);
    }

    /** σ of new weights. */
    public EncoderConfig withInitializerRange(double other) {
        return changed(config -> config.initializerRange = other);
    }

    /** Dropout in training, where nothing else is asked for. */
    public EncoderConfig withDropout(Rates other) {
        return changed(config -> config.dropout = other);
    }

    @Override
    public EncoderNames names() {
        return names;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(sizes.vocabulary, sizes.positions - firstPosition(), sizes.width, sizes.blocks, sizes.heads,
                sizes.inner, sizes.width);
    }

    /** The position of a row's first token. */
    int firstPosition() {
        return positionRule == Positions.BEHIND_PADDING ? padding.orElseThrow() + 1 : 0;
    }

    /** Rows of the positions' table. */
    int tablePositions() {
        return sizes.positions;
    }

    Positions positionRule() {
        return positionRule;
    }

    /** Token types; 0 where the model knows none. */
    public int types() {
        return types;
    }

    public Activation activation() {
        return activation;
    }

    public double epsilon() {
        return epsilon;
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

    /** The shape of a parameter of the body or of a head with so many labels, by its complete name. */
    public Shape shapeOf(String name, int labels) {
        EncoderNames.HeadWords head = names.headWords();
        int width = sizes.width;
        if (name.equals(head.output() + ".weight") || name.equals(head.output() + ".bias")) {
            return name.endsWith(".weight") ? Shape.of(labels, width) : Shape.of(labels);
        }
        if (name.equals(head.dense() + ".weight")) {
            return Shape.of(width, width);
        }
        EncoderNames.BlockWords block = names.blockWords();
        String word = names.withinBlock(name).orElse("");
        if (word.startsWith(block.up() + ".")) {
            return word.endsWith(".weight") ? Shape.of(sizes.inner, width) : Shape.of(sizes.inner);
        }
        if (word.equals(block.down() + ".weight")) {
            return Shape.of(width, sizes.inner);
        }
        if (block.maps().stream().anyMatch(map -> word.equals(map + ".weight"))) {
            return Shape.of(width, width);
        }
        if (name.equals(names.words() + ".weight")) {
            return Shape.of(sizes.vocabulary, width);
        }
        if (name.equals(names.positions() + ".weight")) {
            return Shape.of(sizes.positions, width);
        }
        return name.equals(names.types() + ".weight") ? Shape.of(types, width) : Shape.of(width); // norms, and biases
    }

    @Override
    public List<String> adaptableModules() {
        List<String> modules = new ArrayList<>(List.of(names.words(), names.positions()));
        if (types > 0) {
            modules.add(names.types());
        }
        for (int block = 0; block < sizes.blocks; block++) {
            for (String map : names.blockWords().maps()) {
                modules.add(names.block(block) + "." + map);
            }
        }
        modules.add(names.headWords().dense());
        modules.add(names.headWords().output());
        return modules;
    }

    /**
     * The body's parameters: (V + P + types)·C + 2·C + L·(4·C² + 2·C·I + 9·C + I), and C² + C more for a pooler that belongs to
     * it.
     */
    @Override
    public long parameterCount() {
        long c = sizes.width;
        long inner = sizes.inner;
        long block = 4 * c * c + 2 * c * inner + 9 * c + inner;
        long pooler = names.headWords().role() == Role.POOLER ? c * c + c : 0;
        return ((long) sizes.vocabulary + sizes.positions + types) * c + 2 * c + sizes.blocks * block + pooler;
    }

    private List<Object> values() {
        return List.of(names.modelType(), sizes, types, activation, epsilon, padding, initializerRange, dropout);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof EncoderConfig config && values().equals(config.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    /** In these words a checkpoint knows its model. */
    @Override
    public String toString() {
        return names.title() + sizes + ", " + types + " token types, " + activation + ", epsilon " + epsilon + ", padding "
                + (padding.isPresent() ? padding.getAsInt() : "none") + ", " + dropout;
    }
}
