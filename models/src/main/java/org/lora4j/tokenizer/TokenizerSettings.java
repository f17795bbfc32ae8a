package org.lora4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;

/**
 * What the files beside a vocabulary say of added and special tokens and of what is put before a text, read as
 * Transformers 5 reads them for a GPT-2:
 *
 * <pre>
 *   tokenizer_config.json      added_tokens_decoder: id → token; if it is there, the next three say nothing
 *   special_tokens_map.json    bos_token, eos_token, …: before those of tokenizer_config.json
 *   added_tokens.json          token → id
 *   tokenizer.json             added_tokens
 *   tokenizer_config.json      bos_token, eos_token, …, additional_special_tokens, add_prefix_space, add_bos_token
 * </pre>
 *
 * bos_token, eos_token and unk_token are {@code <|endoftext|>} where no file says otherwise.
 */
final class TokenizerSettings {

    static final String END_OF_TEXT = "<|endoftext|>";
    private static final String CONFIG = "tokenizer_config.json";
    private static final String SPECIAL = "special_tokens_map.json";
    private static final String ADDED = "added_tokens.json";
    private static final List<String> NAMED =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final List<String> BY_DEFAULT = List.of("bos_token", "eos_token", "unk_token");
    private static final List<String> LISTS = List.of("extra_special_tokens", "additional_special_tokens");

    private final Map<Integer, Entry> withId = new TreeMap<>();
    private final Map<String, Entry> named = new LinkedHashMap<>();
    private final List<Entry> others = new ArrayList<>();
    private boolean prefixSpace;
    private boolean bos;
    private boolean splitSpecial;
    private boolean left;
    private boolean ofGpt2 = true;

    /**
     * A token as a file describes it.
     *
     * @param content null where a name is explicitly that of no token
     * @param source  the file, for messages; null for what goes without saying
     */
    private record Entry(
            @Nullable String content, boolean special, boolean normalized, boolean lstrip, boolean rstrip, boolean singleWord,
            @Nullable Path source) {

        AddedToken as(int id) {
            return new AddedToken(content, id, special, normalized, lstrip, rstrip, singleWord);
        }
    }

    private TokenizerSettings() {
    }

    /** Of a vocabulary that has nothing beside it. */
    static TokenizerSettings none() {
        TokenizerSettings settings = new TokenizerSettings();
        settings.nameByDefault();
        return settings;
    }

    /** @param json the folder's {@code tokenizer.json}; null if it has none */
    static TokenizerSettings read(Path folder, @Nullable TokenizerJson json) {
        TokenizerSettings settings = new TokenizerSettings();
        Path file = folder.resolve(CONFIG);
        ObjectNode config = Files.exists(file) ? JsonFile.read(file) : null;
        if (config != null) {
            settings.readFlags(new JsonFields(file, config), json);
            settings.readNames(file, config);
        }
        if (settings.ofGpt2) {
            settings.nameByDefault();
        }
        if (config != null && config.hasNonNull("added_tokens_decoder")) {
            settings.readDecoder(file, config.get("added_tokens_decoder"));
        } else {
            Path special = folder.resolve(SPECIAL);
            if (Files.exists(special)) {
                settings.readNames(special, JsonFile.read(special));
            }
            settings.readAdded(folder.resolve(ADDED));
            if (json != null) {
                json.addedTokens().forEach(token -> settings.readWithId(json.file(), token.path("id"), token));
            }
        }
        if (json != null) {
            settings.bos = json.beginsWith() != null; // as Transformers: tokenizer.json's template, not add_bos_token
            if (settings.bos) {
                settings.named.put("bos_token", settings.nameOnly(json.file(), json.beginsWith()));
            }
            settings.prefixSpace = settings.ofGpt2 ? settings.prefixSpace : json.prefixSpace();
        }
        return settings;
    }

