package org.lora4j.family;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.WeightType;
import org.lora4j.io.FormatException;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Reads the tensors that a model asks for and remembers which they were. A weight that its family keeps as in × out is turned
 * around here, so that in memory every one is out × in.
 */
public final class ParameterReader {

    private final ModelTensors source;
    private final ModelNames family;
    private final Function<String, Shape> shapes;
    private final Backend backend;
    private final WeightType type;
    private final Set<String> read = new HashSet<>();

    /**
     * Reads parameters of these shapes.
     *
     * @param shapes the shape that each parameter has in memory
     * @param type   how the weight matrices are held
     */
    public ParameterReader(
            ModelTensors source, ModelNames family, Function<String, Shape> shapes, Backend backend, WeightType type) {
        this.source = source;
        this.family = family;
        this.shapes = shapes;
        this.backend = backend;
        this.type = type;
    }

    /**
     * A parameter, uploaded.
     *
     * @param name complete, whatever the file has
     * @throws FormatException if it is missing or has another shape
     */
    public Parameter parameter(String name) {
        Shape shape = shapes.apply(name);
        Optional<FourBitWeights> fourBits = source.fourBits(name);
        if (fourBits.isPresent()) {
            source.requireShape(name, shape.toArray());
            read.add(name);
            Tensor tensor = backend.hold(shape, fourBits.get());
            backend.freeze(tensor);
            return new Parameter(name, backend, tensor);
        }
        boolean turned = family.isInByOut(name);
        if (turned) {
            source.requireShape(name, shape.dim(1), shape.dim(0));
        } else {
            source.requireShape(name, shape.toArray());
        }
        read.add(name);
        Tensor tensor = backend.allocateWeight(shape, family.typeOf(name, type));
        if (turned) {
            backend.upload(transposed(source.floats(name), shape.dim(1), shape.dim(0)), tensor);
        } else {
            GradualUpload.upload(backend, tensor, (from, piece, count) -> source.readFloats(name, from, piece, 0, count));
        }
        backend.freeze(tensor);
        return new Parameter(name, backend, tensor);
    }

    /** A tensor that such files may have though this model has no use for it. */
    public void leave(String name) {
        read.add(name);
    }

    /**
     * A tensor that nobody asked for belongs to another model, or to a method that would silently be lost.
     *
     * @param model what it was read as, for the message
     */
    public void requireAllRead(String model) {
        List<String> unexpected = new ArrayList<>();
        for (String name : source.names()) {
            if (!read.contains(name)) {
                unexpected.add(source.storedName(name));
            }
        }
        if (!unexpected.isEmpty()) {
            throw new FormatException(source.path(), "has tensors that " + model + " does not have: "
                    + Names.some(unexpected, 4) + ". Does config.json belong to it?");
        }
    }

    /** (rows, columns) → (columns, rows), by tiles that stay in the cache. */
    public static float[] transposed(float[] values, int rows, int columns) {
        final int tile = 32;
        float[] transposed = new float[values.length];
        for (int i0 = 0; i0 < rows; i0 += tile) {
            for (int j0 = 0; j0 < columns; j0 += tile) {
                for (int i = i0; i < Math.min(rows, i0 + tile); i++) {
                    for (int j = j0; j < Math.min(columns, j0 + tile); j++) {
                        transposed[j * rows + i] = values[i * columns + j];
                    }
                }
            }
        }
        return transposed;
    }
}
