package org.lora4j.deberta;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.Batch;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.PaddingRows;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * What the blocks begin with:
 *
 * <pre>
 *   e = words[id] (+ positions[column]) (+ types[type])      x₀ = dropout(mask·LayerNorm(e·Mᵀ))
 * </pre>
 *
 * <p>M is there where the tables are narrower or wider than the blocks. Rows of padding are zero.
 */
final class DebertaEmbeddings implements Layer {

    private static final String SUM = DebertaNames.PREFIX + "embeddings.sum";

    private final Slot<TokenEmbedding> words;
    private final @Nullable Slot<TokenEmbedding> positions;
    private final @Nullable Slot<TokenEmbedding> types;
    private final @Nullable Slot<Projection> map;
    private final int vocabulary;
    private final Normalisation norm;
    private final Dropout dropout;

    DebertaEmbeddings(DebertaConfig config, Function<String, Parameter> parameter, double p) {
        DebertaConfig.Embeddings choice = config.embeddings();
        words = new Slot<>(DebertaNames.WORDS, Role.TOKENS, new Embedding(
                parameter.apply(DebertaNames.WORDS + ".weight"), config.padding().orElse(Embedding.NO_PADDING)));
        positions = choice.positions() ? table(DebertaNames.POSITIONS, Role.POSITIONS, parameter) : null;
        types = choice.types() > 0 ? table(DebertaNames.TYPES, Role.TOKEN_TYPES, parameter) : null;
        map = choice.width() == config.sizes().width() ? null : new Slot<>(DebertaNames.EMBEDDING_MAP, Role.EMBEDDING_MAP,
                new Linear(parameter.apply(DebertaNames.EMBEDDING_MAP + ".weight"), null));
        vocabulary = config.sizes().vocabulary();
        norm = Normalisation.layer(parameter.apply(DebertaNames.EMBEDDING_NORM + ".weight"),
                parameter.apply(DebertaNames.EMBEDDING_NORM + ".bias"), config.functions().epsilon());
        dropout = new Dropout(p, Philox.site(DebertaNames.PREFIX + "embeddings.dropout"));
    }

    private static Slot<TokenEmbedding> table(String name, Role role, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, new Embedding(parameter.apply(name + ".weight")));
    }

    /** @return x₀, in memory of this layer */
    Tensor forward(Batch batch, Sequences sequences, @Nullable PaddingRows padding, Workspace ws) {
        int rows = sequences.rows();
        Tensor e = ws.tensor(this, "e", rows, words.get().features());
        IntTensor tokens = ws.ints(this, "ids", batch.inputIds());
        SpecialRows.begin(batch.inputIds(), tokens, vocabulary, ws);
        words.get().forward(tokens, e, 0, ws);
        if (positions != null) {
            positions.get().forward(sequences.positions(), e, 1, ws);
        }
        if (types != null) {
            int[] ids = batch.tokenTypeIds() == null ? new int[rows] : batch.tokenTypeIds();
            types.get().forward(ws.ints(this, "types", ids), e, 1, ws);
        }
        ws.show(SUM, e);
        Tensor mapped = e;
        if (map != null) {
            mapped = ws.tensor(this, "mapped", rows, map.get().outFeatures());
            map.get().forward(e, mapped, ws);
            ws.show(map.name(), mapped);
        }
        Tensor x = ws.tensor(this, "x0", rows, mapped.columns());
        norm.forward(mapped, x, ws);
        if (padding != null) {
            padding.clear(x, ws);
        }
        dropout.applyInPlace(x, ws);
        return x;
    }

    /** @param g ∂L/∂x₀; written over */
    void backward(Tensor g, Sequences sequences, @Nullable PaddingRows padding, Workspace ws) {
        dropout.applyInPlace(g, ws);
        if (padding != null) {
            padding.clear(g, ws);
        }
        Tensor de = ws.scratch("dsum", g.rows(), g.columns());
        ws.backend().fill(de, 0); // a norm adds
        norm.backward(g, de, ws);
        if (map != null) {
            ws.showGradient(map.name(), de);
            Tensor dmapped = de;
            de = tablesTrain() ? ws.scratch("dembedding", g.rows(), map.get().inFeatures()) : null;
            map.get().backward(dmapped, de, ws);
        }
        if (de == null || !tablesTrain()) {
            return;
        }
        ws.showGradient(SUM, de);
        if (types != null) {
            types.get().backward(ws.ints(this, "types", g.rows()), de, ws);
        }
        if (positions != null) {
            positions.get().backward(sequences.positions(), de, ws);
        }
        words.get().backward(ws.ints(this, "ids", g.rows()), de, ws);
    }

    private boolean tablesTrain() {
        return slots().stream().anyMatch(Slot::trains);
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
        List<Slot<TokenEmbedding>> slots = new ArrayList<>();
        slots.add(words);
        if (positions != null) {
            slots.add(positions);
        }
        if (types != null) {
            slots.add(types);
        }
        return slots;
    }

    List<Slot<Projection>> maps() {
        return map == null ? List.of() : List.of(map);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        slots().forEach(slot -> parameters.addAll(slot.parameters()));
        maps().forEach(slot -> parameters.addAll(slot.parameters()));
        parameters.addAll(norm.parameters());
        return parameters;
    }
}
