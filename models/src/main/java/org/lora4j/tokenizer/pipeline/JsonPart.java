package org.lora4j.tokenizer.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;

/**
 * A place in a {@code tokenizer.json}. What is asked for and has another type is a {@link FormatException} with the file and
 * the place, such as {@code pre_tokenizer.pretokenizers[1].behavior}.
 */
public final class JsonPart {

    /** Components may hold others; no real file goes deeper. */
    private static final int DEEPEST = 32;

    private final Path file;
    private final @Nullable JsonPart parent;
    private final Object key; // a field's name, or a number in a list
    private final JsonNode value;
    private final int depth;

    private JsonPart(Path file, @Nullable JsonPart parent, Object key, JsonNode value) {
        this.file = file;
        this.parent = parent;
        this.key = key;
        this.value = value;
        this.depth = parent == null ? 0 : parent.depth + 1;
        if (depth > DEEPEST) {
            throw new FormatException(file, parent.place() + " lies " + DEEPEST + " levels deep, expected fewer");
        }
    }

    public static JsonPart root(Path file, ObjectNode root) {
        return new JsonPart(file, null, "", root);
    }

    /** As in {@code normalizer.normalizers[2].type}. */
    private String place() {
        if (parent == null) {
            return "";
        }
        String before = parent.place();
        return key instanceof Integer ? before + "[" + key + "]" : before.isEmpty() ? key.toString() : before + "." + key;
    }

    public Path file() {
        return file;
    }

    /** Whether there is nothing here, or {@code null}. */
    public boolean isMissing() {
        return value.isMissingNode() || value.isNull();
    }

    public boolean isText() {
        return value.isTextual();
    }

    public boolean isList() {
        return value.isArray();
    }

    /** Whether the object here has the field, null or not. */
    public boolean names(String field) {
        return value.has(field);
    }

    public JsonPart get(String field) {
        if (!value.isObject()) {
            throw wrong("an object");
        }
        return new JsonPart(file, this, field, value.path(field));
    }

    /** The elements of a list. */
    public List<JsonPart> list() {
        if (!value.isArray()) {
            throw wrong("a list");
        }
        List<JsonPart> parts = new ArrayList<>(value.size());
        for (int i = 0; i < value.size(); i++) {
            parts.add(new JsonPart(file, this, i, value.get(i)));
        }
        return parts;
    }

    /** The members of an object, in its order; of none if there is nothing here. */
    public Map<String, JsonPart> members() {
        Map<String, JsonPart> members = new LinkedHashMap<>();
        if (!isMissing()) {
            if (!value.isObject()) {
                throw wrong("an object");
            }
            value.properties().forEach(
                    field -> members.put(field.getKey(), new JsonPart(file, this, field.getKey(), field.getValue())));
        }
        return members;
    }

    /** Tokens and their ids. */
    public Map<String, Integer> ids() {
        if (!value.isObject()) {
            throw wrong("an object of token → id");
        }
        Map<String, Integer> ids = LinkedHashMap.newLinkedHashMap(value.size());
        value.properties().forEach(field -> {
            JsonNode id = field.getValue();
            if (!id.isInt() || id.intValue() < 0) {
                throw new FormatException(file, place() + " gives token " + Names.quoted(field.getKey()) + " the id "
                        + JsonFields.shown(id) + ", expected a number from 0 on");
            }
            ids.put(field.getKey(), id.intValue());
        });
        return ids;
    }

    public String text() {
        if (!value.isTextual()) {
            throw wrong("a text");
        }
        return value.textValue();
    }

    public Optional<String> textIfThere() {
        return isMissing() ? Optional.empty() : Optional.of(text());
    }

    /** A text of one character. */
    public int character() {
        String text = text();
        if (text.codePointCount(0, text.length()) != 1) {
            throw wrong("one character");
        }
        return text.codePointAt(0);
    }

    public boolean flag() {
        if (!value.isBoolean()) {
            throw wrong("true or false");
        }
        return value.booleanValue();
    }

    /** What is here, or {@code otherwise} if there is nothing. */
    public boolean flag(boolean otherwise) {
        return isMissing() ? otherwise : flag();
    }

    /** A whole number from 0 on. */
    public int whole() {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
            throw wrong("a whole number from 0 on");
        }
        return value.intValue();
    }

    /** A finite number. */
    public double number() {
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw wrong("a number");
        }
        return value.doubleValue();
    }

    /** What kind of component is here: its field {@code type}. */
    public String type() {
        if (!value.isObject()) {
            throw wrong("an object with a type");
        }
        return get("type").text();
    }

    /** One of a few words, as an enum whose constants are these in capital letters. */
    public <E extends Enum<E>> E oneOf(Class<E> words) {
        String found = text().replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT);
        for (E word : words.getEnumConstants()) {
            if (word.name().equals(found)) {
                return word;
            }
        }
        throw wrong("one of " + List.of(words.getEnumConstants()).toString().toLowerCase(Locale.ROOT));
    }

    /** What is to be thrown for a value of the wrong kind. */
    public FormatException wrong(String expected) {
        return error("is " + (value.isMissingNode() ? "missing" : JsonFields.shown(value)) + ", expected " + expected);
    }

    /** What is to be thrown for a component of a kind that is not known. */
    public FormatException unknownType(String what, List<String> known) {
        return new FormatException(file, place() + ".type is " + Names.quoted(type()) + ", and no such " + what
                + " is known here, but " + String.join(", ", known));
    }

    /** @param problem what follows the place's name */
    public FormatException error(String problem) {
        return new FormatException(file, (parent == null ? "the whole" : place()) + " " + problem);
    }
}
