package org.lora4j.train;

import com.fasterxml.jackson.annotation.JsonProperty;
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
import org.jspecify.annotations.Nullable;
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
 *   best.NAME                     the parameter after the step that did best on dev, once it has been measured
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
     * @param bestValue of the measure on dev, the best after a step so far; no number if none was
     * @param bestStep the step it was measured after, −1 if none was
     * @param firstValue of the measure before the first step, NaN if none was
     * @param evaluated the last step that was measured, −1 if none was; null, from an earlier version, for this step
     */
    public record Progress(
            long step, int epoch, int batch, @JsonProperty("bestLoss") double bestValue, long bestStep,
            @JsonProperty("firstLoss") double firstValue, @Nullable Long evaluated) {

        static final Progress START = new Progress(0, 0, 0, Double.NaN, -1, Double.NaN, -1L);

        /** Fills what checkpoints of earlier versions leave out. */
        public Progress {
            evaluated = evaluated != null ? evaluated : Long.valueOf(step > 0 ? step : -1);
            if (bestStep <= 0) { // an earlier version took the untrained values for the best so far
                bestStep = -1;
                bestValue = Double.NaN;
            }
        }

        Progress after(long stepsDone, Cursor cursor) {
            return new Progress(stepsDone, cursor.epoch(), cursor.batch(), bestValue, bestStep, firstValue, evaluated);
        }

        Progress evaluated(double value) {
            return new Progress(step, epoch, batch, bestValue, bestStep, step == 0 ? value : firstValue, step);
        }

        Progress best(double value) {
            return new Progress(step, epoch, batch, value, step, firstValue, evaluated);
        }

        boolean hasBest() {
            return bestStep > 0;
        }

        Cursor cursor() {
            return new Cursor(epoch, batch);
        }
    }

    /** Whether this folder holds a run that has not come to its end. */
    public static boolean existsIn(Path folder) {
        return Files.exists(folder.resolve(FILE_NAME));
    }

    /** Writes everything; one tensor at a time leaves its backend, so no second copy of them is made. */
    static void save(
            Path folder, Backend backend, AdamW adamW, KeptValues best, Progress progress, Map<String, String> recipe) {
        SafetensorsWriter writer = new SafetensorsWriter()
                .metadata(PROGRESS, json(progress)).metadata(RECIPE, json(recipe));
        List<Parameter> parameters = adamW.parameters();
        for (int i = 0; i < parameters.size(); i++) {
            String name = parameters.get(i).name();
            add(writer, "value." + name, parameters.get(i).value(), backend);
            add(writer, "m." + name, adamW.firstMoment(i), backend);
            add(writer, "v." + name, adamW.secondMoment(i), backend);
            if (progress.hasBest()) {
                add(writer, "best." + name, best.value(i), backend);
            }
        }
        writer.write(folder.resolve(FILE_NAME));
    }

    private static void add(SafetensorsWriter writer, String name, Tensor tensor, Backend backend) {
        if (backend.unitRoundoff() < 0x1p-24) {
            writer.addDoublesLater(name, DType.F64, tensor.shape(), () -> backend.readDoubles(tensor));
        } else {
            writer.addLater(name, DType.F32, tensor.shape(), () -> backend.readFloats(tensor));
        }
    }

    /** Whether the folder holds an unfinished run of this recipe; false also where its checkpoint cannot be read. */
    static boolean isOf(Path folder, Map<String, String> recipe) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return false;
        }
        try (Safetensors source = Safetensors.open(file)) {
            requireRecipe(file, source, recipe);
            return true;
        } catch (LoraException e) {
            return false;
        }
    }

    /**
     * Puts parameters and moments back.
     *
     * @param best filled with the best values, where there are some; null where nobody wants them
     * @return where the run was
     * @throws LoraException if the checkpoint belongs to a run with another recipe, naming what differs
     */
    static Progress load(
            Path folder, Backend backend, AdamW adamW, @Nullable KeptValues best, Map<String, String> recipe) {
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
                if (progress.hasBest() && best != null) {
                    upload(source, "best.", parameter, best.value(i), backend);
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
            if (!found.containsKey(option)) {
                throw new LoraException(file + ": the unfinished run in there was begun by a version of lora4j that did "
                        + "not write down its " + option + ". Give another `folder`, or `overwrite` to begin anew");
            }
            if (!value.equals(found.get(option))) {
                throw new LoraException(file + ": the unfinished run in there has " + option + " " + found.get(option)
                        + ", asked is " + value + ". Give the same options to go on with it, another `folder`, or `overwrite` "
                        + "to begin anew");
            }
        });
        found.forEach((option, value) -> {
            if (!recipe.containsKey(option)) {
                throw new LoraException(file + ": the unfinished run in there has " + option + " " + value + ", and none was asked "
                        + "for. Give the same options to go on with it, another `folder`, or `overwrite` to begin anew");
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

    private static <T> T parse(Path file, @Nullable String text, TypeReference<T> type) {
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
