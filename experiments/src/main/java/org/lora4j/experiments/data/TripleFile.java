package org.lora4j.experiments.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.Place;
import org.lora4j.data.Split;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

/**
 * One part of a data set in JSON, in a folder that the user names. Holds what {@link WebNlg}, {@link Dart} and {@link SamSum}
 * have in common: finding the file, reading it, saying where it is not as expected; and showing triples to the model:
 *
 * <pre>
 *   subject : relation : object | subject : relation : object
 * </pre>
 *
 * which is how the paper's authors write them.
 */
final class TripleFile {

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final String dataSet;
    private final Path file;

    private TripleFile(String dataSet, Path file) {
        this.dataSet = dataSet;
        this.file = file;
    }

    /**
     * The file of a part.
     *
     * @param dataSet  for error messages
     * @param expected how its authors call the file, for error messages
     * @throws LoraException if the folder has no file whose name ends in the part's name and {@code .json}, or several
     */
    static TripleFile find(String dataSet, Path folder, Split split, String expected) {
        if (!Files.isDirectory(folder)) {
            throw new LoraException(folder + ": no such folder. Expected the folder with " + dataSet + "'s " + expected);
        }
        List<Path> found = candidates(folder, split);
        if (found.size() != 1) {
            throw new LoraException(folder + ": " + (found.isEmpty() ? "no " + split + " part of " + dataSet
                    : "several files for the " + split + " part of " + dataSet + ": " + found.stream().map(Path::getFileName).toList())
                    + ". Its file is called " + expected);
        }
        return new TripleFile(dataSet, found.getFirst());
    }

    static boolean has(Path folder, Split split) {
        return Files.isDirectory(folder) && !candidates(folder, split).isEmpty();
    }

    private static List<Path> candidates(Path folder, Split split) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.getFileName().toString().matches("(.*[-_])?" + (split == Split.DEV ? "(dev|val|valid|validation)" : split) + "\\.json")).sorted().toList();
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }

    JsonNode read() {
        try (Reader text = TextInput.open(file)) {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new LoraException(file + ", line " + e.getLocation().getLineNr() + ": not JSON: "
                    + Names.oneLine(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    Place place(String unit, int number) {
        return new Place(file.toString(), unit, number);
    }

    /** The elements of an array that has to be there. */
    List<JsonNode> elements(JsonNode array, String where) {
        if (array == null || !array.isArray()) {
            throw unexpected(where, "a list", array);
        }
        List<JsonNode> elements = new ArrayList<>();
        array.forEach(elements::add);
        return elements;
    }

    String text(JsonNode value, String where) {
        if (value == null || !value.isTextual()) {
            throw unexpected(where, "a text", value);
        }
        return value.textValue();
    }

    LoraException unexpected(String where, String expected, JsonNode found) {
        String shown = found == null || found.isMissingNode() ? "nothing" : found.toString();
        return new LoraException(Names.oneLine(file + ", " + where + ": expected " + expected + " as in " + dataSet + ", found "
                + (shown.length() > 60 ? shown.substring(0, 59) + "…" : shown)));
    }

    static String triple(String subject, String relation, String object) {
        return subject + " : " + relation + " : " + object;
    }

    static String context(List<String> triples) {
        return String.join(" | ", triples);
    }
}
