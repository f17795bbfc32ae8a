package org.lora4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;
import org.lora4j.tokenizer.pipeline.SentencePieceWriter;

/**
 * The tokenizer of a model of llama.cpp's, as the files that a folder would have:
 *
 * <pre>
 *   tokenizer.ggml.model   gpt2     tokenizer.json, a byte-level BPE of tokens and merges, whose words pre says
 *                          llama    tokenizer.model, a BPE of SentencePiece's, of tokens and scores
 *   tokenizer.ggml.token_type       control tokens are special, user-defined ones are found in texts too
 *   bos_token_id, eos_token_id, eot_token_id, add_bos_token, tokenizer.chat_template
 *                                   tokenizer_config.json and generation_config.json
 * </pre>
 */
public final class GgufTokenizer {

    private static final String KEY = "tokenizer.ggml.";
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    private static final String LLAMA_3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final Map<String, Object> BYTE_LEVEL = Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true);
    /** How texts become words, by what {@code tokenizer.ggml.pre} calls it. */
    private static final Map<String, Object> WORDS = words();

    private final GgufFile file;
    private final List<String> tokens;
    private final double[] types;

    private GgufTokenizer(GgufFile file) {
        this.file = file;
        tokens = file.texts(KEY + "tokens");
        types = file.values().containsKey(KEY + "token_type") ? file.numbers(KEY + "token_type") : new double[tokens.size()];
        if (types.length != tokens.size()) {
            throw error("token_type has " + types.length + " numbers, expected one for each of " + tokens.size() + " tokens");
        }
    }

    /**
     * The files, by their names.
     *
     * @throws FormatException if it is of another kind, or says too little
     */
    public static Map<String, byte[]> files(GgufFile file) {
        String model = file.values().containsKey(KEY + "model") ? file.values().get(KEY + "model").toString() : "missing";
        if (!model.equals("gpt2") && !model.equals("llama")) {
            throw error(file, "model is " + Names.quoted(model) + ", expected \"gpt2\" or \"llama\"");
        }
        GgufTokenizer tokenizer = new GgufTokenizer(file);
        Map<String, byte[]> files = new LinkedHashMap<>();
        if (model.equals("gpt2")) {
            files.put(PipelineFile.FILE_NAME, json(tokenizer.byteLevel()));
        } else {
            files.put("tokenizer.model", tokenizer.sentencePiece());
        }
        files.put("tokenizer_config.json", json(tokenizer.settings(model.equals("llama"))));
        files.put("generation_config.json", json(tokenizer.ends()));
        return files;
    }

    // ------------------------------------------------------------------------------------------------ byte-level BPE

    private Map<String, Object> byteLevel() {
        String pre = text("pre", "missing");
        if (!WORDS.containsKey(pre)) {
            throw error("pre is " + Names.quoted(pre) + ", which says how texts become words; known are "
                    + String.join(", ", WORDS.keySet().stream().sorted().toList()));
        }
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        List<Map<String, Object>> added = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            if (types[id] == CONTROL || types[id] == USER_DEFINED) {
                added.add(Map.of("id", id, "content", tokens.get(id), "special", types[id] == CONTROL, "normalized", false, "lstrip",
                        false, "rstrip", false, "single_word", false));
            } else if (vocabulary.put(tokens.get(id), id) != null) {
                throw error("tokens has " + Names.quoted(tokens.get(id)) + " twice");
            }
        }
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("ignore_merges", pre.equals("llama-bpe"));
        model.put("vocab", vocabulary);
        model.put("merges", file.texts(KEY + "merges"));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("added_tokens", added);
        json.put("normalizer", pre.equals("qwen2") ? Map.of("type", "NFC") : null);
        json.put("pre_tokenizer", WORDS.get(pre));
        json.put("post_processor", null);
        json.put("decoder", BYTE_LEVEL);
        json.put("model", model);
        return json;
    }

    private static Map<String, Object> words() {
        Map<String, Object> words = new LinkedHashMap<>();
        words.put("gpt-2", BYTE_LEVEL);
        words.put("llama-bpe", split(LLAMA_3));
        words.put("qwen2", split(LLAMA_3.replace("{1,3}", "")));
        words.put("smollm", Map.of("type", "Sequence", "pretokenizers",
                List.of(Map.of("type", "Digits", "individual_digits", true), BYTE_LEVEL)));
        return words;
    }

    private static Map<String, Object> split(String regex) {
        Map<String, Object> bytes = new LinkedHashMap<>(BYTE_LEVEL);
        bytes.put("use_regex", false);
        return Map.of("type", "Sequence", "pretokenizers", List.of(Map.of("type", "Split", "pattern", Map.of("Regex", regex),
                "behavior", "Isolated", "invert", false), bytes));
    }

    // ------------------------------------------------------------------------------------------------ SentencePiece

    private byte[] sentencePiece() {
        double[] scores = file.numbers(KEY + "scores");
        if (scores.length != tokens.size()) {
            throw error("scores has " + scores.length + " numbers, expected one for each of " + tokens.size() + " tokens");
        }
        SentencePieceWriter writer = new SentencePieceWriter();
        for (int id = 0; id < scores.length; id++) {
            if (types[id] < 1 || types[id] > 6) {
                throw error("token_type of " + Names.quoted(tokens.get(id)) + " is " + (long) types[id] + ", expected 1 to 6");
            }
            writer.piece(tokens.get(id), (float) scores[id], (int) types[id]);
        }
        Integer unknown = id("unknown_token_id");
        return writer.bytes(unknown == null ? 0 : unknown, flag("add_space_prefix", true));
    }

    // ------------------------------------------------------------------------------------------------ beside it

    private Map<String, Object> settings(boolean sentencePiece) {
        Map<String, Object> settings = new LinkedHashMap<>();
        Map.of("bos_token", "bos_token_id", "eos_token", "eos_token_id", "unk_token", "unknown_token_id", "pad_token",
                "padding_token_id").forEach((name, key) -> {
                    Integer id = id(key);
                    if (id != null) {
                        settings.put(name, tokens.get(id));
                    }
                });
        settings.put("add_bos_token", flag("add_bos_token", sentencePiece || text("pre", "").equals("llama-bpe")));
        settings.put("add_eos_token", flag("add_eos_token", false));
        GgufValue template = file.values().get("tokenizer.chat_template");
        if (template != null) {
            settings.put("chat_template", template.toString());
        }
        return settings;
    }

    private Map<String, Object> ends() {
        Set<Integer> ends = new LinkedHashSet<>();
        for (String key : List.of("eos_token_id", "eot_token_id")) {
            Integer id = id(key);
            if (id != null) {
                ends.add(id);
            }
        }
        return Map.of("eos_token_id", ends);
    }

    private @Nullable Integer id(String key) {
        GgufValue value = file.values().get(KEY + key);
        if (value == null) {
            return null;
        }
        if (!(value.value() instanceof Long id) || id < 0 || id >= tokens.size()) {
            throw error(key + " is " + value + ", expected 0 to " + (tokens.size() - 1));
        }
        return Math.toIntExact(id);
    }

    private boolean flag(String key, boolean otherwise) {
        GgufValue value = file.values().get(KEY + key);
        return value == null ? otherwise : Boolean.TRUE.equals(value.value());
    }

    private String text(String key, String otherwise) {
        GgufValue value = file.values().get(KEY + key);
        return value == null ? otherwise : value.toString();
    }

    private static byte[] json(Map<String, Object> value) {
        try {
            return new ObjectMapper().writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private FormatException error(String problem) {
        return error(file, problem);
    }

    private static FormatException error(GgufFile file, String problem) {
        return new FormatException(file.path(), KEY + problem + ". Put the config.json and the tokenizer.json of the model that it was "
                + "made of beside it, and name the folder");
    }
}
