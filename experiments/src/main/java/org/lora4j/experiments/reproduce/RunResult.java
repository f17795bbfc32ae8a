package org.lora4j.experiments.reproduce;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
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
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;

/**
 * What came out of one run. A file holds it as JSON, its parts side by side: after training without texts, after decoding
 * with them.
 *
 * @param training null until it has been trained
 * @param texts    null until it has been decoded and scored
 */
public record RunResult(
        @JsonUnwrapped @JsonProperty("of_row") Row row, // its own name is a field within it
        @JsonUnwrapped @JsonProperty("of_base") Base base,
        @JsonUnwrapped Recipe recipe,
        @JsonUnwrapped @Nullable Training training,
        @JsonUnwrapped @Nullable Texts texts) {

    /**
     * What was trained.
     *
     * @param id        the row's in its table, and its folder's name
     * @param name      the row as a table shows it
     * @param method    {@code LoRA} or {@code full fine-tuning}
     * @param settings  what characterises it: {@code r 4, alpha 32, on q and v}
     * @param trainable numbers that train
     */
    public record Row(@JsonProperty("row") String id, String name, String method, String settings, long trainable) {
    }

    /** The model that was adapted, and how many parameters it has. */
    public record Base(@JsonProperty("base") String name, long parameters) {
    }

    /** How: {@code devPairs} are how many pairs the dev losses are over. */
    public record Recipe(long seed, long steps, int batch, double learningRate, int trainPairs, int devPairs) {
    }

    /**
     * What came of it.
     *
     * @param bestStep the step whose weights were kept
     * @param backend  what computed
     * @param command  the command line, as one would type it
     */
    public record Training(
            double devLossBefore, double devLoss, long bestStep, @JsonProperty("training_seconds") double seconds,
            double tokensPerSecond, String backend, String command) {
    }

    /**
     * What it writes.
     *
     * @param inputs   distinct inputs that were decoded
     * @param decoding how
     */
    public record Texts(
            String split, int inputs, String decoding, @JsonProperty("decoding_seconds") double seconds, E2eScores scores) {
    }

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

    /** Takes what a file says empty for not there. */
    public RunResult {
        training = training == null || training.backend() == null ? null : training; // a file has no word for parts
        texts = texts == null || texts.scores() == null ? null : texts;
    }

    /** What is going to be trained. */
    public static RunResult asked(Row row, Base base, Recipe recipe) {
        return new RunResult(row, base, recipe, null, null);
    }

    /** The same, trained. */
    public RunResult trained(Training found) {
        return new RunResult(row, base, recipe, found, null);
    }

    /** The same with its texts scored. */
    public RunResult scored(Texts found) {
        return new RunResult(row, base, recipe, training, found);
    }

    /**
     * Refuses a result that another run has left.
     *
     * @throws LoraException if this was made with other options than the other, naming the first that differs
     */
    public void requireSameRun(RunResult asked, Path folder) {
        require(folder, "method", row.settings, asked.row.settings);
        require(folder, "base", base.name, asked.base.name);
        require(folder, "steps", recipe.steps, asked.recipe.steps);
        require(folder, "batch", recipe.batch, asked.recipe.batch);
        require(folder, "learning rate", recipe.learningRate, asked.recipe.learningRate);
        require(folder, "pairs to learn from", recipe.trainPairs, asked.recipe.trainPairs);
        require(folder, "dev pairs", recipe.devPairs, asked.recipe.devPairs);
        require(folder, "seed", recipe.seed, asked.recipe.seed);
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

    /** Writes it as JSON, whole or not at all. */
    public void write(Path folder, String fileName) {
        AtomicFile.write(folder.resolve(fileName), out -> out.write(JSON.writeValueAsBytes(this)));
    }

    /** What a folder holds of that name; null if it holds none. */
    public static @Nullable RunResult read(Path folder, String fileName) {
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
