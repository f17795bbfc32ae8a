package org.lora4j.gpt2;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Context;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.FusedMaps;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Perceptron;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.SelfAttention;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Sublayer;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * GPT-2 without a head, from ids to the final LayerNorm's output:
 *
 * <pre>
 *   x₀ = dropout(wte[id] + wpe[position] (+ wte[type]))      xᵢ₊₁ = blockᵢ(xᵢ)      h = LayerNorm(x_L)
 * </pre>
 */
final class Gpt2Body {

    /** Where a {@link org.lora4j.nn.Tap} sees the sum of the embeddings. */
    private static final String EMBEDDINGS = "transformer.embeddings";

    /** Probabilities of dropout. */
    record Rates(double embeddings, double branches, double attention) {

        /** Nothing is dropped. */
        static final Rates NONE = everywhere(0);

        static Rates everywhere(double p) {
            return new Rates(p, p, p);
        }
    }

    private final Gpt2Config config;
    private final Backend backend;
    private final Slot<TokenEmbedding> tokens;
    private final Slot<TokenEmbedding> positions;
    private final Embedding table;
    private final Dropout embeddingDropout;
    private final List<Block> blocks = new ArrayList<>();
    private final Normalisation finalNorm;

    /**
     * @param parameter gives the parameter of each name
     * @param dropout   in training
     */
    Gpt2Body(Gpt2Config config, Backend backend, Function<String, Parameter> parameter, Rates dropout) {
        this.config = config;
        this.backend = backend;
        table = new Embedding(parameter.apply("transformer.wte.weight"));
        tokens = new Slot<>(Gpt2Names.TABLE, Role.TOKENS, table);
        positions = new Slot<>(Gpt2Names.POSITIONS, Role.POSITIONS,
                new Embedding(parameter.apply("transformer.wpe.weight")));
        embeddingDropout = new Dropout(dropout.embeddings, Philox.site("transformer.drop"));
        for (int layer = 0; layer < config.nLayer(); layer++) {
            blocks.add(block(layer, parameter, dropout));
        }
        finalNorm = norm("transformer.ln_f", parameter);
    }

    private Block block(int layer, Function<String, Parameter> parameter, Rates dropout) {
        String name = "transformer.h." + layer;
        AttentionHeads heads = AttentionHeads.of(
                config.nHead(), config.nEmbd() / config.nHead(), config.attentionScale(layer));
        SelfAttention attention = new SelfAttention(
                AttentionRule.causal(layer, heads)
                        .withDropout(new Dropout(dropout.attention, Philox.site(name + ".attn.attn_dropout"))),
                new FusedMaps(slot(name + ".attn.c_attn", Role.QUERY_KEY_VALUE, layer, Gpt2Names.PARTS, parameter), heads),
                slot(name + ".attn.c_proj", Role.ATTENTION_OUTPUT, layer, List.of(), parameter));
        FeedForward mlp = new Perceptron(
                slot(name + ".mlp.c_fc", Role.UP, layer, List.of(), parameter),
                slot(name + ".mlp.c_proj", Role.DOWN, layer, List.of(), parameter),
                config.activation());
        return Block.preNorm(name,
                new Sublayer<>(attention, norm(name + ".ln_1", parameter),
                        new Dropout(dropout.branches, Philox.site(name + ".attn.resid_dropout"))),
                new Sublayer<>(mlp, norm(name + ".ln_2", parameter),
                        new Dropout(dropout.branches, Philox.site(name + ".mlp.dropout"))));
    }

