package org.lora4j.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lora4j.LoraException;

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

    /** A JSON object a line, with the strings {@code context} and {@code completion}; other fields are ignored. */
    JSON_LINES(".jsonl") {
        @Override
        boolean startsLike(String line) {
            return line.startsWith("{");
        }

        @Override
        List<TextPair> read(String name, BufferedReader reader) throws IOException {
            return readLines(name, reader, TextFormat::fromJson);
        }
    },

    /** The paper's authors' own: {@code context||completion} in each line. */
    DOUBLE_BARS(".txt") {
        @Override
        boolean startsLike(String line) {
            return line.contains(BARS);
        }

        @Override
        List<TextPair> read(String name, BufferedReader reader) throws IOException {
            return readLines(name, reader, TextFormat::fromBars);
        }
    };

    private static final String BARS = "||";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A first line longer than this does not tell the format. */
    private static final int LOOK_AHEAD = 1 << 16;

    private final String ending;

    TextFormat(String ending) {
        this.ending = ending;
    }

    String ending() {
        return ending;
    }

    abstract boolean startsLike(String line);

    abstract List<TextPair> read(String name, BufferedReader reader) throws IOException;

    static TextFormat of(String name, BufferedReader reader) throws IOException {
        for (TextFormat format : values()) {
            if (name.toLowerCase(Locale.ROOT).endsWith(format.ending)) {
                return format;
            }
        }
        char[] start = new char[LOOK_AHEAD];
        reader.mark(LOOK_AHEAD);
        int n = reader.read(start);
        reader.reset();
        String line = new String(start, 0, Math.max(n, 0)).strip().lines().findFirst().orElse("");
        for (TextFormat format : values()) {
            if (format.startsLike(line)) {
                return format;
            }
        }
        throw new LoraException(name + ": no known data format. Expected .csv with the header mr,ref,"
                + " .jsonl with {\"context\": …, \"completion\": …} in each line, .txt with context||completion in each line,"
                + " or a zip or folder of such files; it begins with \"" + abbreviate(line) + "\"");
    }

    private interface LineParser {

        /** @throws LoraException that says what was expected and found, without file and line */
        TextPair parse(String line);
    }

    private static List<TextPair> readLines(String name, BufferedReader reader, LineParser parser) throws IOException {
        List<TextPair> pairs = new ArrayList<>();
        int number = 0;
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            try {
                pairs.add(parser.parse(line));
            } catch (LoraException e) {
                throw new LoraException(name + ", line " + number + ": " + e.getMessage(), e);
            }
        }
        return pairs;
    }

    private static TextPair fromBars(String line) {
        int bars = line.indexOf(BARS);
        if (bars < 0 || line.indexOf(BARS, bars + BARS.length()) >= 0) {
            throw new LoraException("expected context||completion with || once, found \"" + abbreviate(line) + "\"");
        }
        return new TextPair(line.substring(0, bars), line.substring(bars + BARS.length()));
    }

    private static TextPair fromJson(String line) {
        JsonNode object;
        try {
            object = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new LoraException("no JSON object: " + e.getOriginalMessage(), e);
        }
        return new TextPair(string(object, "context", line), string(object, "completion", line));
    }

    private static String string(JsonNode object, String field, String line) {
        JsonNode value = object.get(field);
        if (value == null || !value.isTextual()) {
            throw new LoraException("expected {\"context\": \"…\", \"completion\": \"…\"}, found "
                    + (value == null ? "no " + field : "a " + field + " that is no string") + " in " + abbreviate(line));
        }
        return value.textValue();
    }

    private static String abbreviate(String line) {
        return line.length() <= 80 ? line : line.substring(0, 79) + "…";
    }
}
