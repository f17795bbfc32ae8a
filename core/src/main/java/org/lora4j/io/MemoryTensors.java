package org.lora4j.io;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.Names;

/** Tensors at hand, as a source: what was read from one format, for a loader of another. */
public final class MemoryTensors implements TensorSource {

    private final Path path;
    private final Map<String, NamedTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata;

    /**
     * Tensors that stand in memory.
     *
     * @param path where they came from, for messages
     * @throws FormatException if two have one name
     */
    public MemoryTensors(Path path, Collection<NamedTensor> tensors, Map<String, String> metadata) {
        this.path = path;
        this.metadata = Map.copyOf(metadata);
        tensors.forEach(tensor -> {
            if (this.tensors.put(tensor.name(), tensor) != null) {
                throw new FormatException(path, "tensor " + Names.quoted(tensor.name()) + " is there twice");
            }
        });
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public List<String> names() {
        return List.copyOf(tensors.keySet());
    }

    @Override
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /** Its offset is 0: the tensor lies in no file. */
    @Override
    public TensorInfo info(String name) {
        NamedTensor tensor = tensor(name);
        return new TensorInfo(name, tensor.dtype(), tensor.shape(), 0, tensor.bytes().byteSize());
    }

    @Override
    public MemorySegment bytes(String name) {
        return tensor(name).bytes().asReadOnly();
    }

    /** Nothing to close. */
    @Override
    public void close() {
    }

    private NamedTensor tensor(String name) {
        NamedTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw TensorSource.missing(path, name, tensors.keySet());
        }
        return tensor;
    }
}
