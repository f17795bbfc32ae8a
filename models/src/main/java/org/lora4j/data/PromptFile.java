package org.lora4j.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.Chat;
import org.lora4j.io.FileErrors;
import org.lora4j.io.JsonLines;
import org.lora4j.io.TextInput;

/**
 * A file of prompts, UTF-8 with or without a byte order mark, perhaps packed by gzip. Either one prompt a line, or JSON
 * Lines, which can name an adapter for each prompt and hold line breaks within one, or nothing: an empty prompt. It is JSON
 * Lines if its name ends so or it begins with a brace:
 *
 * <pre>
 *   {"adapter": "legal", "prompt": "The tenant shall"}
 *   {"adapter": "medical", "prompt": "The patient shall", "id": 7}
 *   {"prompt": "The base alone, or the only adapter, writes on here"}
 * </pre>
 *
 * Other fields are passed over, as in data, unless their name is nearly one of the two.
 */
public final class PromptFile {

    /** What stands for standard input. */
    public static final String STANDARD_INPUT = "-";

    private static final String ADAPTER = "adapter";
    private static final String PROMPT = "prompt";
    private static final String EXPECTED = "{\"adapter\": \"a\", \"prompt\": \"Some text\"}";

    private PromptFile() {
    }

    /**
     * One prompt.
     *
     * @param line    where it stands, counted from 1
     * @param adapter the name it gives, or null
     * @param text    what to continue; may be empty
     * @param chat    the messages to answer, of which the text is the last; null where there is only the text
     */
    public record Line(int line, @Nullable String adapter, String text, @Nullable Chat chat) {

        /** A text alone. */
        public Line(int line, @Nullable String adapter, String text) {
            this(line, adapter, text, null);
        }
    }

    /**
     * The prompts of a file, or of standard input if it is called {@value #STANDARD_INPUT}; blank lines are passed over.
     *
     * @throws LoraException if it cannot be read, holds no prompt, or is JSON Lines with a line that is no prompt; the
     *                       message names the line
     */
    public static List<Line> read(Path file) {
        try {
            if (file.toString().equals(STANDARD_INPUT)) {
                return read(STANDARD_INPUT, System.in);
            }
            try (InputStream in = Files.newInputStream(file)) {
                return read(file.toString(), in);
            }
        } catch (IOException e) {
            throw new LoraException("`prompts`: " + FileErrors.reading(file, e).getMessage(), e);
        }
    }

    /** @param name for error messages, and its ending may say that it is JSON Lines */
    static List<Line> read(String name, InputStream in) throws IOException {
        String file = "`prompts` " + name;
        String text = TextInput.read(file, in);
        List<Line> prompts = isJson(name, text) ? parse(file, text) : lines(text);
        if (prompts.isEmpty()) {
            throw new LoraException(Names.oneLine(file + ": has no prompt in it, expected one a line"));
        }
        return prompts;
    }

    private static boolean isJson(String name, String text) {
        String unpacked = TextInput.unpackedName(name).toLowerCase(Locale.ROOT);
        String start = text.stripLeading();
        // a prompt may well begin with a bracket, but hardly with a list of objects
        return start.startsWith("{") || start.matches("(?s)\\[\\s*\\{\\s*\".*")
                || unpacked.endsWith(".jsonl") || unpacked.endsWith(".ndjson") || unpacked.endsWith(".json");
    }

    private static List<Line> lines(String text) {
        List<Line> prompts = new ArrayList<>();
        int number = 0;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            number++;
            if (!line.isBlank()) {
                prompts.add(new Line(number, null, line));
            }
        }
        return prompts;
    }

    private static List<Line> parse(String file, String text) throws IOException {
        List<Line> prompts = new ArrayList<>();
        try (JsonLines lines = new JsonLines(file, EXPECTED, new StringReader(text))) {
            for (ObjectNode object = lines.next(); object != null; object = lines.next()) {
                prompts.add(prompt(file, lines.line(), object));
            }
        }
        return prompts;
    }

    private static Line prompt(String file, int number, ObjectNode json) {
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            String key = field.getKey();
            boolean known = key.equals(ADAPTER) || key.equals(PROMPT);
            if (!known) {
                // passed over, a slip in "adapter" would let the base write
                Names.nearest(key, List.of(ADAPTER, PROMPT), 1).stream()
                        .filter(meant -> !json.has(meant) && key.charAt(0) == meant.charAt(0)).forEach(meant -> {
                    throw error(file, number, "has the field " + Names.quoted(key) + ", known are adapter and prompt");
                });
            } else if (!field.getValue().isTextual() && !(key.equals(ADAPTER) && field.getValue().isNull())) {
                throw error(file, number, "has " + key + " " + Names.quoted(field.getValue().toString()) + ", not a text");
            }
        }
        if (!json.has(PROMPT)) {
            throw error(file, number, "has no field prompt" + (json.isEmpty() ? "" : " among "
                    + Names.some(json.properties().stream().map(Map.Entry::getKey).toList(), 8)));
        }
        return new Line(number, json.path(ADAPTER).textValue(), json.get(PROMPT).textValue());
    }

    private static LoraException error(String file, int line, String problem) {
        return new LoraException(Names.oneLine(file + ": line " + line + " " + problem
                + ". Expected a line such as " + EXPECTED));
    }
}
