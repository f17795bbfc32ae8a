package org.lora4j.io;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.lora4j.Names;

/**
 * The fields of a JSON object, each asked for as the type it must have. A field that is absent or {@code null} is empty;
 * one of another type is a {@link FormatException} that names file, field, what was found and what was expected.
 */
public final class JsonFields {

    private final Path file;
    private final ObjectNode object;

    /**
     * The fields of an object.
     *
     * @param file where the object came from, for messages
     */
    public JsonFields(Path file, ObjectNode object) {
        this.file = file;
        this.object = object;
    }

    /** Reads a file that holds one object. */
    public static JsonFields read(Path file) {
        return new JsonFields(file, JsonFile.read(file));
    }

    /** Whether there is such a field, and it is not null. */
    public boolean has(String field) {
        return object.hasNonNull(field);
    }

    /** Whether the field is there, {@code null} or not. */
    public boolean names(String field) {
        return object.has(field);
    }

    /**
     * For fields where {@code null} means nothing that could be followed.
     *
     * @param expected what belongs there, for the message
     */
    public void requireNotNull(String field, String expected) {
        if (object.path(field).isNull()) {
            throw wrong(field, object.get(field), expected);
        }
    }

    /** A whole number that fits an int; {@code 8.0} is none. */
    public OptionalInt whole(String field) {
        return has(field) ? OptionalInt.of(whole(field, object.get(field))) : OptionalInt.empty();
    }

    /** A finite number. */
    public OptionalDouble number(String field) {
        return has(field) ? OptionalDouble.of(number(field, object.get(field))) : OptionalDouble.empty();
    }

    /** A field that is true or false, where it is there. */
    public Optional<Boolean> flag(String field) {
        if (has(field) && !object.get(field).isBoolean()) {
            throw wrong(field, object.get(field), "true or false");
        }
        return has(field) ? Optional.of(object.get(field).booleanValue()) : Optional.empty();
    }

    /** A field that is a text, where it is there. */
    public Optional<String> text(String field) {
        return has(field) ? Optional.of(text(field, object.get(field))) : Optional.empty();
    }

    /** A list of texts. */
    public Optional<List<String>> texts(String field) {
        if (!has(field)) {
            return Optional.empty();
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode element : list(field, "a list of texts")) {
            texts.add(text(field, element));
        }
        return Optional.of(texts);
    }

    /** A list of whole numbers, or one of them alone. */
    public Optional<List<Integer>> wholes(String field) {
        if (!has(field)) {
            return Optional.empty();
        }
        List<Integer> numbers = new ArrayList<>();
        JsonNode value = object.get(field);
        for (JsonNode element : value.isNumber() ? List.of(value) : list(field, "a list of whole numbers")) {
            numbers.add(whole(field, element));
        }
        return Optional.of(numbers);
    }

    /** A list of numbers. */
    public Optional<List<Double>> numbers(String field) {
        if (!has(field)) {
            return Optional.empty();
        }
        List<Double> numbers = new ArrayList<>();
        for (JsonNode element : list(field, "a list of numbers")) {
            numbers.add(number(field, element));
        }
        return Optional.of(numbers);
    }

    /** An object of whole numbers, in its order; empty if absent. */
    public Map<String, Integer> wholesByName(String field) {
        Map<String, Integer> values = new LinkedHashMap<>();
        members(field).forEach((name, value) -> values.put(name, whole(field + "." + name, value)));
        return values;
    }

    /** An object of numbers, in its order; empty if absent. */
    public Map<String, Double> numbersByName(String field) {
        Map<String, Double> values = new LinkedHashMap<>();
        members(field).forEach((name, value) -> values.put(name, number(field + "." + name, value)));
        return values;
    }

    /** Whether the field is a text, where it may also be something else. */
    public boolean isText(String field) {
        return object.path(field).isTextual();
    }

    /** What to throw where the object is not as it must be: it names the file. */
    public FormatException error(String problem) {
        return new FormatException(file, problem);
    }

    private Map<String, JsonNode> members(String field) {
        Map<String, JsonNode> members = new LinkedHashMap<>();
        if (has(field)) {
            if (!object.get(field).isObject()) {
                throw wrong(field, object.get(field), "an object of numbers");
            }
            object.get(field).properties().forEach(member -> members.put(member.getKey(), member.getValue()));
        }
        return members;
    }

    private JsonNode list(String field, String expected) {
        JsonNode value = object.get(field);
        if (!value.isArray()) {
            throw wrong(field, value, expected);
        }
        return value;
    }

    private int whole(String field, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw wrong(field, value, "a whole number below 2^31");
        }
        return value.intValue();
    }

    private double number(String field, JsonNode value) {
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw wrong(field, value, "a number");
        }
        return value.doubleValue();
    }

    private String text(String field, JsonNode value) {
        if (!value.isTextual()) {
            throw wrong(field, value, "a text");
        }
        return value.textValue();
    }

    private FormatException wrong(String field, JsonNode found, String expected) {
        return error("field " + Names.quoted(field) + " is " + shown(found) + ", expected " + expected);
    }

    /** A value as a message shows it: its JSON if that is short, else what kind it is. */
    public static String shown(JsonNode value) {
        if (value.isContainerNode() && value.size() > 3) {
            return value.isArray() ? "a list of " + value.size() : "an object of " + value.size() + " fields";
        }
        String json = value.toString();
        return json.length() <= 60 ? json : json.substring(0, 60) + "…";
    }
}
