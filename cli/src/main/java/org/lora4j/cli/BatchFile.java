package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.lora4j.data.Batch;
import org.lora4j.io.FormatException;
import org.lora4j.io.Safetensors;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/** A batch in a safetensors file: integers (B, T) called input_ids, attention_mask, token_type_ids and labels. */
final class BatchFile {

    private static final List<String> KNOWN = List.of("input_ids", "attention_mask", "token_type_ids", "labels");

    private BatchFile() {
    }

    /** Only {@code input_ids} must be there; what is not known is warned of. */
    static Batch read(Path path, Ui ui) {
        try (Safetensors file = Safetensors.open(path)) {
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
                    read(file, "token_type_ids", shape), read(file, "labels", shape));
        }
    }

    private static int[] read(TensorSource file, String name, Shape shape) {
        if (!file.has(name)) {
            return null;
        }
        file.requireShape(name, shape.toArray());
        return file.ints(name);
    }
}