    private void readFlags(JsonFields config, @Nullable TokenizerJson json) {
        ofGpt2 = json == null || config.text("tokenizer_class").map(name -> name.startsWith("GPT2")).orElse(true);
        prefixSpace = config.flag("add_prefix_space").orElse(false);
        bos = config.flag("add_bos_token").orElse(false);
        splitSpecial = config.flag("split_special_tokens").orElse(false);
        left = config.text("padding_side").filter("left"::equals).isPresent();
        if (json == null && config.flag("add_eos_token").orElse(false)) {
            throw config.error("add_eos_token is true: no token is put behind a text here. Set it to false, and write the "
                    + "token where you want it");
        }
    }

    private void nameByDefault() {
        Entry endOfText = new Entry(END_OF_TEXT, true, false, false, false, false, null);
        BY_DEFAULT.forEach(name -> named.putIfAbsent(name, endOfText));
    }

    // ------------------------------------------------------------------------------------------------ reading

    private void readNames(Path file, ObjectNode json) {
        json.properties().forEach(field -> {
            String name = field.getKey();
            JsonNode value = field.getValue();
            if (NAMED.contains(name)) {
                named.put(name, value.isNull() ? new Entry(null, true, false, false, false, false, file) : entry(file, name, value));
            } else if (LISTS.contains(name) && !value.isNull()) {
                if (!value.isContainerNode()) {
                    throw wrong(file, name, value, "a list of tokens");
                }
                value.forEach(token -> others.add(entry(file, name, token)));
            } else if (name.endsWith("_token") && value.isTextual()) {
                others.add(entry(file, name, value)); // a name that one model alone has, such as image_token
            }
        });
    }

    private void readDecoder(Path file, JsonNode decoder) {
        if (!decoder.isObject()) {
            throw wrong(file, "added_tokens_decoder", decoder, "an object of id → token");
        }
        decoder.properties().forEach(field -> {
            String id = field.getKey();
            if (!id.matches("\\d{1,9}")) {
                throw new FormatException(file, "added_tokens_decoder has the id '" + id + "', expected a number from 0 on");
            }
            put(file, Integer.parseInt(id), tokenOf(file, "added_tokens_decoder", field.getValue(), false));
        });
    }

    private void readWithId(Path file, JsonNode id, JsonNode token) {
        if (!id.isInt()) {
            throw wrong(file, "added_tokens", id, "an id for each token");
        }
        put(file, id.intValue(), tokenOf(file, "added_tokens", token, false));
    }

    private void readAdded(Path file) {
        if (!Files.exists(file)) {
            return;
        }
        List<String> special = new ArrayList<>();
        named.values().stream().filter(entry -> entry.source != null).forEach(entry -> special.add(entry.content));
        others.forEach(entry -> special.add(entry.content));
        JsonFile.read(file).properties().forEach(field -> {
            if (!field.getValue().isInt()) {
                throw wrong(file, field.getKey(), field.getValue(), "the token's id");
            }
            boolean isSpecial = special.contains(field.getKey());
            put(file, field.getValue().intValue(),
                    new Entry(field.getKey(), isSpecial, !isSpecial, false, false, false, file));
        });
    }

    private void put(Path file, int id, Entry entry) {
        if (id < 0 || id > BpeFiles.MAX_ID) {
            throw new FormatException(file, "token '" + entry.content + "' has id " + id + ", expected 0 to " + BpeFiles.MAX_ID);
        }
        Entry before = withId.put(id, entry);
        if (before != null && !before.content.equals(entry.content)) {
            throw new FormatException(file, "tokens '" + before.content + "' and '" + entry.content + "' both have id " + id
                    + ", expected an id for each");
        }
    }

    private Entry entry(Path file, String field, JsonNode value) {
        return value.isTextual() ? nameOnly(file, value.textValue()) : tokenOf(file, field, value, true);
    }

    private Entry nameOnly(Path file, String content) {
        return new Entry(content, true, false, false, false, false, file);
    }

