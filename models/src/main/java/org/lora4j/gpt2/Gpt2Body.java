package org.lora4j.gpt2;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.family.DecoderBody;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.FusedMaps;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Perceptron;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.SelfAttention;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Sublayer;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * GPT-2 without a head, from ids to the final LayerNorm's output:
 *
 * <pre>
 *   x₀ = dropout(wte[id] + wpe[position] (+ wte[type]))      xᵢ₊₁ = blockᵢ(xᵢ)      h = LayerNorm(x_L)
 * </pre>
 */
final class Gpt2Body extends DecoderBody {

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
    private final Slot<TokenEmbedding> tokens;
    private final Slot<TokenEmbedding> positions;
    private final Dropout embeddingDropout;

    /**
     * @param parameter gives the parameter of each name
     * @param dropout   in training
     */
    Gpt2Body(Gpt2Config config, Backend backend, Function<String, Parameter> parameter, Rates dropout) {
        this(config, backend,
                new Slot<>(Gpt2Names.TABLE, Role.TOKENS, new Embedding(parameter.apply("transformer.wte.weight"))),
                new Slot<>(Gpt2Names.POSITIONS, Role.POSITIONS, new Embedding(parameter.apply("transformer.wpe.weight"))),
                parameter, dropout);
    }

    private Gpt2Body(
            Gpt2Config config, Backend backend, Slot<TokenEmbedding> tokens, Slot<TokenEmbedding> positions,
            Function<String, Parameter> parameter, Rates dropout) {
        super(config, backend, tokens,
                IntStream.range(0, config.nLayer()).mapToObj(layer -> block(config, layer, parameter, dropout)).toList(),
                norm(config, "transformer.ln_f", parameter));
        this.config = config;
        this.tokens = tokens;
        this.positions = positions;
        embeddingDropout = new Dropout(dropout.embeddings, Philox.site("transformer.drop"));
    }

    private static Block block(Gpt2Config config, int layer, Function<String, Parameter> parameter, Rates dropout) {
        String name = "transformer.h." + layer;
        AttentionHeads heads = AttentionHeads.of(
                config.nHead(), config.nEmbd() / config.nHead(), config.attentionScale(layer));
        SelfAttention attention = new SelfAttention(
                AttentionRule.causal(layer, heads)
                        .withDropout(new Dropout(dropout.attention, Philox.site(name + ".attn.attn_dropout"))),
                new FusedMaps(slot(name + ".attn.c_attn", Role.QUERY_KEY_VALUE, layer, FusedPart.equal(
                        Gpt2Names.PARTS, 3 * config.nEmbd()), parameter), heads),
                slot(name + ".attn.c_proj", Role.ATTENTION_OUTPUT, layer, List.of(), parameter));
        FeedForward mlp = new Perceptron(
                slot(name + ".mlp.c_fc", Role.UP, layer, List.of(), parameter),
                slot(name + ".mlp.c_proj", Role.DOWN, layer, List.of(), parameter),
                config.activation());
        return Block.preNorm(name,
                new Sublayer<>(attention, norm(config, name + ".ln_1", parameter),
                        new Dropout(dropout.branches, Philox.site(name + ".attn.resid_dropout"))),
                new Sublayer<>(mlp, norm(config, name + ".ln_2", parameter),
                        new Dropout(dropout.branches, Philox.site(name + ".mlp.dropout"))));
    }

    private static Slot<Projection> slot(
            String name, Role role, int layer, List<FusedPart> parts, Function<String, Parameter> parameter) {
        return new Slot<>(
                name, role, layer, parts, new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    private static Normalisation norm(Gpt2Config config, String name, Function<String, Parameter> parameter) {
        return Normalisation.layer(
                parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), config.layerNormEpsilon());
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    protected Tensor embed(IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
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

    @Override
    protected void embedBackward(Tensor g, IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
        ws.showGradient(EMBEDDINGS, g);
        embeddingDropout.applyInPlace(g, ws);
        tokens.get().backward(ids, g, ws);
        positions.get().backward(places, g, ws);
        if (types != null) {
            tokens.get().backward(types, g, ws);
        }
    }

    @Override
    protected void checkLength(int length) {
        if (length > config.nPositions()) {
            throw new LoraException("a sequence of " + length + " tokens is longer than the model's position table of "
                    + config.nPositions() + ": shorten it, or use a model with more positions");
        }
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of(tokens, positions);
    }
}
