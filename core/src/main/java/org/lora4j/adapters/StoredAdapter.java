package org.lora4j.adapters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.TensorSource;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraScaling;

/**
 * An adapter in PEFT's words, without a model: its configuration, and its tensors by PEFT's keys. Every other format is read
 * into this one and written from it.
 *
 * @param path     where it was read from, for messages
 * @param config   what {@code adapter_config.json} says, or would say
 * @param tensors  each behind {@code base_model.model.}, bit for bit as the file has them
 * @param metadata text pairs of the tensors' file, such as {@code lora4j.parts}
 */
public record StoredAdapter(Path path, PeftConfig config, List<NamedTensor> tensors, Map<String, String> metadata) {

    static final String PREFIX = "base_model.model.";
    static final String A = ".lora_A.weight";
    static final String B = ".lora_B.weight";
    private static final String FROZEN = ".base_layer.weight";
    static final String EMBEDDING_A = ".lora_embedding_A";
    static final String EMBEDDING_B = ".lora_embedding_B";

    /**
     * Keeps its own lists, and requires that no tensor is there twice.
     *
     * @throws FormatException if two tensors have one key, which happens where a file has them under two names
     */
    public StoredAdapter {
        tensors = List.copyOf(tensors);
        metadata = Map.copyOf(metadata);
        requireOnce(path, tensors);
    }

    static void requireOnce(Path path, List<NamedTensor> tensors) {
        Set<String> names = new LinkedHashSet<>();
        for (NamedTensor tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new FormatException(path, "tensor " + Names.quoted(tensor.name()) + " is there twice");
            }
        }
    }

    /**
     * The low-rank updates, in the order of their A's in the file.
     *
     * @throws FormatException if an A has no B or a B no A, or their shapes do not go together or with the configuration
     */
    public List<StoredUpdate> updates() {
        Map<String, NamedTensor> byKey = new LinkedHashMap<>();
        tensors.forEach(tensor -> byKey.put(tensor.name(), tensor));
        List<StoredUpdate> updates = new ArrayList<>();
        Set<String> paired = new LinkedHashSet<>();
        for (NamedTensor a : tensors) {
            boolean embedding = a.name().endsWith(EMBEDDING_A);
            if (embedding || a.name().endsWith(A)) {
                String stem = a.name().substring(0, a.name().length() - (embedding ? EMBEDDING_A : A).length());
                NamedTensor b = byKey.get(stem + (embedding ? EMBEDDING_B : B));
                if (b == null) {
                    throw error(Names.quoted(a.name()) + " has no B beside it");
                }
                paired.add(b.name());
                updates.add(checked(new StoredUpdate(module(stem), embedding, a, b)));
            }
        }
        for (NamedTensor tensor : tensors) {
            if (isB(tensor) && !paired.contains(tensor.name())) {
                throw error(Names.quoted(tensor.name()) + " has no A beside it");
            }
        }
        return updates;
    }

    /**
     * The tensors that are no update's: trained biases, modules trained as a whole, DoRA's magnitudes. Not the frozen weights
     * of adapted embeddings and heads, which PEFT stores once more.
     */
    public List<NamedTensor> others() {
        return tensors.stream().filter(tensor -> !isB(tensor) && !tensor.name().endsWith(A)
                && !tensor.name().endsWith(EMBEDDING_A) && !tensor.name().endsWith(FROZEN)).toList();
    }

    /** Whether it consists of low-rank updates of linear maps and nothing else: no bias, no module as a whole, no DoRA. */
    public boolean isUpdatesOnly() {
        return config.bias() == BiasMode.NONE && config.modulesToSave().isEmpty() && !config.dora()
                && tensors.stream().allMatch(tensor -> tensor.name().endsWith(A) || tensor.name().endsWith(B));
    }

    /** The frozen weights of adapted modules, which PEFT stores once more. */
    Stream<NamedTensor> frozenCopies() {
        return tensors.stream().filter(tensor -> tensor.name().endsWith(FROZEN));
    }

    /** How many of a tensor's values are NaN or infinite. */
    long notFinite(NamedTensor tensor) {
        return tensor.dtype().isFloating()
                ? Arrays.stream(tensor.doubles()).filter(value -> !Double.isFinite(value)).count() : 0;
    }

    /** The factor s of an update. */
    public double scaling(StoredUpdate update) {
        return config.scaling().of(config.alphaOf(update.module()), update.rank());
    }

    /** The alpha with which alpha/r is the factor of an update: its own, where the scaling is alpha/r. */
    double alphaOverRank(StoredUpdate update) {
        return config.scaling() == LoraScaling.ALPHA_OVER_R ? config.alphaOf(update.module())
                : scaling(update) * update.rank();
    }

    /** The tensors as a loader of PEFT's format takes them. */
    public TensorSource source() {
        return new MemoryTensors(path, tensors, metadata);
    }

    private static boolean isB(NamedTensor tensor) {
        return tensor.name().endsWith(B) || tensor.name().endsWith(EMBEDDING_B);
    }

    private String module(String stem) {
        return stem.startsWith(PREFIX) ? stem.substring(PREFIX.length()) : stem;
    }

    private StoredUpdate checked(StoredUpdate update) {
        NamedTensor a = update.a();
        NamedTensor b = update.b();
        if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.shape().dim(0) != b.shape().dim(1)
                || a.shape().size() == 0 || b.shape().size() == 0) {
            throw error("A and B of " + Names.quoted(update.module()) + " have shapes " + a.shape() + " and " + b.shape()
                    + ", expected (r, in) and (out, r)");
        }
        if (!a.dtype().isFloating() || !b.dtype().isFloating()) {
            throw error("A and B of " + Names.quoted(update.module()) + " are " + a.dtype() + " and " + b.dtype()
                    + ", expected floating numbers");
        }
        int rank = config.rankOf(update.module());
        if (rank != update.rank()) {
            throw error(Names.quoted(update.module()) + " has rank " + update.rank() + ", expected " + rank + ", the rank that "
                    + PeftConfig.FILE_NAME + " says. Do the two files belong together?");
        }
        return update;
    }

    FormatException error(String problem) {
        return new FormatException(path, problem);
    }
}
