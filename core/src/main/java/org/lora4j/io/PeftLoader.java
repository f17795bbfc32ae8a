package org.lora4j.io;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.lora.BiasMode;
import org.lora4j.lora.LoraAdapter;
import org.lora4j.lora.LoraConfig;
import org.lora4j.lora.LoraInit;
import org.lora4j.lora.LoraModel;
import org.lora4j.lora.LoraProjection;
import org.lora4j.lora.LoraScaling;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Shape;

/** One load: the configuration says what should be there, the file what is. */
record PeftLoader(LoraModel model, Path folder, PeftConfig config, TensorSource source) {

    private static final int MOST_SHOWN = 12;

    LoraAdapter load() {
        List<String> parts = list(PeftFormat.PARTS);
        LoraConfig attached = LoraConfig.of(config.r(), config.alpha())
                .withScaling(config.scaling()).withDropout(config.dropout()).withBias(config.bias()).withDora(config.dora())
                .withInit(config.field("init_lora_weights").asText().equals("gaussian")
                        ? LoraInit.PAPER_GAUSSIAN : LoraInit.LORALIB_KAIMING)
                .withParts(parts).withTargets(config.targets().orElseThrow());
        LoraAdapter adapter = LoraAdapter.empty(model, attached);
        try {
            wrapAll(adapter, parts);
            adapter.trainWhole(config.modulesToSave());
            adapter.trainBiases();
            upload(adapter);
        } catch (RuntimeException e) {
            adapter.detach();
            throw e;
        }
        return adapter;
    }

    /** The words of a metadata field; none where the file does not have it. */
    private List<String> list(String field) {
        return Arrays.stream(source.metadata().getOrDefault(field, "").split(","))
                .filter(word -> !word.isBlank()).toList();
    }

    /** For messages: the list may have thousands of names. */
    private String targets() {
        JsonNode field = config.field("target_modules");
        List<String> names = new ArrayList<>();
        field.forEach(name -> names.add(name.toString()));
        return names.size() <= MOST_SHOWN ? Names.bounded(Names.oneLine(field.toString())) : Names.some(names, MOST_SHOWN);
    }

