package org.lora4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;

/**
 * What the files beside a {@code tokenizer.json}, or an older vocabulary, say of special and added tokens:
 *
 * <pre>
 *   tokenizer_config.json      added_tokens_decoder: id → token; if it is there, the next two say nothing
 *   special_tokens_map.json    bos_token, sep_token, …: before those of tokenizer_config.json
 *   added_tokens.json          token → id
 *   tokenizer_config.json      bos_token, sep_token, …, extra_special_tokens; padding_side, truncation_side, model_max_length
 * </pre>
 */
final class FolderTokens {

    private static final String CONFIG = "tokenizer_config.json";
    private static final List<String> NAMED =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final List<String> LISTS = List.of("extra_special_tokens", "additional_special_tokens");
    private static final int NO_LIMIT = 1_000_000; // Transformers writes 10³⁰ for none

    private final JsonFields config;
    private final Map<String, Spelt> named = new LinkedHashMap<>();
    private final List<Spelt> others = new ArrayList<>();
    private final Map<Integer, Spelt> withId = new LinkedHashMap<>();

    /** A token as a file describes it; the flags are null where the file has a text only. */
    record Spelt(String content, @Nullable AddedToken flags) {

        /** With its own flags where it has some, else as a special token is. */
        AddedToken as(int id, boolean special) {
            AddedToken is = flags == null ? AddedToken.special(content, id) : flags;
            return new AddedToken(content, id, special || is.special(), is.normalized(), is.lstrip(), is.rstrip(), is.singleWord());
        }
    }

    private FolderTokens(JsonFields config) {
        this.config = config;
    }

    static FolderTokens read(Path folder) {
        Path file = folder.resolve(CONFIG);
        ObjectNode json = Files.exists(file) ? JsonFile.read(file) : null;
        FolderTokens tokens = new FolderTokens(new JsonFields(file, json == null ? JsonNodeFactory.instance.objectNode() : json));
        if (json != null) {
            tokens.readNames(file, json);
        }
        if (json != null && json.hasNonNull("added_tokens_decoder")) {
            tokens.readDecoder(file, json.get("added_tokens_decoder"));
            return tokens;
        }
        Path special = folder.resolve("special_tokens_map.json");
        if (Files.exists(special)) {
            tokens.readNames(special, JsonFile.read(special));
        }
        Path added = folder.resolve("added_tokens.json");
        if (Files.exists(added)) {
            JsonFile.read(added).properties().forEach(field -> {
                if (!field.getValue().isInt()) {
                    throw wrong(added, field.getKey(), field.getValue(), "the token's id");
                }
                AddedToken flags = new AddedToken(field.getKey(), 0, false, true, false, false, false);
                tokens.put(added, field.getValue().intValue(), new Spelt(field.getKey(), flags));
            });
        }
        return tokens;
    }

