package org.lora4j.encoder;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.Batch;
import org.lora4j.family.Representation;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * What goes into the first block:
 *
 * <pre>
 *   e = words[id] + types[type] + positions[position]      x₀ = dropout(LayerNorm(e))          e, x₀: (B·T, C)
 *
 *   ∂L/∂words[v] = Σ over rows with id = v of ∂L/∂e, and likewise of types and positions; nothing for the padding's id
 * </pre>
 *
 * <p>A batch without token types has type 0 everywhere; a family without them leaves them out. Where positions are counted
 * behind the padding, its row of their table does not learn either.
 */
final class EncoderEmbeddings implements Layer {

    private final Slot<TokenEmbedding> words;
    private final Slot<TokenEmbedding> positions;
    private final @Nullable Slot<TokenEmbedding> types;
    private final int vocabulary;
    private final Normalisation norm;
    private final Dropout dropout;
    private final String sum;

    EncoderEmbeddings(EncoderConfig config, Function<String, Parameter> parameter, double dropout) {
        EncoderNames names = config.names();
        int padding = config.padding().orElse(Embedding.NO_PADDING);
        boolean behind = config.positionRule() == Spelling.Positions.BEHIND_PADDING;
        words = slot(names.words(), Role.TOKENS, padding, parameter);
        positions = slot(names.positions(), Role.POSITIONS, behind ? padding : Embedding.NO_PADDING, parameter);
        types = config.types() == 0 ? null : slot(names.types(), Role.TOKEN_TYPES, Embedding.NO_PADDING, parameter);
        vocabulary = config.sizes().vocabulary();
        norm = Normalisation.layer(parameter.apply(names.embeddingNorm() + ".weight"),
                parameter.apply(names.embeddingNorm() + ".bias"), config.epsilon());
        this.dropout = new Dropout(dropout, Philox.site(names.embedding("dropout")));
        sum = names.embedding("sum");
    }

    private static Slot<TokenEmbedding> slot(String name, Role role, int padding, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, new Embedding(parameter.apply(name + ".weight"), padding));
    }

    /** @return x₀, in memory of this layer */
    Tensor forward(Batch batch, IntTensor places, Workspace ws) {
        int rows = places.size();
        int width = words.get().features();
        Tensor e = trains() ? ws.tensor(this, "e", rows, width) : ws.scratch("n", rows, width); // only backward reads it again
        IntTensor tokens = ws.ints(this, "ids", batch.inputIds());
        SpecialRows.begin(batch.inputIds(), tokens, vocabulary, ws);
        words.get().forward(tokens, e, 0, ws);
        if (types != null) {
            int[] ids = batch.tokenTypeIds() == null ? new int[rows] : batch.tokenTypeIds();
            types.get().forward(ws.ints(this, "types", ids), e, 1, ws);
        }
        positions.get().forward(places, e, 1, ws);
        ws.show(sum, e);
        Tensor x = ws.tensor(this, "x0", rows, e.columns());
        norm.forward(e, x, ws);
        dropout.applyInPlace(x, ws);
        return x;
    }

    /**
     * @param g    ∂L/∂x₀; written over
     * @param made what forward was called for
     */
    void backward(Tensor g, Representation made, Workspace ws) {
        dropout.applyInPlace(g, ws);
        Tensor de = ws.scratch("dsum", g.rows(), g.columns());
        ws.backend().fill(de, 0); // a norm adds
        norm.backward(g, de, ws);
        ws.showGradient(sum, de);
        positions.get().backward(made.sequences().positions(), de, ws);
        if (types != null) {
            types.get().backward(ws.ints(this, "types", g.rows()), de, ws);
        }
        words.get().backward(ws.ints(this, "ids", g.rows()), de, ws);
    }

    /** Ids that a method puts before the first position. */
    int[] prefix() {
        return words.get().prefix();
    }

    /** Whether the first of these stands for the sequence. */
    boolean prefixSpeaks() {
        return words.get().speaksForSequence();
    }

    List<Slot<TokenEmbedding>> slots() {
        return types == null ? List.of(words, positions) : List.of(words, positions, types);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        slots().forEach(slot -> parameters.addAll(slot.parameters()));
        parameters.addAll(norm.parameters());
        return parameters;
    }
}