    private static Slot<Projection> slot(
            String name, Role role, int layer, List<String> parts, Function<String, Parameter> parameter) {
        return new Slot<>(
                name, role, layer, parts, new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    private Normalisation norm(String name, Function<String, Parameter> parameter) {
        return Normalisation.layer(
                parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), config.layerNormEpsilon());
    }

    // ------------------------------------------------------------------------------------------------ passes

    /** The batch behind what stands before the first position. */
    Batch whole(Batch batch) {
        checkIds(batch.inputIds(), config.vocabSize());
        if (batch.tokenTypeIds() != null) {
            checkIds(batch.tokenTypeIds(), config.vocabSize());
        }
        int[] prefix = prefix();
        return prefix.length == 0 ? batch : batch.behind(prefix);
    }

    /** From the ids to the final LayerNorm's output, (B·T, C). */
    Tensor hidden(Batch batch, Sequences sequences, Workspace ws) {
        IntTensor types = batch.tokenTypeIds() == null ? null : upload("types", batch.tokenTypeIds(), ws);
        Tensor x = throughBlocks(upload("ids", batch.inputIds(), ws), types, sequences, ws);
        Tensor h = ws.tensor(this, "h", sequences.rows(), config.nEmbd());
        finalNorm.forward(x, h, ws);
        return h;
    }

    /** h of x_L; read and written. */
    void norm(Tensor x, Tensor h, Workspace ws) {
        finalNorm.forward(x, h, ws);
    }

    /** From the ids to what the last block gives, in training and in decoding. */
    Tensor throughBlocks(IntTensor ids, @Nullable IntTensor types, Context context, Workspace ws) {
        Tensor x = embed(ids, context.positions(), types, ws);
        for (Block block : blocks) {
            x = block.forward(x, context, ws);
        }
        return x;
    }

    /** From ∂L/∂h to the gradients of what trains, down to the lowest that does. */
    void backward(Tensor dh, Batch batch, Sequences sequences, Workspace ws) {
        Tensor g = ws.scratch("g", dh.rows(), dh.columns());
        backend.fill(g, 0);
        boolean embeddingsTrain = tokens.trains() || positions.trains();
        int lowest = embeddingsTrain ? 0 : lowestTrainingBlock();
        if (lowest == blocks.size() && !finalNorm.trains()) {
            return;
        }
        finalNorm.backward(dh, g, ws);
        for (int layer = blocks.size() - 1; layer >= lowest; layer--) {
            blocks.get(layer).backward(g, layer > lowest || embeddingsTrain, sequences, ws);
        }
        if (embeddingsTrain) {
            ws.showGradient(EMBEDDINGS, g);
            embeddingDropout.applyInPlace(g, ws);
            tokens.get().backward(ws.ints(this, "ids", g.rows()), g, ws);
            positions.get().backward(sequences.positions(), g, ws);
            if (batch.tokenTypeIds() != null) {
                tokens.get().backward(ws.ints(this, "types", g.rows()), g, ws);
            }
        }
    }

    private int lowestTrainingBlock() {
        int lowest = 0;
        while (lowest < blocks.size() && !blocks.get(lowest).trains()) {
            lowest++;
        }
        return lowest;
    }

    private Tensor embed(IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
        Tensor x = ws.tensor(this, "x0", ids.size(), config.nEmbd());
        tokens.get().forward(ids, x, 0, ws);
        positions.get().forward(places, x, 1, ws);
        if (types != null) {
            tokens.get().forward(types, x, 1, ws);
        }
        embeddingDropout.applyInPlace(x, ws);
        ws.show(EMBEDDINGS, x);
        return x;
    }

    Sequences sequences(Batch batch, Workspace ws) {
        checkLength(batch.length());
        ws.ints(this, "mask", batch.inputIds().length); // where nothing is padded too: a later batch may be
        IntTensor mask = batch.attentionMask() == null ? null
                : upload("mask", batch.attentionMask(), ws).as(Shape.of(batch.size(), batch.length()));
        int[] places = new int[batch.inputIds().length];
        Arrays.setAll(places, row -> row % batch.length());
        return new Sequences(batch.size(), batch.length(), mask, upload("places", places, ws));
    }

    IntTensor upload(String name, int[] values, Workspace ws) {
        IntTensor tensor = ws.ints(this, name, values.length);
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    void checkIds(int[] ids, int limit) {
        for (int id : ids) {
            checkId(id, limit);
        }
    }

    private void checkId(int id, int limit) {
        if (id < 0 || id >= limit) {
            throw new LoraException("token " + id + " is outside the model's vocabulary of " + config.vocabSize()
                    + " tokens (0 to " + (config.vocabSize() - 1) + "): was it made by another model's tokenizer?");
        }
    }

    void checkLength(int length) {
        if (length > config.nPositions()) {
            throw new LoraException("a sequence of " + length + " tokens is longer than the model's position table of "
                    + config.nPositions() + ": shorten it, or use a model with more positions");
        }
    }

    // ------------------------------------------------------------------------------------------------ parts

    /** The token embedding as it is in the base, whatever is in its slot. */
    Embedding table() {
        return table;
    }

    int[] prefix() {
        return tokens.get().prefix();
    }

    int vocabularyRows() {
        return tokens.get().rows();
    }

    List<Slot<Projection>> projections() {
        return blocks.stream().flatMap(block -> block.slots().stream()).toList();
    }

    List<Slot<TokenEmbedding>> embeddings() {
        return List.of(tokens, positions);
    }

    List<Place> places() {
        return blocks.stream().flatMap(block -> block.places().stream()).toList();
    }

    List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(tokens.parameters());
        parameters.addAll(positions.parameters());
        blocks.forEach(block -> parameters.addAll(block.parameters()));
        parameters.addAll(finalNorm.parameters());
        return parameters;
    }
}
