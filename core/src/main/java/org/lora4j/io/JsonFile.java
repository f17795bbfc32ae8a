package org.lora4j.io;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the JSON objects that lie beside tensors: {@code config.json}, {@code adapter_config.json}, an index. */
public final class JsonFile {

    /** Far above any configuration or vocabulary; a tree of JSON takes many times its file's size in memory. */
    private static final long LONGEST = 64L << 20;

    /** What tells a pointer or a web page from JSON is in its first characters. */
    private static final int LOOK_AHEAD = 256;

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonFile() {
    }

    /**
     * The object in {@code file}, its keys in the file's order. A byte order mark is no part of it.
     *
     * @throws FormatException if it is not UTF-8, not JSON, not an object, longer than 64 MB, or names a key twice
     * @throws org.lora4j.LoraException if it is missing or may not be read
     */
    public static ObjectNode read(Path file) {
        return read(file, LONGEST);
    }

    /**
     * Reads a file that holds one object, if it is not longer than that.
     *
     * @param longest how many bytes it may have; a tree takes up to some thirty times as many
     */
    public static ObjectNode read(Path file, long longest) {
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new FormatException(file, "is not a regular file, expected JSON");
            }
            try (InputStream in = Files.newInputStream(file)) {
                DownloadErrors.refuse(file, in.readNBytes(DownloadErrors.BEGINNING));
            }
            if (Files.size(file) > longest) {
                throw new FormatException(file, "has " + Files.size(file) + " bytes, expected at most " + longest);
            }
            String text = TextInput.withoutMark(Files.readString(file, StandardCharsets.UTF_8));
            String other = TextInput.whatElse(text.substring(0, Math.min(text.length(), LOOK_AHEAD)));
            if (other != null) {
                throw new FormatException(file, "is " + other);
            }
            return parse(file, text);
        } catch (CharacterCodingException e) {
            throw new FormatException(file, "is not UTF-8 text, expected JSON", e);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    /** The object in {@code text}, which came from {@code file}. */
    static ObjectNode parse(Path file, String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new FormatException(file, "holds " + node.getNodeType() + ", expected a JSON object");
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            throw new FormatException(file, (at == null ? "" : "line " + at.getLineNr() + ", column " + at.getColumnNr()
                    + ": ") + problem(e), e);
        }
    }

    /** The parser's message without its remark on where the object began, which is long and names no file. */
    static String problem(JsonProcessingException e) {
        return e.getOriginalMessage().replaceAll("\\s*\\(start marker at .*", "").strip();
    }
}
