package org.lora4j.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.nn.Parameter;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Tensor;

/**
 * Everything a run needs to go on bit for bit, in one file that is written beside its place and moved into it:
 *
 * <pre>
 *   value.NAME, m.NAME, v.NAME    each trainable parameter and its two moments, F32 (F64 on the reference backend)
 *   best.NAME                     the parameter where the dev loss was lowest, if that has been measured
 *   metadata                      the progress and the recipe, as JSON
 * </pre>
 *
 * <p>There is no random state to keep: dropout and the order of the data are functions of seed, step and cursor.
 */
public final class Checkpoint {

    /** Its name in a run's folder. */
    public static final String FILE_NAME = "checkpoint.safetensors";

    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final String PROGRESS = "lora4j.progress";
    private static final String RECIPE = "lora4j.recipe";

    private Checkpoint() {
    }

    /**
     * Where a run is.
     *
     * @param step     optimiser steps done
     * @param epoch    epochs of data behind
     * @param batch    batches of this epoch behind
     * @param bestLoss lowest dev loss so far, infinite if none was measured
     * @param bestStep the step it was measured at, −1 if none was
     * @param firstLoss dev loss before the first step, NaN if none was measured
     */
    public record Progress(long step, int epoch, int batch, double bestLoss, long bestStep, double firstLoss) {

        static final Progress START = new Progress(0, 0, 0, Double.POSITIVE_INFINITY, -1, Double.NaN);

        Progress after(long stepsDone, Cursor cursor) {
            return new Progress(stepsDone, cursor.epoch(), cursor.batch(), bestLoss, bestStep, firstLoss);
        }

        Progress withBest(double loss) {
            return new Progress(step, epoch, batch, loss, step, step == 0 ? loss : firstLoss);
        }

        Cursor cursor() {
            return new Cursor(epoch, batch);
        }
    }

    /** Whether this folder holds a run that has not come to its end. */
    public static boolean existsIn(Path folder) {
        return Files.exists(folder.resolve(FILE_NAME));
    }

    static void save(
            Path folder, Backend backend, AdamW adamW, double[][] best, Progress progress, Map<String, String> recipe) {
        DType dtype = backend.unitRoundoff() < 0x1p-24 ? DType.F64 : DType.F32;
        SafetensorsWriter writer = new SafetensorsWriter()
                .metadata(PROGRESS, json(progress)).metadata(RECIPE, json(recipe));
        List<Parameter> parameters = adamW.parameters();
        for (int i = 0; i < parameters.size(); i++) {
            Parameter parameter = parameters.get(i);
            add(writer, "value.", parameter, dtype, backend.readDoubles(parameter.value()));
            add(writer, "m.", parameter, dtype, backend.readDoubles(adamW.firstMoment(i)));
            add(writer, "v.", parameter, dtype, backend.readDoubles(adamW.secondMoment(i)));
            if (best != null) {
                add(writer, "best.", parameter, dtype, best[i]);
            }
        }
        writer.write(folder.resolve(FILE_NAME));
    }

    private static void add(SafetensorsWriter writer, String prefix, Parameter parameter, DType dtype, double[] values) {
        writer.add(prefix + parameter.name(), dtype, parameter.shape(), values);
    }

    /**
     * Puts parameters and moments back.
     *
     * @param best filled with the best values, where there are some
     * @return where the run was
     * @throws LoraException if the checkpoint belongs to a run with another recipe, naming what differs
     */
    static Progress load(Path folder, Backend backend, AdamW adamW, double[][] best, Map<String, String> recipe) {
        Path file = folder.resolve(FILE_NAME);
        try (Safetensors source = Safetensors.open(file)) {
            requireRecipe(file, source, recipe);
            Progress progress = parse(file, source.metadata().get(PROGRESS), new TypeReference<Progress>() { });
            List<Parameter> parameters = adamW.parameters();
            for (int i = 0; i < parameters.size(); i++) {
                Parameter parameter = parameters.get(i);
                upload(source, "value.", parameter, parameter.value(), backend);
                upload(source, "m.", parameter, adamW.firstMoment(i), backend);
                upload(source, "v.", parameter, adamW.secondMoment(i), backend);
                if (progress.bestStep() >= 0) {
                    best[i] = source.doubles("best." + parameter.name());
                }
            }
            adamW.resumeAt(progress.step());
            return progress;
        }
    }

    private static void upload(Safetensors source, String prefix, Parameter parameter, Tensor into, Backend backend) {
        source.requireShape(prefix + parameter.name(), parameter.shape().toArray());
        backend.upload(source.doubles(prefix + parameter.name()), into);
    }

    private static void requireRecipe(Path file, Safetensors source, Map<String, String> recipe) {
        Map<String, String> found =
                parse(file, source.metadata().get(RECIPE), new TypeReference<LinkedHashMap<String, String>>() { });
        recipe.forEach((option, value) -> {
            if (!value.equals(found.get(option))) {
                throw new LoraException(file + ": the unfinished run in there has " + option + " " + found.get(option)
                        + ", asked is " + value + ". Give the same options to go on with it, another --out, or --overwrite "
                        + "to begin anew");
            }
        });
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <T> T parse(Path file, String text, TypeReference<T> type) {
        if (text == null) {
            throw new FormatException(file, "has no metadata of a training run, so it is not a checkpoint");
        }
        try {
            return JSON.readValue(text, type);
        } catch (IOException e) {
            throw new FormatException(file, "its metadata cannot be read: " + e.getMessage());
        }
    }

    static void delete(Path folder) {
        try {
            Files.deleteIfExists(folder.resolve(FILE_NAME));
        } catch (IOException e) {
            throw new LoraException(folder.resolve(FILE_NAME) + ": cannot be removed: " + e.getMessage(), e);
        }
    }
}
