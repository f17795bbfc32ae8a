package org.lora4j.io;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.Reader;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * The objects of a JSON Lines file, one after the other. Lines are where people put them: two objects in one line, as they
 * come of two files joined without a line's end between them, are two, and one may go on over several lines. Anything else
 * between objects is an error, and so are a key that is there twice and, but for {@link #orArray}, a list around them all.
 */
public final class JsonLines implements AutoCloseable {

    private static final JsonMapper MAPPER =
            JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private final String name;
    private final String expected;
    private final JsonParser parser;
    private final boolean arrays;
    private boolean begun;
    private boolean inArray;
    private int line;

    /**
     * Reads one JSON value a line.
     *
     * @param name     for error messages
     * @param expected what an object looks like, for error messages
     * @param text     closed with this
     */
    public JsonLines(String name, String expected, Reader text) throws IOException {
        this(name, expected, text, false);
    }

    private JsonLines(String name, String expected, Reader text, boolean arrays) throws IOException {
        this.name = name;
        this.expected = expected;
        this.arrays = arrays;
        parser = MAPPER.createParser(text);
    }

    /** The same for a file that may also be one list of objects. */
    public static JsonLines orArray(String name, String expected, Reader text) throws IOException {
        return new JsonLines(name, expected, text, true);
    }

    /**
     * The next object, or null where there is none.
     *
     * @throws LoraException if something else comes next; the message has file and line
     */
    public @Nullable ObjectNode next() throws IOException {
        try {
            JsonToken token = parser.nextToken();
            if (arrays && !begun && token == JsonToken.START_ARRAY) {
                inArray = true;
                token = parser.nextToken();
            }
            begun = true;
            if (inArray && token == JsonToken.END_ARRAY) {
                inArray = false;
                token = parser.nextToken();
            }
            if (token == null) {
                return null;
            }
            line = parser.currentTokenLocation().getLineNr();
            if (token == JsonToken.START_ARRAY) {
                throw error("expected " + expected + " in each line, found a list" + elements()
                        + ". Write each of its elements on a line of its own, say with jq -c '.[]'");
            }
            if (token != JsonToken.START_OBJECT) {
                throw error("expected " + expected + ", found " + Names.quoted(parser.getText()));
            }
            return MAPPER.readTree(parser);
        } catch (JsonEOFException e) {
            throw error("no JSON object: the file ends in the middle of the one that begins here");
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            line = at == null ? line : at.getLineNr();
            throw error("no JSON object: " + problem(e));
        }
    }

    /** A line's end within a text is mostly the rest of a line that was cut off. */
    private static String problem(JsonProcessingException e) {
        String problem = JsonFile.problem(e);
        return problem.startsWith("Illegal unquoted character ((CTRL-CHAR, code 1") && problem.matches(".*code 1[03]\\).*")
                ? "the line ends in the middle of a text; it is cut off, or its line breaks should be written \\n" : problem;
    }

    /** The line where the last object begins, counted from 1. */
    public int line() {
        return line;
    }

    private String elements() throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return "";
        }
        ObjectNode first = MAPPER.readTree(parser);
        return " of objects with the keys " + Names.some(first.properties().stream().map(Map.Entry::getKey).toList(), 8);
    }

    private LoraException error(String problem) {
        return new LoraException(Names.oneLine(name + ", line " + line + ": " + problem));
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
