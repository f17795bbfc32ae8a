package org.lora4j.gpt2;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Slot;

/**
 * What GPT-2's tensors are called:
 *
 * <pre>
 *   Hugging Face                    llama.cpp          lies as
 *   transformer.wte                 token_embd         V × C
 *   transformer.wpe                 position_embd      P × C
 *   transformer.h.I.attn.c_attn     blk.I.attn_qkv     in × out, its outputs q, k, v
 *   transformer.h.I.attn.c_proj     blk.I.attn_output  in × out
 *   transformer.h.I.mlp.c_fc        blk.I.ffn_up       in × out
 *   transformer.h.I.mlp.c_proj      blk.I.ffn_down     in × out
 *   lm_head                         output             V × C, the table of wte unless untied
 *   score                                              labels × C, of a classifier
 * </pre>
 *
 * <p>llama.cpp has all of them as out × in.
 */
public final class Gpt2Names implements ModelNames {

    static final String PREFIX = "transformer.";
    static final String TABLE = PREFIX + "wte";
    static final String POSITIONS = PREFIX + "wpe";
    static final String HEAD = "lm_head";
    static final String SCORE = "score";
    static final List<String> PARTS = List.of("q", "k", "v");

    private static final Pattern IN_BLOCK = Pattern.compile("transformer\\.h\\.(\\d{1,6})\\.(.+)");
    private static final Pattern GGUF_BLOCK = Pattern.compile("blk\\.(\\d{1,6})\\.(.+)");
    private static final Map<String, String> TO_GGUF = Map.of(
            "attn.c_attn", "attn_qkv", "attn.c_proj", "attn_output", "mlp.c_fc", "ffn_up", "mlp.c_proj", "ffn_down");
    private static final Map<String, String> TO_GGUF_OUTSIDE = Map.of(TABLE, "token_embd", HEAD, "output");
    private static final Map<String, String> FROM_GGUF = inverse(TO_GGUF);
    /** What takes no update there and is a tensor all the same. */
    private static final Map<String, String> NORMS = Map.of("attn_norm", "ln_1", "ffn_norm", "ln_2");
    private static final Map<String, String> OUTSIDE = Map.of("position_embd", POSITIONS, "output_norm", PREFIX + "ln_f");
    private static final Map<String, String> FROM_GGUF_OUTSIDE = inverse(TO_GGUF_OUTSIDE);

    private static Map<String, String> inverse(Map<String, String> map) {
        return map.entrySet().stream().collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    @Override
    public String modelType() {
        return "gpt2";
    }

    @Override
    public String title() {
        return "GPT-2";
    }

    @Override
    public Optional<String> taskType() {
        return Optional.of("CAUSAL_LM");
    }

    @Override
    public Optional<String> ggufArchitecture() {
        return Optional.of("gpt2");
    }

    @Override
    public Optional<String> toGguf(String module) {
        Matcher block = IN_BLOCK.matcher(module);
        return block.matches()
                ? Optional.ofNullable(TO_GGUF.get(block.group(2))).map(name -> "blk." + block.group(1) + "." + name)
                : Optional.ofNullable(TO_GGUF_OUTSIDE.get(module));
    }

    @Override
    public Optional<String> fromGguf(String ggufName) {
        Matcher block = GGUF_BLOCK.matcher(ggufName);
        return block.matches()
                ? Optional.ofNullable(FROM_GGUF.get(block.group(2))).map(name -> PREFIX + "h." + block.group(1) + "." + name)
                : Optional.ofNullable(FROM_GGUF_OUTSIDE.get(ggufName));
    }

    @Override
    public Optional<String> tensorFromGguf(String ggufTensor) {
        int dot = ggufTensor.lastIndexOf('.');
        String module = ggufTensor.substring(0, Math.max(0, dot));
        Matcher block = GGUF_BLOCK.matcher(module);
        String ours = !block.matches() ? OUTSIDE.get(module)
                : NORMS.containsKey(block.group(2)) ? PREFIX + "h." + block.group(1) + "." + NORMS.get(block.group(2)) : null;
        return ours == null ? ModelNames.super.tensorFromGguf(ggufTensor) : Optional.of(ours + ggufTensor.substring(dot));
    }

    @Override
    public String bodyPrefix() {
        return PREFIX;
    }

    /** GPT-2's linear layers are Conv1D. */
    @Override
    public boolean isInByOut(String weight) {
        return weight.matches(".*\\.c_(attn|proj|fc)\\.weight");
    }

    @Override
    public boolean isMatrix(String weight) {
        return isInByOut(weight) || weight.equals(tokenTable()) || weight.equals(headWeight());
    }

    @Override
    public boolean isBuffer(String tensor) {
        return tensor.endsWith(".attn.bias") || tensor.endsWith(".attn.masked_bias");
    }

    @Override
    public List<String> parts(String module) {
        return module.endsWith(".c_attn") ? PARTS : List.of();
    }

    @Override
    public boolean isEmbedding(String module) {
        return module.equals("wte") || module.equals("wpe") || module.endsWith(".wte") || module.endsWith(".wpe");
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
        return module.equals(POSITIONS) || module.equals(SCORE) || toGguf(module).isPresent();
    }
}
