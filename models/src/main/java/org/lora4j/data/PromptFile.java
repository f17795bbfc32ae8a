package org.lora4j.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;

/**
 * A file of prompts, UTF-8. Either one prompt a line, or JSON Lines, which can name an adapter for each prompt and hold
 * line breaks within one. It is JSON Lines if its first line that is not blank begins with a brace:
 *
 * <pre>
 *   {"adapter": "legal", "prompt": "The tenant shall"}
 *   {"adapter": "medical", "prompt": "The patient shall"}
 *   {"prompt": "The base alone, or the only adapter, writes on here"}
 * </pre>
 */
public final class PromptFile {

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private PromptFile() {
    }

    /**
     * One prompt.
     *
     * @param line    where it stands, counted from 1
     * @param adapter the name it gives, or null
     * @param text    what to continue
     */
    public record Line(int line, String adapter, String text) {
    }

    /**
     * The prompts of a file; blank lines are passed over.
     *
     * @throws LoraException if it cannot be read, holds no prompt, or is JSON Lines with a line that is no prompt; the
     *                       message names the line
     */
    public static List<Line> read(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new LoraException("--prompts: " + FileErrors.reading(file, e).getMessage(), e);
        }
        boolean json = lines.stream().filter(line -> !line.isBlank()).findFirst().orElse("").stripLeading().startsWith("{");
        List<Line> prompts = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                prompts.add(json ? parse(file, i + 1, lines.get(i)) : new Line(i + 1, null, lines.get(i)));
            }
        }
        if (prompts.isEmpty()) {
            throw new LoraException("--prompts " + file + ": has no prompt in it, expected one a line");
        }
        return prompts;
    }

    private static Line parse(Path file, int number, String line) {
        JsonNode json;
        try {
            json = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw error(file, number, "is no JSON (" + Names.oneLine(e.getOriginalMessage()) + ")");
        }
        if (!json.isObject()) {
            throw error(file, number, "is " + Names.quoted(line.strip()) + ", not an object");
        }
        String adapter = null;
        String prompt = null;
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            boolean isAdapter = field.getKey().equals("adapter");
            if (!isAdapter && !field.getKey().equals("prompt")) {
                throw error(file, number, "has the field " + Names.quoted(field.getKey()) + ", known are adapter and prompt");
            }
            if (isAdapter && field.getValue().isNull()) {
                continue;
            }
            if (!field.getValue().isTextual()) {
                throw error(file, number, "has " + field.getKey() + " " + Names.quoted(field.getValue().toString())
                        + ", not a text");
            }
            if (isAdapter) {
                adapter = field.getValue().textValue();
            } else {
                prompt = field.getValue().textValue();
            }
        }
        if (prompt == null || prompt.isEmpty()) {
            throw error(file, number, prompt == null ? "has no field prompt" : "has an empty prompt");
        }
        return new Line(number, adapter, prompt);
    }

    private static LoraException error(Path file, int line, String problem) {
        return new LoraException("--prompts " + file + ": line " + line + " " + problem
                + ". Expected a line such as {\"adapter\": \"a\", \"prompt\": \"Some text\"}");
    }
}
