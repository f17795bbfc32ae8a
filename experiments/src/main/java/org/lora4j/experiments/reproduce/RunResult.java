package org.lora4j.experiments.reproduce;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.lora4j.LoraException;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;

/**
 * What came out of one run. A file holds it as JSON: after training without scores, after decoding with them.
 *
 * @param row        the row's id in its table, and its folder's name
 * @param name       the row as a table shows it
 * @param method     {@code LoRA} or {@code full fine-tuning}
 * @param settings   what characterises it: {@code r 4, alpha 32, on q and v}
 * @param base       the model that was adapted
 * @param parameters of the base
 * @param trainable  numbers that trained
 * @param devPairs   how many pairs the dev losses are over
 * @param bestStep   the step whose weights were kept
 * @param inputs     distinct inputs that were decoded
 * @param decoding   how
 * @param scores     null until the texts are scored
 */
public record RunResult(
        String row, String name, String method, String settings, String base, long parameters, long trainable, long seed,
        long steps, int batch, double learningRate, int trainPairs, int devPairs, double devLossBefore, double devLoss,
        long bestStep, double trainingSeconds, double tokensPerSecond, String split, int inputs, String decoding,
        double decodingSeconds, E2eScores scores, String backend, String command) {

    /** Its name in a run's folder when all is done. */
    public static final String FILE_NAME = "result.json";
    /** Its name when training is done. */
    public static final String TRAINED_FILE_NAME = "trained.json";

    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** The same with its texts scored. */
    public RunResult scored(String part, int decoded, String how, double seconds, E2eScores found) {
        return new RunResult(row, name, method, settings, base, parameters, trainable, seed, steps, batch, learningRate,
                trainPairs, devPairs, devLossBefore, devLoss, bestStep, trainingSeconds, tokensPerSecond, part, decoded, how,
                seconds, found, backend, command);
    }

    /** @throws LoraException if this was made with other options than the other, naming the first that differs */
    public void requireSameRun(RunResult asked, Path folder) {
        require(folder, "method", settings, asked.settings);
        require(folder, "base", base, asked.base);
        require(folder, "steps", steps, asked.steps);
        require(folder, "batch", batch, asked.batch);
        require(folder, "learning rate", learningRate, asked.learningRate);
        require(folder, "pairs to learn from", trainPairs, asked.trainPairs);
        require(folder, "dev pairs", devPairs, asked.devPairs);
        require(folder, "seed", seed, asked.seed);
    }

    /** What {@link #requireSameRun} requires. */
    public boolean isSameRun(RunResult asked, Path folder) {
        try {
            requireSameRun(asked, folder);
            return true;
        } catch (LoraException e) {
            return false;
        }
    }

    private static void require(Path folder, String what, Object found, Object asked) {
        if (!found.equals(asked)) {
            throw new LoraException(folder + ": the run in there has " + what + " " + found + ", asked is " + asked
                    + ". Give the same options to go on with it, another `folder`, or `overwrite` to begin anew");
        }
    }

    /** As the file has it. */
    public JsonNode json() {
        return JSON.valueToTree(this);
    }

    public void write(Path folder, String fileName) {
        AtomicFile.write(folder.resolve(fileName), out -> out.write(JSON.writeValueAsBytes(this)));
    }

    /** What a folder holds of that name; null if it holds none. */
    public static RunResult read(Path folder, String fileName) {
        Path file = folder.resolve(fileName);
        if (!Files.exists(file)) {
            return null;
        }
        try {
            return JSON.readValue(Files.readAllBytes(file), RunResult.class);
        } catch (JacksonException e) {
            throw new FormatException(file, "is not the result of a run: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }
}
