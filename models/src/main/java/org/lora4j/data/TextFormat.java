package org.lora4j.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.JsonLines;
import org.lora4j.io.TextInput;

/** The ways of writing pairs in a text file, told apart by the file's ending or, failing that, by its first line. */
enum TextFormat {

    /** E2E's own: CSV with the header {@code mr,ref}. */
    E2E_CSV(".csv") {
        @Override
        boolean startsLike(String line) {
            return line.toLowerCase(Locale.ROOT).replace("\"", "").matches("mr(,.*)?");
        }

        @Override
        List<TextPair> read(String name, BufferedReader reader) throws IOException {
            return E2eFormat.readCsv(name, reader);
        }
    },

    /** JSON objects with the strings {@code context} and {@code completion}, kept as they are; other fields are ignored. */
    JSON_LINES(".jsonl", ".ndjson", ".json") {
        @Override
        boolean startsLike(String line) {
            return line.startsWith("{") || line.startsWith("[");
        }

        @Override
        List<TextPair> read(String name, BufferedReader reader) throws IOException {
            List<TextPair> pairs = new ArrayList<>();
            try (JsonLines lines = new JsonLines(name, EXPECTED, reader)) {
                for (ObjectNode object = lines.next(); object != null; object = lines.next()) {
                    Place place = new Place(name, lines.line());
                    pairs.add(new TextPair(string(object, "context", place), string(object, "completion", place), place));
                }
            }
            return pairs;
        }
    },

    /** The paper's authors' own: {@code context||completion} in each line, without white space around either. */
    DOUBLE_BARS(".txt") {
        @Override
        boolean startsLike(String line) {
            return line.contains(BARS);
        }

        @Override
        List<TextPair> read(String name, BufferedReader reader) throws IOException {
            List<TextPair> pairs = new ArrayList<>();
            int number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                if (!line.isBlank()) {
                    pairs.add(fromBars(line, new Place(name, number)));
                }
            }
            return pairs;
        }
    };

    private static final String BARS = "||";
    private static final String EXPECTED = "{\"context\": \"…\", \"completion\": \"…\"}";

    /** A first line longer than this does not tell the format. */
    private static final int LOOK_AHEAD = 1 << 16;

    private final List<String> endings;

    TextFormat(String... endings) {
        this.endings = List.of(endings);
    }

    /** What of a file's name says its format, perhaps with {@code .gz} behind it; null if nothing does. */
    static @Nullable String endingOf(String name) {
        String unpacked = TextInput.unpackedName(name);
        for (TextFormat format : values()) {
            for (String ending : format.endings) {
                if (unpacked.toLowerCase(Locale.ROOT).endsWith(ending)) {
                    return name.substring(unpacked.length() - ending.length());
                }
            }
        }
        return null;
    }

    abstract boolean startsLike(String line);

    /** @throws LoraException that names file and line */
    abstract List<TextPair> read(String name, BufferedReader reader) throws IOException;

    static TextFormat of(String name, BufferedReader reader) throws IOException {
        String unpacked = TextInput.unpackedName(name).toLowerCase(Locale.ROOT);
        for (TextFormat format : values()) {
            if (format.endings.stream().anyMatch(unpacked::endsWith)) {
                return format;
            }
        }
        char[] start = new char[LOOK_AHEAD];
        reader.mark(LOOK_AHEAD);
        int n = 0; // a pipe gives what it has, which may be less than a line
        for (int more = 0; more >= 0 && n < LOOK_AHEAD; more = reader.read(start, n, LOOK_AHEAD - n)) {
            n += more;
        }
        reader.reset();
        String line = new String(start, 0, n).strip().lines().findFirst().orElse("");
        for (TextFormat format : values()) {
            if (format.startsLike(line)) {
                return format;
            }
        }
        throw new LoraException(Names.oneLine(name + ": no known data format. Expected .csv with the header mr,ref,"
                + " .jsonl with {\"context\": …, \"completion\": …} in each line, .txt with context||completion in each line,"
                + " or a zip or folder of such files; it "
                + (line.isEmpty() ? "is empty" : "begins with \"" + abbreviate(line) + "\"")));
    }

    private static TextPair fromBars(String line, Place place) {
        int bars = line.indexOf(BARS);
        if (bars < 0 || line.indexOf(BARS, bars + BARS.length()) >= 0) {
            throw new LoraException(
                    place + ": expected context||completion with || once, found \"" + Names.oneLine(abbreviate(line)) + "\"");
        }
        return TextPair.stripped(line.substring(0, bars), line.substring(bars + BARS.length()), place);
    }

    private static String string(ObjectNode object, String field, Place place) {
        JsonNode value = object.get(field);
        if (value == null || !value.isTextual()) {
            String found = value != null ? field + " " + Names.oneLine(abbreviate(value.toString())) + ", which is no text"
                    : object.isEmpty() ? "no keys"
                    : "no " + field + " among the keys "
                            + Names.some(object.properties().stream().map(Map.Entry::getKey).toList(), 8);
            throw new LoraException(place + ": expected " + EXPECTED + ", found " + found);
        }
        return value.textValue();
    }

    private static String abbreviate(String line) {
        return line.length() <= 80 ? line : line.substring(0, 79) + "…";
    }
}
