package org.lora4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.io.AtomicFile;

/**
 * {@code metrics.jsonl}: one JSON object a line, each with its step. A line is on disk before the run goes on; a run that
 * resumes cuts off what was written after its checkpoint, so every step occurs once.
 *
 * <pre>
 *   {"step":10,"loss":3.21,"lr":0.01,"tokens_per_second":4100.0}
 *   {"step":100,"dev_loss":2.1,"dev_perplexity":8.2,"best":true}
 * </pre>
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

    /** The log of a run that goes on after {@code step} steps. */
    static MetricsLog resume(Path folder, long step) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return begin(folder);
        }
        try {
            List<String> kept = Files.readAllLines(file).stream().filter(line -> isUpTo(line, step)).toList();
            AtomicFile.write(file, out -> {
                for (String line : kept) {
                    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                }
            });
            return new MetricsLog(file);
        } catch (IOException e) {
            throw new LoraException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static boolean isUpTo(String line, long step) {
        try {
            JsonNode object = JSON.readTree(line);
            return object != null && object.path("step").asLong(Long.MAX_VALUE) <= step;
        } catch (IOException e) {
            return false; // the line that was being written when the run was killed
        }
    }

    void append(Map<String, ?> fields) {
        try {
            Files.writeString(file, JSON.writeValueAsString(fields) + "\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new LoraException(file + ": cannot be written: " + e.getMessage(), e);
        }
    }
}
