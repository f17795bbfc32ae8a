package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.io.FormatException;
import org.lora4j.io.Safetensors;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/**
 * A batch in a safetensors file: integers (B, T) called input_ids, attention_mask, token_type_ids and labels; a classifier's
 * labels are (B), whole numbers of classes or floats.
 */
final class BatchFile {

    private static final String LABELS = "labels";
    private static final List<String> KNOWN = List.of("input_ids", "attention_mask", "token_type_ids", LABELS);

    private BatchFile() {
    }

    /** Only {@code input_ids} must be there; what is not known is warned of. */
    static Batch read(Path path, Ui ui) {
        try (Safetensors file = Safetensors.open(path)) {
            return sequences(path, file, true, ui);
        }
    }

    private static Batch sequences(Path path, Safetensors file, boolean labels, Ui ui) {
        Shape shape = file.shape("input_ids");
        if (shape.rank() != 2 || shape.size() == 0) {
            throw new FormatException(path, "input_ids has shape " + shape + ", expected (B, T), neither of them 0");
        }
        for (String name : file.names()) {
            if (!KNOWN.contains(name)) {
                ui.warn(path + ": " + name + " is not used; known are " + String.join(", ", KNOWN));
            }
        }
        int[] mask = read(file, "attention_mask", shape);
        if (mask != null && Arrays.stream(mask).anyMatch(value -> value != 0 && value != 1)) {
            throw new FormatException(path, "attention_mask has values other than 0 and 1");
        }
        return new Batch(
                shape.dim(0), shape.dim(1), read(file, "input_ids", shape), mask,
                read(file, "token_type_ids", shape), labels ? read(file, LABELS, shape) : null);
    }

    /** The same for a classifier: {@code labels} has a number for each sequence. */
    static LabelledBatch readLabelled(Path path, Ui ui) {
        try (Safetensors file = Safetensors.open(path)) {
            return new LabelledBatch(sequences(path, file, false, ui), labels(path, file));
        }
    }

    private static double[] labels(Path path, Safetensors file) {
        if (!file.has(LABELS)) {
            return null;
        }
        Shape shape = file.shape(LABELS);
        int size = file.shape("input_ids").dim(0);
        if (!shape.equals(Shape.of(size)) && !shape.equals(Shape.of(size, 1))) {
            throw new FormatException(path, "labels has shape " + shape + ", expected (" + size
                    + "): this model classifies, so each sequence has one label");
        }
        return switch (file.dtype(LABELS)) {
            case I64, I32, U8 -> Arrays.stream(file.longs(LABELS)).asDoubleStream().toArray();
            default -> file.doubles(LABELS);
        };
    }

    private static int[] read(TensorSource file, String name, Shape shape) {
        if (!file.has(name)) {
            return null;
        }
        file.requireShape(name, shape.toArray());
        return file.ints(name);
    }
}
