package org.lora4j.llama;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.family.DecoderBody;
import org.lora4j.nn.AttentionMaps;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.FusedGatedPerceptron;
import org.lora4j.nn.FusedMaps;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.GatedPerceptron;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Rotary;
import org.lora4j.nn.SelfAttention;
import org.lora4j.nn.SeparateMaps;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Sublayer;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Tensor;

/**
 * A Llama without a head, from ids to the last norm's output:
 *
 * <pre>
 *   x₀ = embed[id] (·√C)      xᵢ₊₁ = blockᵢ(xᵢ), q and k turned by their positions      h = norm(x_L)
 * </pre>
 */
final class LlamaBody extends DecoderBody {

    private final LlamaConfig config;
    private final Slot<TokenEmbedding> tokens;
    private final Set<Rotary> rotaries;

    /**
     * @param parameter gives the parameter of each complete name
     * @param dropout   on the attention's weights in training
     */
    LlamaBody(LlamaConfig config, Backend backend, Function<String, Parameter> parameter, double dropout) {
        this(config, backend, new Slot<>(LlamaNames.TABLE, Role.TOKENS, new Embedding(parameter.apply(LlamaNames.TABLE + ".weight"))),
                new Parts(config, parameter, dropout));
    }

    private LlamaBody(LlamaConfig config, Backend backend, Slot<TokenEmbedding> tokens, Parts parts) {
        super(config, backend, tokens, IntStream.range(0, config.counts().blocks()).mapToObj(parts::block).toList(),
                parts.norm(LlamaNames.BODY + "norm"));
        this.config = config;
        this.tokens = tokens;
        rotaries = new LinkedHashSet<>(parts.rotaries.values());
    }

    /** Makes the blocks. */
    private static final class Parts {

        private final LlamaConfig config;
        private final Function<String, Parameter> parameter;
        private final double dropout;
        private final Map<Rope, Rotary> rotaries = new HashMap<>();

        Parts(LlamaConfig config, Function<String, Parameter> parameter, double dropout) {
            this.config = config;
            this.parameter = parameter;
            this.dropout = dropout;
        }

        Block block(int number) {
            String name = LlamaNames.BODY + "layers." + number;
            SelfAttention attention = new SelfAttention(
                    AttentionRule.causal(number, config.heads()).withWindow(config.windows().of(number))
                            .withDropout(new Dropout(dropout, Philox.site(name + ".self_attn.dropout"))),
                    maps(name + ".self_attn.", number),
                    slot(name + ".self_attn.o_proj", Role.ATTENTION_OUTPUT, number, config.choices().outputBias()))
                    .withPositioning(rotaries.computeIfAbsent(
                            config.ropeOf(number), rope -> rope.rotary(config.heads().size())));
            FeedForward mlp = perceptron(name + ".mlp.", number);
            if (config.variant().normsBranches()) {
                return Block.preNorm(name,
                        new Sublayer<>(attention, norm(name + ".input_layernorm"), norm(name + ".post_attention_layernorm"), Dropout.NONE),
                        new Sublayer<>(mlp, norm(name + ".pre_feedforward_layernorm"), norm(name + ".post_feedforward_layernorm"),
                                Dropout.NONE));
            }
            return Block.preNorm(name, new Sublayer<>(attention, norm(name + ".input_layernorm"), Dropout.NONE),
                    new Sublayer<>(mlp, norm(name + ".post_attention_layernorm"), Dropout.NONE));
        }

        private AttentionMaps maps(String prefix, int number) {
            boolean bias = config.choices().attentionBias();
            if (config.variant().fuses()) {
                return new FusedMaps(slot(prefix + "qkv_proj", Role.QUERY_KEY_VALUE, number, bias), config.heads());
            }
            boolean normed = config.variant().normsHeads();
            Slot<Projection> query = slot(prefix + "q_proj", Role.QUERY, number, bias);
            Slot<Projection> key = slot(prefix + "k_proj", Role.KEY, number, bias);
            Slot<Projection> value = slot(prefix + "v_proj", Role.VALUE, number, bias);
            return new SeparateMaps(query, key, value, config.heads(), normed ? norm(prefix + "q_norm") : null,
                    normed ? norm(prefix + "k_norm") : null);
        }

        private FeedForward perceptron(String prefix, int number) {
            boolean bias = config.choices().mlpBias();
            if (config.variant().fuses()) {
                return new FusedGatedPerceptron(slot(prefix + "gate_up_proj", Role.GATE_UP, number, bias),
                        slot(prefix + "down_proj", Role.DOWN, number, bias), config.choices().activation());
            }
            Slot<Projection> gate = slot(prefix + "gate_proj", Role.GATE, number, bias);
            Slot<Projection> up = slot(prefix + "up_proj", Role.UP, number, bias);
            Slot<Projection> down = slot(prefix + "down_proj", Role.DOWN, number, bias);
            return new GatedPerceptron(gate, up, down, config.choices().activation());
        }

        private Slot<Projection> slot(String name, Role role, int number, boolean bias) {
            Linear map = new Linear(parameter.apply(name + ".weight"), bias ? parameter.apply(name + ".bias") : null);
            List<FusedPart> parts = config.variant().names.fusedParts(
                    name, map.outFeatures(), config.heads().count(), config.heads().keyHeads());
            return new Slot<>(name, role, number, parts, map);
        }

        Normalisation norm(String name) {
            Parameter gamma = parameter.apply(name + ".weight");
            double epsilon = config.choices().epsilon();
            return config.variant().isGemma() ? Normalisation.rmsOnePlus(gamma, epsilon) : Normalisation.rms(gamma, epsilon);
        }
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    protected void begin(int[] positions, Workspace ws) {
        rotaries.forEach(rotary -> rotary.begin(positions, ws));
    }

    @Override
    protected Tensor embed(IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
        Tensor x = ws.tensor(this, "x0", ids.size(), config.counts().width());
        tokens.get().forward(ids, x, 0, ws);
        if (scale() != 1) {
            ws.backend().scale(x, scale());
        }
        ws.show(LlamaNames.TABLE, x);
        return x;
    }

    @Override
    protected void embedBackward(Tensor g, IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
        ws.showGradient(LlamaNames.TABLE, g);
        if (scale() != 1) {
            ws.backend().scale(g, scale());
        }
        tokens.get().backward(ids, g, ws);
    }

    /** √C as a float, which Transformers has it as, where embeddings are scaled. */
    private double scale() {
        return config.variant().isGemma() ? (float) Math.sqrt(config.counts().width()) : 1;
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of(tokens);
    }
}
