package org.lora4j.llama;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Slot;

/**
 * What the tensors are called:
 *
 * <pre>
 *   Hugging Face                          llama.cpp             lies as
 *   model.embed_tokens                    token_embd            V × C
 *   model.layers.I.self_attn.q_proj       blk.I.attn_q          out × in, as k_proj and v_proj
 *   model.layers.I.self_attn.o_proj       blk.I.attn_output
 *   model.layers.I.mlp.gate_proj          blk.I.ffn_gate
 *   model.layers.I.mlp.up_proj            blk.I.ffn_up
 *   model.layers.I.mlp.down_proj          blk.I.ffn_down
 *   lm_head                               output                V × C, the table of the tokens where tied
 *   score                                                       labels × C, of a classifier
 *   model.layers.I.self_attn.qkv_proj     blk.I.attn_qkv        of Phi-3, its outputs q, k, v
 *   model.layers.I.mlp.gate_up_proj       blk.I.ffn_up          of Phi-3, its outputs gate, up
 * </pre>
 *
 * <p>A provider of names must be a class with a constructor of its own, so this one stands for Llama and lists the others.
 */
public final class LlamaNames implements ModelNames {

    static final String BODY = "model.";
    static final String TABLE = BODY + "embed_tokens";
    static final String HEAD = "lm_head";
    static final String SCORE = "score";
    private static final List<String> QKV = List.of("q", "k", "v");
    private static final List<String> GATE_UP = List.of("gate", "up");

    private static final Pattern IN_BLOCK = Pattern.compile("model\\.layers\\.(\\d{1,6})\\.(.+)");
    private static final Pattern GGUF_BLOCK = Pattern.compile("blk\\.(\\d{1,6})\\.(.+)");
    private static final Map<String, String> APART = Map.of(
            "self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v", "self_attn.o_proj",
            "attn_output", "mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down");
    private static final Map<String, String> FUSED = Map.of("self_attn.qkv_proj", "attn_qkv", "self_attn.o_proj", "attn_output",
            "mlp.gate_up_proj", "ffn_up", "mlp.down_proj", "ffn_down");
    private static final Map<String, String> OUTSIDE = Map.of(TABLE, "token_embd", HEAD, "output");

    private final Variant variant;

    /** Those of Llama itself. */
    public LlamaNames() {
        this(Variant.LLAMA);
    }

    LlamaNames(Variant variant) {
        this.variant = variant;
    }

    @Override
    public List<ModelNames> variants() {
        return Variant.all().stream().map(each -> (ModelNames) each.names).toList();
    }

    private Map<String, String> maps() {
        return variant.fuses() ? FUSED : APART;
    }

    Variant variant() {
        return variant;
    }

    @Override
    public String modelType() {
        return variant.modelType;
    }

    @Override
    public String title() {
        return variant.title;
    }

    @Override
    public Optional<String> taskType() {
        return Optional.of("CAUSAL_LM");
    }

    @Override
    public Optional<String> ggufArchitecture() {
        return Optional.of(variant.ggufArchitecture);
    }

    @Override
    public Optional<String> toGguf(String module) {
        Matcher block = IN_BLOCK.matcher(module);
        return block.matches()
                ? Optional.ofNullable(maps().get(block.group(2))).map(name -> "blk." + block.group(1) + "." + name)
                : Optional.ofNullable(OUTSIDE.get(module));
    }

    @Override
    public Optional<String> fromGguf(String ggufName) {
        Matcher block = GGUF_BLOCK.matcher(ggufName);
        return block.matches()
                ? Optional.ofNullable(inverse(maps()).get(block.group(2))).map(name -> BODY + "layers." + block.group(1) + "." + name)
                : Optional.ofNullable(inverse(OUTSIDE).get(ggufName));
    }

