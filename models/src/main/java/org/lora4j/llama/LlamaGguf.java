package org.lora4j.llama;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.family.GgufFields;

/** The {@code config.json} that a model of this family in one file of llama.cpp's would have. */
final class LlamaGguf {

    /** Of Gemma 2 and 3, the size whose scale is not that of its heads. */
    private static final int BLOCKS_OF_27B_2 = 46;
    private static final int BLOCKS_OF_27B_3 = 62;

    private LlamaGguf() {
    }

    static Map<String, Object> config(Variant variant, GgufFields file) {
        for (String factors : List.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")) {
            if (file.hasTensor(factors)) {
                throw file.error("has a table " + factors + ", so its rotary embeddings are stretched by numbers that it does not say");
            }
        }
        int width = file.whole("embedding_length");
        int heads = file.whole("attention.head_count");
        int headSize = file.wholeIfThere("attention.key_length").orElse(width / Math.max(1, heads));
        int blocks = file.whole("block_count");
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(variant.architecture));
        json.put("model_type", variant.modelType);
        json.put("vocab_size", file.rows("token_embd.weight"));
        json.put("hidden_size", width);
        json.put("intermediate_size", file.whole("feed_forward_length"));
        json.put("num_hidden_layers", blocks);
        json.put("num_attention_heads", heads);
        json.put("num_key_value_heads", file.wholeIfThere("attention.head_count_kv").orElse(heads));
        json.put("head_dim", headSize);
        json.put("max_position_embeddings", file.whole("context_length"));
        json.put("rms_norm_eps", file.number("attention.layer_norm_rms_epsilon").orElse(variant.defaults.epsilon()));
        json.put("tie_word_embeddings", !file.hasTensor("output.weight"));
        if (variant != Variant.QWEN2) {
            json.put("attention_bias", file.hasTensor("blk.0.attn_q.bias"));
            json.put("mlp_bias", file.hasTensor("blk.0.ffn_up.bias"));
        }
        if (variant.normsBranches()) {
            json.put("query_pre_attn_scalar", blocks == (variant == Variant.GEMMA2 ? BLOCKS_OF_27B_2 : BLOCKS_OF_27B_3) ? width / heads
                    : headSize);
            file.wholeIfThere("attention.sliding_window").ifPresent(window -> json.put("sliding_window", window));
            file.number("rope.freq_base_swa").ifPresent(theta -> json.put("rope_local_base_freq", theta));
            for (String cap : List.of("attn_logit_softcapping", "final_logit_softcapping")) {
                file.number(cap).ifPresent(value -> json.put(cap, value));
            }
        } else if (variant == Variant.PHI3) {
            int window = file.wholeIfThere("attention.sliding_window").orElse(0);
            json.put("sliding_window", window == 0 ? null : (Object) window);
        }
        putRope(json, file, headSize);
        return json;
    }

    private static void putRope(Map<String, Object> json, GgufFields file, int headSize) {
        file.number("rope.freq_base").ifPresent(theta -> json.put("rope_theta", theta));
        int turned = file.wholeIfThere("rope.dimension_count").orElse(headSize);
        if (turned != headSize) {
            json.put("partial_rotary_factor", (double) turned / headSize);
        }
        String kind = file.text("rope.scaling.type");
        if (kind.isEmpty() || kind.equals("none")) {
            return;
        }
        if (!kind.equals("linear") && !kind.equals("yarn")) {
            throw file.error(file.architecture() + ".rope.scaling.type is " + kind + ", expected none, linear or yarn");
        }
        Map<String, Object> scaling = new LinkedHashMap<>();
        scaling.put("rope_type", kind);
        scaling.put("factor", file.number("rope.scaling.factor").orElse(1));
        if (kind.equals("yarn")) {
            file.wholeIfThere("rope.scaling.original_context_length").ifPresent(
                    length -> scaling.put("original_max_position_embeddings", length));
            file.number("rope.scaling.yarn_beta_fast").ifPresent(beta -> scaling.put("beta_fast", beta));
            file.number("rope.scaling.yarn_beta_slow").ifPresent(beta -> scaling.put("beta_slow", beta));
        }
        json.put("rope_scaling", scaling);
    }
}
