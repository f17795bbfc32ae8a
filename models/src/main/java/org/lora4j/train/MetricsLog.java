package org.lora4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.FileErrors;

/**
 * {@code metrics.jsonl}: one JSON object a line, each with its step. A line is on disk before the run goes on; a run that
 * resumes cuts off what was written after its checkpoint, so every step occurs once.
 *
 * <pre>
 *   {"step":10,"loss":3.21,"lr":0.01,"tokens_per_second":4100.0}
 *   {"step":100,"dev_loss":2.1,"dev_perplexity":8.2,"best":true}
 * </pre>
 *
 * <p>A run that keeps the best by another measure has its name in the second line: {@code "dev_accuracy":0.81}.
 */
public final class MetricsLog {

    /** Its name in a run's folder. */
    public static final String FILE_NAME = "metrics.jsonl";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;

    private MetricsLog(Path file) {
        this.file = file;
    }

    /** A new log in this folder, in place of what there was. */
    static MetricsLog begin(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        AtomicFile.write(file, out -> { });
        return new MetricsLog(file);
    }

    /**
     * The log of a run that goes on after {@code step} steps.
     *
     * @param evaluated the last step whose dev loss the checkpoint knows; later ones are measured again
     */
    static MetricsLog resume(Path folder, long step, long evaluated) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return begin(folder);
        }
        try {
            List<String> kept = Files.readAllLines(file).stream().filter(line -> isUpTo(line, step, evaluated)).toList();
            AtomicFile.write(file, out -> {
                for (String line : kept) {
                    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                }
            });
            return new MetricsLog(file);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    private static boolean isUpTo(String line, long step, long evaluated) {
        try {
            JsonNode object = JSON.readTree(line);
            long last = object != null && object.has("best") ? evaluated : step;
            return object != null && object.path("step").asLong(Long.MAX_VALUE) <= last;
        } catch (IOException e) {
            return false; // the line that was being written when the run was killed
        }
    }

    /** Numbers that are not finite become null, since JSON has no word for them. */
    void append(Map<String, ?> fields) {
        Map<String, Object> line = new LinkedHashMap<>(fields);
        line.replaceAll((key, value) -> value instanceof Double number && !Double.isFinite(number) ? null : value);
        try {
            Files.writeString(file, JSON.writeValueAsString(line) + "\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw FileErrors.writing(file, e);
        }
    }
}