    private void wrapAll(LoraAdapter adapter, List<String> parts) {
        List<String> whole = list(PeftFormat.WHOLE);
        List<String> expected = config.targets().orElseThrow().matching(linearOrAll());
        if (expected.isEmpty()) {
            throw error("its target_modules " + targets() + " match nothing in "
                    + model.description() + ". Was it made for another base?");
        }
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (expected.contains(slot.name())) {
                int rank = rank(slot.name(), ".lora_embedding_A");
                adapter.wrapEmbedding(slot, rank, config.alphaOf(slot.name()));
            }
        }
        for (Slot<Projection> slot : model.projections()) {
            if (!expected.contains(slot.name())) {
                continue;
            }
            int rank = rank(slot.name(), ".lora_A.weight");
            double alpha = config.alphaOf(slot.name());
            long count = whole.contains(slot.name()) ? 0 : slot.parts().stream().filter(parts::contains).count();
            if (count == 0) {
                adapter.wrap(slot, rank, alpha);
            } else if (rank % count != 0) {
                throw error(slot.name() + " has rank " + rank + ", which is not " + count + " times that of "
                        + String.join(" and ", parts));
            } else {
                double times = config.scaling() == LoraScaling.ALPHA_OVER_R ? count : Math.sqrt(count);
                adapter.wrap(slot, parts, (int) (rank / count), alpha / times);
            }
        }
    }

    private List<String> linearOrAll() {
        List<String> names = PeftFormat.moduleNames(model);
        if (config.targets().orElseThrow().isAllLinear()) {
            model.embeddings().forEach(slot -> names.remove(slot.name()));
            names.remove("lm_head");
        }
        return names;
    }

    /** The rank that the tensors have, which must be the configuration's. */
    private int rank(String module, String key) {
        if (!source.has(PeftFormat.PREFIX + module + key)) {
            throw error("has no tensor " + PeftFormat.PREFIX + module + key + ", although target_modules "
                    + targets() + " match " + module + nearest(PeftFormat.PREFIX + module + key));
        }
        Shape shape = source.shape(PeftFormat.PREFIX + module + key);
        int rank = config.rankOf(module);
        if (shape.rank() != 2 || shape.dim(0) != rank) {
            throw error(PeftFormat.PREFIX + module + key + " has shape " + shape + ", expected " + rank
                    + " rows, the rank that " + PeftConfig.FILE_NAME + " says. Do the two files belong together?");
        }
        return rank;
    }

    private void upload(LoraAdapter adapter) {
        Backend backend = model.backend();
        Set<String> unread = new LinkedHashSet<>(source.names());
        for (PeftFormat.Entry entry : PeftFormat.entries(adapter)) {
            if (!source.has(entry.key())) {
                throw error("has no tensor " + entry.key() + ", expected one of shape " + entry.shape()
                        + nearest(entry.key()));
            }
            if (!source.shape(entry.key()).equals(entry.shape())) {
                throw error(entry.key() + " has shape " + source.shape(entry.key()) + ", expected " + entry.shape()
                        + " for " + model.description() + ". Was it made for a base of another size?");
            }
            double[] values = source.doubles(entry.key());
            double[] inMemory = entry.toMemory().apply(values);
            double[] expected = PeftFormat.inFile(adapter, entry, inMemory);
            if (entry.key().endsWith(PeftFormat.MAGNITUDE)) {
                requireBaseLengths(entry.key(), values, expected);
            } else if (!Arrays.equals(expected, values)) {
                throw error(entry.key() + " is not zero outside the blocks of " + source.metadata().get(PeftFormat.PARTS)
                        + ", though the metadata says so. Remove " + PeftFormat.PARTS + " from the file's metadata to load it "
                        + "as one update of the whole map");
            }
            backend.upload(inMemory, entry.parameter().value());
            unread.remove(entry.key());
        }
        unread.removeIf(key -> isCopyOfBase(adapter, key));
        if (!unread.isEmpty()) {
            List<String> heads = config.modulesToSave().stream()
                    .filter(name -> unread.stream().anyMatch(key -> key.startsWith(PeftFormat.PREFIX + name + "."))).toList();
            if (!heads.isEmpty()) {
                throw error("modules_to_save has " + Names.some(heads, 3) + ", which " + model.description() + " does not have"
                        + config.taskType().map(type -> "; it was made for a model of the kind " + type).orElse(""));
            }
            String bias = unread.stream().anyMatch(key -> key.endsWith(".bias")) && config.bias() == BiasMode.NONE
                    ? " (its configuration says bias none)" : "";
            throw error("has tensors that belong to nothing in " + model.description() + ": "
                    + Names.some(unread, 3) + bias);
        }
    }

    /** Where no part of a fused map is adapted, DoRA's magnitudes are the base's own, up to the rounding of whoever wrote. */
    private void requireBaseLengths(String key, double[] found, double[] expected) {
        for (int i = 0; i < found.length; i++) {
            if (!(Math.abs(found[i] - expected[i]) <= 1e-5 * Math.abs(expected[i])) && found[i] != expected[i]) {
                throw error(key + " is " + found[i] + " in row " + i + " and the base's row there has the length " + expected[i]
                        + ", though the metadata says that only " + source.metadata().get(PeftFormat.PARTS)
                        + " are adapted. Was it made for another base?");
            }
        }
    }

    /** PEFT stores the frozen weight of an embedding or head once more, adapted or not; it must be this base's. */
    private boolean isCopyOfBase(LoraAdapter adapter, String key) {
        if (!key.startsWith(PeftFormat.PREFIX) || !key.endsWith(".weight")) {
            return false;
        }
        String module = key.substring(PeftFormat.PREFIX.length(), key.length() - ".weight".length())
                .replaceFirst("\\.base_layer$", "");
        Parameter weight = frozenWeight(adapter, module);
        if (weight == null || !source.shape(key).equals(weight.shape())) {
            return false;
        }
        if (!Arrays.equals(source.floats(key), model.backend().readFloats(weight.value()))) {
            throw error(key + " differs from the base's weight: it was made for another base");
        }
        return true;
    }

    /** The base's weight of an embedding or the head, or of an adapted map; null for anything else. */
    private Parameter frozenWeight(LoraAdapter adapter, String module) {
        for (Slot<TokenEmbedding> slot : model.embeddings()) {
            if (slot.name().equals(module)) {
                return slot.get() instanceof Embedding plain ? plain.table()
                        : adapter.embeddings().containsKey(module) ? adapter.embeddings().get(module).base().table() : null;
            }
        }
        LoraProjection lora = adapter.projections().get(module);
        if (lora != null) {
            return lora.base().weight();
        }
        return model.projections().stream().filter(slot -> slot.name().equals(module) && module.equals("lm_head"))
                .map(slot -> slot.get() instanceof Linear plain ? plain.weight() : null).findFirst().orElse(null);
    }

    private String nearest(String key) {
        List<String> nearest = Names.nearest(key, source.names(), 1);
        return nearest.isEmpty() ? "" : " (nearest: " + nearest.getFirst() + ")";
    }

    private LoraException error(String problem) {
        return new LoraException(Names.oneLine("adapter '" + folder + "': " + problem));
    }
}
