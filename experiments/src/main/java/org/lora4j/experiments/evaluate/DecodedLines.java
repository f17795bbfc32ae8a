package org.lora4j.experiments.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.LoraException;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;

/**
 * {@code decoded.jsonl}: what a decoding was asked to do, and a line for every text it has written so far. One that was
 * killed leaves half a line at the end at worst.
 *
 * <pre>
 *   {"beam":10,"length_penalty":0.9, …}
 *   {"input":17,"text":"The Punter is a cheap pub.","tokens":9,"log_probability":-5.2,"score":-0.71,"stopped":true}
 * </pre>
 */
public final class DecodedLines {

    /** Its name in a decoding's folder. */
    public static final String FILE_NAME = "decoded.jsonl";

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final Path file;
    private final Map<Integer, Decoded> lines;

    private DecodedLines(Path file, Map<Integer, Decoded> lines) {
        this.file = file;
        this.lines = lines;
    }

    /**
     * One text.
     *
     * @param input          number of the input, from 0
     * @param tokens         how many it has
     * @param logProbability Σ log p
     * @param score          what beam search compared
     * @param stopped        whether it ended by itself
     */
    public record Decoded(int input, String text, int tokens, double logProbability, double score, boolean stopped) {
    }

    /**
     * Goes on with what is in the folder, or begins there.
     *
     * @param recipe what must be the same as when it began, option → value
     * @throws LoraException if another decoding is in there
     */
    static DecodedLines open(Path folder, Map<String, ?> recipe) {
        Path file = folder.resolve(FILE_NAME);
        Map<Integer, Decoded> lines = new TreeMap<>();
        if (Files.exists(file)) {
            List<String> kept = lines(file);
            if (!kept.isEmpty()) {
                requireSame(file, parse(file, kept.getFirst(), 1), recipe);
                for (int i = 1; i < kept.size(); i++) {
                    Decoded line = line(parse(file, kept.get(i), i + 1));
                    lines.put(line.input, line);
                }
            }
        }
        DecodedLines opened = new DecodedLines(file, lines);
        opened.rewrite(recipe); // without what a kill left of the last line
        return opened;
    }

    /** Whether the folder holds a decoding of this recipe; false also where it cannot be read. */
    static boolean isOf(Path folder, Map<String, ?> recipe) {
        Path file = folder.resolve(FILE_NAME);
        try {
            List<String> kept = Files.exists(file) ? lines(file) : List.of();
            if (!kept.isEmpty()) {
                requireSame(file, parse(file, kept.getFirst(), 1), recipe);
            }
            return !kept.isEmpty();
        } catch (LoraException e) {
            return false;
        }
    }

    /** The texts that are in a folder, in the order of the inputs. */
    public static List<Decoded> read(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        return lines(file).stream().skip(1).map(line -> line(parse(file, line, 0)))
                .sorted(Comparator.comparingInt(Decoded::input)).toList();
    }

    /** Forgets the decoding that is in a folder, if there is one. */
    public static void delete(Path folder) {
        try {
            Files.deleteIfExists(folder.resolve(FILE_NAME));
        } catch (IOException e) {
            throw FileErrors.writing(folder.resolve(FILE_NAME), e);
        }
    }

    /** The complete lines: the one that was being written when a run was killed has no end, or is no JSON. */
    private static List<String> lines(Path file) {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    private static JsonNode parse(Path file, String line, int number) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new FormatException(file, "line " + number + " is not JSON. Remove the file to decode anew");
        }
    }

    private static Decoded line(JsonNode json) {
        return new Decoded(json.path("input").asInt(), json.path("text").asText(), json.path("tokens").asInt(),
                json.path("log_probability").asDouble(), json.path("score").asDouble(), json.path("stopped").asBoolean());
    }

    private static void requireSame(Path file, JsonNode found, Map<String, ?> recipe) {
        recipe.forEach((option, value) -> {
            String was = found.path(option).asText("nothing");
            if (!was.equals(String.valueOf(value))) {
                throw new LoraException(file + ": was decoded with " + option + " " + was + ", asked is " + value
                        + ". Give the same options to go on with it, another `folder`, or `overwrite` to begin anew");
            }
        });
    }

    private void rewrite(Map<String, ?> recipe) {
        AtomicFile.write(file, out -> {
            out.write(json(JSON.valueToTree(recipe)));
            for (Decoded line : lines.values()) {
                out.write(json(line));
            }
        });
    }

    private static byte[] json(Decoded line) {
        ObjectNode json = JSON.createObjectNode();
        json.put("input", line.input).put("text", line.text).put("tokens", line.tokens)
                .put("log_probability", line.logProbability).put("score", line.score).put("stopped", line.stopped);
        return json(json);
    }

    private static byte[] json(JsonNode json) {
        return (json + "\n").getBytes(StandardCharsets.UTF_8);
    }

    void append(Decoded line) {
        lines.put(line.input, line);
        try {
            Files.write(file, json(line), StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw FileErrors.writing(file, e);
        }
    }

    boolean has(int input) {
        return lines.containsKey(input);
    }

    int count() {
        return lines.size();
    }

    /** All lines there are, in the order of the inputs. */
    List<Decoded> all() {
        return new ArrayList<>(lines.values());
    }
}