    private Entry tokenOf(Path file, String field, JsonNode value, boolean special) {
        if (!(value instanceof ObjectNode object) || !object.path("content").isTextual()) {
            throw wrong(file, field, value, "a token: its text, or an object with its content");
        }
        JsonFields fields = new JsonFields(file, object);
        boolean isSpecial = special || fields.flag("special").orElse(false);
        return new Entry(object.get("content").textValue(), isSpecial, fields.flag("normalized").orElse(!isSpecial),
                fields.flag("lstrip").orElse(false), fields.flag("rstrip").orElse(false),
                fields.flag("single_word").orElse(false), file);
    }

    private static FormatException wrong(Path file, String field, JsonNode found, String expected) {
        String json = found.toString();
        return new FormatException(file, "field \"" + field + "\" is " + (json.length() <= 60 ? json : json.substring(0, 60) + "…")
                + ", expected " + expected);
    }

    // ------------------------------------------------------------------------------------------------ what they come to

    /**
     * The added tokens, with their ids: the vocabulary's where it has the token, then what a file says, else the next
     * that is free.
     *
     * @throws FormatException if vocabulary and files contradict each other
     */
    AddedTokens tokens(BpeFiles vocabulary) {
        Map<String, AddedToken> tokens = new LinkedHashMap<>();
        int free = vocabulary.vocabSize();
        for (Map.Entry<Integer, Entry> known : withId.entrySet()) {
            Entry entry = known.getValue();
            int id = known.getKey();
            Integer inVocabulary = vocabulary.ids().get(entry.content);
            byte[] other = vocabulary.bytesOf(id);
            if (inVocabulary != null && inVocabulary != id || inVocabulary == null && other != null
                    || tokens.containsKey(entry.content)) {
                throw new FormatException(entry.source, "token '" + entry.content + "' has id " + id + " here, "
                        + (tokens.containsKey(entry.content) ? "and " + tokens.get(entry.content).id() + " too"
                        : inVocabulary != null ? inVocabulary + " in " + vocabulary.vocabName()
                        : "which is another token's in " + vocabulary.vocabName())
                        + ". Do the two belong together?");
            }
            free = Math.max(free, id + 1);
            if (!entry.content.isEmpty()) {
                tokens.put(entry.content, entry.as(id));
            }
        }
        List<Entry> special = new ArrayList<>();
        NAMED.stream().filter(named::containsKey).forEach(name -> special.add(named.get(name)));
        special.addAll(others);
        Set<String> withFileId = Set.copyOf(tokens.keySet());
        for (Entry entry : special) {
            String content = entry.content;
            if (content == null || content.isEmpty()) {
                continue;
            }
            Integer id = tokens.containsKey(content) ? Integer.valueOf(tokens.get(content).id()) : vocabulary.ids().get(content);
            if (withFileId.contains(content)) { // what is said with the id counts, and a name makes it special
                AddedToken known = tokens.get(content);
                tokens.put(content, named.containsValue(entry) ? known.asSpecial() : known);
            } else if (id != null) {
                tokens.put(content, entry.as(id));
            } else if (entry.source != null) { // what goes without saying may also be missing
                tokens.put(content, entry.as(free++));
            }
        }
        return new AddedTokens(tokens.values(), splitSpecial);
    }

    /** How the token that ends a text is written; null if the files say that there is none. */
    @Nullable String endOfText() {
        return name("eos_token");
    }

    /** How the token is written that begins every text; null if none does. */
    @Nullable String beginning() {
        return bos ? name("bos_token") : null;
    }

    /** How the token is written that fills texts up; null if the files name none. */
    @Nullable String padding() {
        return name("pad_token");
    }

    /** At which end texts are filled up ({@code padding_side}). */
    Side paddingSide() {
        return left ? Side.LEFT : Side.RIGHT;
    }

    private @Nullable String name(String field) {
        return named.containsKey(field) ? named.get(field).content : null;
    }

    /** Whether a text that does not begin with a space gets one. */
    boolean prefixSpace() {
        return prefixSpace;
    }

    boolean splitSpecial() {
        return splitSpecial;
    }
}
