package org.lora4j.family;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/** The tensors of a model of which bitsandbytes wrote some in four bits: those are one tensor each here, see {@link FourBitFile}. */
final class FourBitModel extends ExpandedTensors {

    private final TensorSource file;
    private final List<String> names = new ArrayList<>();
    private final Map<String, Shape> inFourBits = new LinkedHashMap<>();
    /** The last one that was read, since tensors are read in pieces. */
    private String lastName = "";
    private FourBitWeights last = null;

    FourBitModel(TensorSource file) {
        super(file);
        this.file = file;
        for (String name : file.names()) {
            if (FourBitFile.has(file, name)) {
                inFourBits.put(name, FourBitFile.shape(file, name));
            }
        }
        Set<String> beside = FourBitFile.besides(inFourBits.keySet());
        file.names().stream().filter(name -> !beside.contains(name)).forEach(names::add);
    }

    /** The weights of a tensor that is in four bits. */
    synchronized Optional<FourBitWeights> weights(String name) {
        Shape shape = inFourBits.get(name);
        if (shape == null) {
            return Optional.empty();
        }
        if (!lastName.equals(name)) {
            last = FourBitFile.read(file, name, shape);
            lastName = name;
        }
        return Optional.of(last);
    }

    @Override
    public List<String> names() {
        return List.copyOf(names);
    }

    @Override
    public boolean has(String name) {
        return names.contains(name);
    }

    @Override
    String stored(String name) {
        return name;
    }

    @Override
    boolean isMade(String name) {
        return inFourBits.containsKey(name);
    }

    @Override
    Shape shapeOf(String name) {
        return inFourBits.get(name);
    }

    @Override
    void make(String name, long from, float[] into, int at, int count) {
        weights(name).orElseThrow().expand(from, into, at, count);
    }
}
