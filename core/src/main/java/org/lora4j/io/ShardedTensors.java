package org.lora4j.io;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.lora4j.Names;
import org.lora4j.io.torch.TorchFile;

/**
 * A model cut into several files, held together by an index as Hugging Face's Transformers writes it:
 *
 * <pre>
 *   model.safetensors.index.json:
 *     {"metadata": {"total_size": 6174857216},
 *      "weight_map": {"wte.weight": "model-00001-of-00002.safetensors", …}}
 *   pytorch_model.bin.index.json:
 *     the same with pytorch_model-00001-of-00002.bin, … which PyTorch wrote
 * </pre>
 *
 * <p>All shards are opened at once, and index and shards must tell the same story: every tensor in the index is in the
 * shard it names, every tensor in a shard is in the index under that shard. A shard is named by a plain file name; one
 * that leads out of the folder is refused. {@code total_size} is a note for people and is not checked.
 */
public final class ShardedTensors implements TensorSource {

    /** Room for a hundred thousand tensors. */
    private static final long LONGEST_INDEX = 16 << 20;

    private static final String OF_TORCH = ".bin.index.json";

    private final Path index;
    private final boolean torch;
    private final Map<String, TensorSource> shards = new LinkedHashMap<>();
    private final Map<String, TensorSource> shardOf = new LinkedHashMap<>();

    private ShardedTensors(Path index) {
        this.index = index;
        torch = index.getFileName().toString().endsWith(OF_TORCH);
    }

    /** What a shard's name ends with. */
    private String ending() {
        return torch ? ".bin" : ".safetensors";
    }

    /**
     * Opens a model that is cut into several files, by its index.
     *
     * @throws FormatException if the index or any shard is damaged, or they contradict each other
     */
    public static ShardedTensors open(Path index) {
        ShardedTensors opened = new ShardedTensors(index);
        try {
            opened.openShards(readWeightMap(index));
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** Tensor name to shard name, in the index's order. */
    private static Map<String, String> readWeightMap(Path index) {
        JsonNode weightMap = JsonFile.read(index, LONGEST_INDEX).path("weight_map");
        if (!weightMap.isObject()) {
            throw new FormatException(index, "has no object 'weight_map' from tensor names to shards");
        }
        Map<String, String> shardNames = new LinkedHashMap<>();
        weightMap.properties().forEach(entry -> {
            if (!entry.getValue().isTextual()) {
                throw new FormatException(index, "weight_map gives tensor " + Names.quoted(entry.getKey())
                        + " no file name but " + entry.getValue().getNodeType());
            }
            shardNames.put(entry.getKey(), entry.getValue().textValue());
        });
        return shardNames;
    }

    private void openShards(Map<String, String> shardNames) {
        List<String> absent = new ArrayList<>();
        for (String shard : new TreeSet<>(shardNames.values())) {
            Path file = insideFolder(shard);
            if (Files.isRegularFile(file) || FileErrors.brokenLink(file) != null) {
                shards.put(shard, torch ? TorchFile.open(file) : Safetensors.open(file));
            } else {
                absent.add(shard);
            }
        }
        if (!absent.isEmpty()) {
            throw new FormatException(index, "names " + Names.some(absent, 3) + ", which the folder does not have; "
                    + "copy or download the missing files");
        }
        shards.forEach((shardName, shard) -> {
            for (String tensor : shard.names()) {
                if (!shardName.equals(shardNames.get(tensor))) {
                    String promised = shardNames.get(tensor);
                    throw new FormatException(shard.path(), "holds tensor " + Names.quoted(tensor) + ", which "
                            + index.getFileName() + (promised == null ? " does not list" : " says is in " + promised));
                }
                shardOf.put(tensor, shard);
            }
        });
        shardNames.forEach((tensor, shardName) -> {
            if (!shardOf.containsKey(tensor)) {
                throw new FormatException(index, "says tensor " + Names.quoted(tensor) + " is in " + shardName
                        + ", which does not have it");
            }
        });
    }

    private Path insideFolder(String shard) {
        try {
            Path name = Path.of(shard);
            boolean plain = name.getNameCount() == 1 && name.getRoot() == null && !shard.contains("/")
                    && !shard.contains("\\") && shard.endsWith(ending());
            if (plain) {
                return index.resolveSibling(name);
            }
        } catch (InvalidPathException e) {
            // not a file name on this system: refused as the others are
        }
        throw new FormatException(index, "names the shard " + Names.quoted(shard)
                + ", expected the plain name of a " + ending() + " file in the same folder");
    }

    @Override
    public Path path() {
        return index;
    }

    /** In the order of the shards' names, and within one in the order of its data. */
    @Override
    public List<String> names() {
        return List.copyOf(shardOf.keySet());
    }

    /** The pairs of all shards; where two disagree, the first shard's. */
    @Override
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>();
        shards.values().forEach(shard -> shard.metadata().forEach(all::putIfAbsent));
        return all;
    }

    @Override
    public boolean has(String name) {
        return shardOf.containsKey(name);
    }

    @Override
    public TensorInfo info(String name) {
        return shard(name).info(name);
    }

    @Override
    public MemorySegment bytes(String name) {
        return shard(name).bytes(name);
    }

    @Override
    public void close() {
        shards.values().forEach(TensorSource::close);
    }

    private TensorSource shard(String name) {
        TensorSource shard = shardOf.get(name);
        if (shard == null) {
            throw TensorSource.missing(index, name, shardOf.keySet());
        }
        return shard;
    }
}