    private static Map<String, String> inverse(Map<String, String> map) {
        return map.entrySet().stream().collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    @Override
    public Optional<String> tensorFromGguf(String ggufTensor) {
        Matcher block = GGUF_BLOCK.matcher(ggufTensor);
        if (ggufTensor.equals("output_norm.weight")) {
            return Optional.of(BODY + "norm.weight");
        }
        if (block.matches()) {
            String norm = switch (block.group(2)) {
                case "attn_norm.weight" -> "input_layernorm";
                case "attn_q_norm.weight" -> "self_attn.q_norm";
                case "attn_k_norm.weight" -> "self_attn.k_norm";
                case "ffn_norm.weight" -> variant.normsBranches() ? "pre_feedforward_layernorm" : "post_attention_layernorm";
                case "post_attention_norm.weight" -> "post_attention_layernorm";
                case "post_ffw_norm.weight" -> "post_feedforward_layernorm";
                default -> "";
            };
            if (!norm.isEmpty()) {
                return Optional.of(BODY + "layers." + block.group(1) + "." + norm + ".weight");
            }
        }
        return ModelNames.super.tensorFromGguf(ggufTensor);
    }

    @Override
    public boolean pairsRows() {
        return variant == Variant.LLAMA || variant == Variant.MISTRAL;
    }

    @Override
    public int pairedRows(String tensor, ObjectNode config) {
        if (!pairsRows() || !tensor.matches(".*\\.self_attn\\.[qk]_proj(\\..*)?")) {
            return 0;
        }
        return config.hasNonNull("head_dim") ? config.get("head_dim").asInt()
                : config.path("hidden_size").asInt(variant.defaults.width())
                        / config.path("num_attention_heads").asInt(variant.defaults.heads());
    }

    @Override
    public double ggufShift(String tensor) {
        return variant.isGemma() && tensor.endsWith("norm.weight") ? 1 : 0;
    }

    @Override
    public String bodyPrefix() {
        return BODY;
    }

    /** Linear layers are PyTorch's. */
    @Override
    public boolean isInByOut(String weight) {
        return false;
    }

    @Override
    public boolean isMatrix(String weight) {
        if (!weight.endsWith(".weight")) {
            return false;
        }
        String module = weight.substring(0, weight.length() - ".weight".length());
        return toGguf(module).isPresent();
    }

    /** Old files keep the frequencies of the rotary embeddings. */
    @Override
    public boolean isBuffer(String tensor) {
        return tensor.endsWith(".rotary_emb.inv_freq");
    }

    /** Of Phi-3, q, k and v, and gate and up. */
    @Override
    public List<String> parts(String module) {
        return !variant.fuses() ? List.of() : isQkv(module) ? QKV : module.endsWith(".gate_up_proj") ? GATE_UP : List.of();
    }

    /** Of q, k and v the configuration says how wide they are. */
    @Override
    public List<FusedPart> fusedParts(String module, int out, @Nullable ObjectNode config) {
        if (!variant.fuses() || !isQkv(module)) {
            return ModelNames.super.fusedParts(module, out, config);
        }
        if (config == null) {
            return List.of();
        }
        int heads = config.path("num_attention_heads").asInt(variant.defaults.heads());
        return fusedParts(module, out, heads, config.path("num_key_value_heads").asInt(heads));
    }

    /**
     * The parts of a module with their places.
     *
     * @return empty if it has none, or so many heads do not divide its outputs
     */
    List<FusedPart> fusedParts(String module, int out, int heads, int keyHeads) {
        if (!variant.fuses() || !isQkv(module)) {
            return ModelNames.super.fusedParts(module, out, null);
        }
        int all = heads + 2 * keyHeads;
        int size = all > 0 && out % all == 0 ? out / all : 0;
        return size == 0 ? List.of() : FusedPart.of(QKV, List.of(heads * size, keyHeads * size, keyHeads * size));
    }

    private static boolean isQkv(String module) {
        return module.endsWith(".qkv_proj");
    }

    @Override
    public boolean isEmbedding(String module) {
        return module.equals("embed_tokens") || module.endsWith(".embed_tokens");
    }

    @Override
    public List<String> classifierModules() {
        return List.of(SCORE);
    }

    @Override
    public String tokenTable() {
        return TABLE + ".weight";
    }

    @Override
    public String headWeight() {
        return HEAD + ".weight";
    }

    @Override
    public int blockOf(String name) {
        Matcher block = IN_BLOCK.matcher(name);
        return block.matches() ? Integer.parseInt(block.group(1)) : Slot.NO_BLOCK;
    }

    @Override
    public boolean knows(String module) {
        return module.equals(SCORE) || toGguf(module).isPresent();
    }

    /** The modules of a block that a low-rank update can sit beside, in the model's order. */
    List<String> blockModules() {
        return variant.fuses() ? List.of("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")
                : List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
                        "mlp.up_proj", "mlp.down_proj");
    }
}