    private void readNames(Path file, ObjectNode json) {
        json.properties().forEach(field -> {
            String name = field.getKey();
            JsonNode value = field.getValue();
            if (NAMED.contains(name) && value.isNull()) {
                named.remove(name);
            } else if (NAMED.contains(name)) {
                named.put(name, spelt(file, name, value));
            } else if (LISTS.contains(name) && !value.isNull()) {
                if (!value.isContainerNode()) {
                    throw wrong(file, name, value, "a list of tokens");
                }
                value.forEach(token -> others.add(spelt(file, name, token)));
            } else if (name.endsWith("_token") && value.isTextual()) {
                others.add(spelt(file, name, value)); // a name that one model alone has, such as image_token
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
            put(file, Integer.parseInt(id), spelt(file, "added_tokens_decoder", field.getValue()));
        });
    }

    private void put(Path file, int id, Spelt token) {
        if (id < 0 || id > BpeFiles.MAX_ID) {
            throw new FormatException(file, "token '" + token.content + "' has id " + id + ", expected 0 to " + BpeFiles.MAX_ID);
        }
        withId.put(id, token);
    }

    static Spelt spelt(Path file, String field, JsonNode value) {
        if (value.isTextual()) {
            return new Spelt(value.textValue(), null);
        }
        if (!(value instanceof ObjectNode object) || !object.path("content").isTextual()) {
            throw wrong(file, field, value, "a token: its text, or an object with its content");
        }
        JsonFields fields = new JsonFields(file, object);
        String content = object.get("content").textValue();
        boolean special = fields.flag("special").orElse(false);
        return new Spelt(content, new AddedToken(content, 0, special, fields.flag("normalized").orElse(!special),
                fields.flag("lstrip").orElse(false), fields.flag("rstrip").orElse(false),
                fields.flag("single_word").orElse(false)));
    }

    private static FormatException wrong(Path file, String field, JsonNode found, String expected) {
        return new FormatException(file, "field \"" + field + "\" is " + JsonFields.shown(found) + ", expected " + expected);
    }

    // ------------------------------------------------------------------------------------------------ what they say

    /** Names as a kind of tokenizer has them where the files say nothing: {@code cls_token} → {@code [CLS]}. */
    void nameByDefault(Map<String, String> names) {
        names.forEach((name, content) -> named.putIfAbsent(name, new Spelt(content, null)));
    }

    /** A token that takes in the white space before it, where no file says how it is. */
    void stripsByDefault(String name) {
        Spelt known = named.get(name);
        if (known != null && known.flags == null) {
            named.put(name, new Spelt(known.content, new AddedToken(known.content, 0, true, false, true, false, false)));
        }
    }

    /** How the token of a name such as {@code sep_token} is written; null if there is none. */
    @Nullable String name(String field) {
        Spelt token = named.get(field);
        return token == null ? null : token.content;
    }

    /**
     * All added tokens.
     *
     * @param known      those of a {@code tokenizer.json}, which these change and join
     * @param vocabulary the model's; a token of it has its id
     */
    List<AddedToken> join(List<AddedToken> known, Map<String, Integer> vocabulary) {
        Map<String, AddedToken> tokens = new LinkedHashMap<>();
        int free = vocabulary.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        for (AddedToken token : known) {
            tokens.put(token.content(), token);
            free = Math.max(free, token.id() + 1);
        }
        for (Map.Entry<Integer, Spelt> entry : withId.entrySet()) {
            Spelt token = entry.getValue();
            int id = tokens.containsKey(token.content) ? tokens.get(token.content).id()
                    : vocabulary.getOrDefault(token.content, entry.getKey());
            tokens.put(token.content, token.as(id, false));
            free = Math.max(free, id + 1);
        }
        List<Spelt> special = new ArrayList<>(named.values());
        special.addAll(others);
        for (Spelt token : special) {
            AddedToken before = tokens.get(token.content);
            if (token.content.isEmpty()) {
                continue;
            }
            if (before != null && token.flags == null) {
                tokens.put(token.content, before.asSpecial());
            } else if (before != null) {
                tokens.put(token.content, token.as(before.id(), true));
            } else {
                Integer id = vocabulary.get(token.content);
                tokens.put(token.content, token.as(id == null ? free++ : id, true));
            }
        }
        return List.copyOf(tokens.values());
    }

    Optional<Boolean> flag(String field) {
        return config.flag(field);
    }

    Optional<String> text(String field) {
        return config.text(field);
    }

    Optional<List<String>> texts(String field) {
        return config.texts(field);
    }

    /** The side that a field names; empty if it is not there. */
    Optional<Side> side(String field) {
        return config.text(field).map(side -> switch (side) {
            case "left" -> Side.LEFT;
            case "right" -> Side.RIGHT;
            default -> throw config.error("field \"" + field + "\" is \"" + side + "\", expected left or right");
        });
    }

    /** {@code model_max_length}; empty where it is no number or means none. */
    OptionalInt maxLength() {
        if (!config.has("model_max_length")) {
            return OptionalInt.empty();
        }
        double length = config.number("model_max_length").orElseThrow();
        return length >= 1 && length <= NO_LIMIT ? OptionalInt.of((int) length) : OptionalInt.empty();
    }
}
