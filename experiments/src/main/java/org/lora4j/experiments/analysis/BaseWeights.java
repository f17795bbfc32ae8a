package org.lora4j.experiments.analysis;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Optional;
import org.lora4j.Names;
import org.lora4j.analysis.WeightMatrix;
import org.lora4j.family.Families;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.ModelTensors;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;
import org.lora4j.model.ModelNames;
import org.lora4j.tensor.Shape;

/** The weights of a base's folder, one at a time, as out × in. */
final class BaseWeights implements AutoCloseable {

    /** What is read at once while a matrix is turned around. */
    private static final int READ = 1 << 20;

    private final ModelNames names;
    private final ObjectNode config;
    private final ModelTensors tensors;

    private BaseWeights(ModelNames names, ObjectNode config, ModelTensors tensors) {
        this.names = names;
        this.config = config;
        this.tensors = tensors;
    }

    static BaseWeights open(Path folder) {
        ModelFamily family = Families.of(folder);
        return new BaseWeights(family.names(), JsonFile.read(folder.resolve("config.json")), Families.isClassifier(folder)
                ? ModelTensors.openClassifier(folder, family.names(), true) : family.tensors(folder));
    }

    ModelNames names() {
        return names;
    }

    /** Its {@code config.json}. */
    ObjectNode config() {
        return config;
    }

    /**
     * Its whole module's weight; empty where the base has no such module.
     *
     * @throws FormatException if it has another shape than the update, or holds what is not finite
     */
    Optional<WeightMatrix> of(AnalysedMap.Place place, int out) {
        String name = place.module() + ".weight";
        String stored = !tensors.has(name) && name.equals(names.headWeight()) ? names.tokenTable() : name;
        if (!tensors.has(stored)) {
            return Optional.empty();
        }
        boolean turned = place.embedding() || names.isInByOut(name);
        Shape shape = tensors.info(stored).shape();
        Shape expected = turned ? Shape.of(place.in(), out) : Shape.of(out, place.in());
        if (!shape.equals(expected)) {
            throw new FormatException(tensors.path(), Names.quoted(stored) + " has shape " + shape + ", the adapter's update is for "
                    + expected + ". Was it made for another base?");
        }
        if (shape.size() > Integer.MAX_VALUE - 8) {
            return Optional.empty();
        }
        WeightMatrix weight = WeightMatrix.of(turned ? turned(stored, out, place.in()) : tensors.floats(stored), out, place.in());
        if (!weight.isFinite()) {
            throw new FormatException(tensors.path(), Names.quoted(stored) + " holds values that are NaN or infinite. Take another "
                    + "copy of the base");
        }
        return Optional.of(weight);
    }

    /** (in, out) in the file → (out, in). */
    private float[] turned(String name, int out, int in) {
        float[] weight = new float[out * in];
        int rows = Math.max(1, READ / out);
        float[] read = new float[rows * out];
        for (int first = 0; first < in; first += rows) {
            int count = Math.min(rows, in - first);
            tensors.readFloats(name, (long) first * out, read, 0, count * out);
            for (int o = 0; o < out; o++) {
                for (int i = 0; i < count; i++) {
                    weight[o * in + first + i] = read[i * out + o];
                }
            }
        }
        return weight;
    }

    @Override
    public void close() {
        tensors.close();
    }
}
