package org.lora4j.family;

import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;

/** What a model of llama.cpp's says of itself: keys that begin with its architecture, as {@code qwen2.block_count}. */
public final class GgufFields {

    static final String ARCHITECTURE = "general.architecture";

    private final GgufFile file;
    private final String architecture;

    GgufFields(GgufFile file) {
        this.file = file;
        architecture = file.values().containsKey(ARCHITECTURE) ? file.values().get(ARCHITECTURE).toString() : "";
    }

    /** {@code general.architecture}; empty where it is missing. */
    public String architecture() {
        return architecture;
    }

    /** A whole number that must be there. */
    public int whole(String key) {
        return wholeIfThere(key).orElseThrow(() -> error(architecture + "." + key + " is missing, a positive number"));
    }

    /** A whole number of the architecture's, if it is there. */
    public OptionalInt wholeIfThere(String key) {
        GgufValue value = file.values().get(architecture + "." + key);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!(value.value() instanceof Long number) || number < 0 || number > Integer.MAX_VALUE) {
            throw error(architecture + "." + key + " is " + value + ", expected one whole number");
        }
        return OptionalInt.of(Math.toIntExact(number));
    }

    /** A number of the architecture's, if it is there. */
    public OptionalDouble number(String key) {
        GgufValue value = file.values().get(architecture + "." + key);
        if (value == null) {
            return OptionalDouble.empty();
        }
        if (!(value.value() instanceof Number number)) {
            throw error(architecture + "." + key + " is " + value + ", expected a number");
        }
        return OptionalDouble.of(shortest(number));
    }

    /** 1e-6 was written as a float; as a double it is what somebody wrote into a config.json. */
    private static double shortest(Number number) {
        return number instanceof Double real ? Double.parseDouble(Float.toString(real.floatValue())) : number.doubleValue();
    }

    /** A text; empty where there is none. */
    public String text(String key) {
        GgufValue value = file.values().get(architecture + "." + key);
        return value == null ? "" : value.toString();
    }

    /** Whether the file has a tensor of that name. */
    public boolean hasTensor(String name) {
        return file.has(name);
    }

    /** Rows of a matrix. */
    public int rows(String tensor) {
        return file.shape(tensor).dim(0);
    }

    /** That something in the file cannot be followed. */
    public FormatException error(String problem) {
        return new FormatException(file.path(), problem + ". Put the config.json of the model that it was made of beside it, with its"
                + " tokenizer.json, and name the folder");
    }

    @Override
    public String toString() {
        return Names.oneLine(file.path().toString());
    }
}
