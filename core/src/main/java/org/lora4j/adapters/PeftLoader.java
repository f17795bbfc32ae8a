package org.lora4j.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.io.TensorSource;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraScaling;
import org.lora4j.tuning.lora.WholeModules;

/** One load: the configuration says what should be there, the file what is. */
record PeftLoader(Model model, Path folder, PeftConfig config, TensorSource source, Consumer<String> remarks) {

    /** Kinds of models that classify or answer by other heads than ours, whose names are the same though. */
    private static final Map<String, String> OTHER_HEADS = Map.of(
            "TOKEN_CLS", "a label for each token", "QUESTION_ANS", "the place of an answer", "SEQ_2_SEQ_LM", "an encoder and a decoder");

    LoraAdapter load() {
        requireTask();
        List<String> parts = list(PeftFormat.PARTS);
        LoraConfig attached = LoraConfig.of(config.r(), config.alpha())
                .withScaling(config.scaling()).withDropout(config.dropout()).withBias(config.bias()).withDora(config.dora())
                .withInit(config.field("init_lora_weights").asText().equals("gaussian")
                        ? LoraInit.PAPER_GAUSSIAN : LoraInit.LORALIB_KAIMING)
                .withParts(parts).withTargets(config.targets().orElseThrow());
        LoraAdapter adapter = LoraAdapter.empty(model, attached);
        try {
            wrapAll(adapter, parts);
            adapter.trainWhole(wholeNames(adapter));
            adapter.trainBiases();
            if (config.isPissa()) {
                adapter.beginPissa(0, 0); // the file's values follow
            }
            upload(adapter);
        } catch (RuntimeException e) {
            adapter.detach();
            throw e;
        }
        return adapter;
    }

    private void requireTask() {
        if (!(model instanceof Classifier<?> classifier)) {
            return; // what a language model does not have it names by the tensors
        }
        String other = OTHER_HEADS.get(config.taskType().orElse(""));
        if (other != null) {
            throw error("task_type is " + config.taskType().orElseThrow() + ", " + other + ", which lora4j does not compute; "
                    + "with another head the adapter would give nonsense. It can be inspected and converted");
        }
        AdapterHead.requireLabels(classifier, folder, source, remarks);
    }

    /** As PEFT, which adds the head to what a configuration of a classifier names; not where that has an update. */
    private List<String> wholeNames(LoraAdapter adapter) {
        return LoraAdapter.withHead(model, config.modulesToSave()).stream().filter(name -> config.modulesToSave().contains(name)
                || adapter.adaptedModules().stream().noneMatch(module -> WholeModules.isMeant(module, List.of(name)))).toList();
    }

    /** The words of a metadata field; none where the file does not have it. */
    private List<String> list(String field) {
        return Arrays.stream(source.metadata().getOrDefault(field, "").split(","))
                .filter(word -> !word.isBlank()).toList();
    }

    /** For messages: the list may have thousands of names. */
    private void wrapAll(LoraAdapter adapter, List<String> parts) {
        List<String> whole = list(PeftFormat.WHOLE);
        List<String> expected = config.adapted(linearOrAll());
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
            long count = whole.contains(slot.name()) ? 0 : slot.partNames().stream().filter(parts::contains).count();
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

    private String targets() {
        JsonNode targets = config.field("target_modules");
        if (!targets.isArray()) {
            return Names.shortened(targets.toString());
        }
        List<String> names = new ArrayList<>();
        targets.forEach(name -> names.add(name.toString()));
        return "[" + Names.list(names, 8) + "]";
    }

    private List<String> linearOrAll() {
        List<String> names = PeftFormat.moduleNames(model);
        if (config.targets().orElseThrow().isAllLinear()) {
            model.embeddings().forEach(slot -> names.remove(slot.name()));
            model.projections().stream().filter(slot -> slot.role().isHead()).forEach(slot -> names.remove(slot.name()));
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
        List<PeftFormat.Entry> entries = PeftFormat.entries(adapter);
        new PeftTables(model, adapter, source, folder, remarks).take(unread, entries); // DoRA's lengths are of these
        boolean withoutBiases = hasNoBiases(adapter, entries);
        boolean withoutHead = hasNoHead();
        List<String> infinite = new ArrayList<>();
        for (PeftFormat.Entry entry : entries) {
            if (withoutBiases && adapter.biases().contains(entry.parameter())) {
                continue; // the copies hold the base's
            }
            if (isAbsentHead(entry, withoutHead)) {
                continue;
            }
            if (!source.has(entry.key())) {
                throw error("has no tensor " + entry.key() + ", expected one of shape " + entry.shape()
                        + nearest(entry.key()));
            }
            if (!source.shape(entry.key()).equals(entry.shape())) {
                throw error(entry.key() + " has shape " + source.shape(entry.key()) + ", expected " + entry.shape()
                        + " for " + model.description() + ". "
                        + PeftTables.otherSize(model, source.shape(entry.key()), entry.shape()));
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
            if (!Arrays.stream(values).allMatch(Double::isFinite)) {
                infinite.add(entry.key());
            }
            backend.upload(inMemory, entry.parameter().value());
            unread.remove(entry.key());
        }
        if (!infinite.isEmpty()) {
            remark("holds NaN or infinite values, in " + Names.some(infinite, 3) + ": what it computes will be NaN. Its training "
                    + "diverged, or the file is damaged");
        }
        requireAllRead(unread);
    }

    /** PEFT of some versions saved no biases for lora_only; those that it loads today without a word are the base's. */
    private boolean hasNoBiases(LoraAdapter adapter, List<PeftFormat.Entry> entries) {
        boolean none = !adapter.biases().isEmpty() && entries.stream().noneMatch(
                entry -> adapter.biases().contains(entry.parameter()) && source.has(entry.key()));
        if (none) {
            remark("its configuration says bias " + config.bias().text() + ", and its file holds no bias, as some versions of PEFT "
                    + "wrote it: the base's biases are used, as PEFT does");
        }
        return none;
    }

    /** Those of a classifier's modules that a file does not hold: copies that hold the base's, see {@link AdapterHead#absent}. */
    private boolean isAbsentHead(PeftFormat.Entry entry, boolean withoutHead) {
        if (!(model instanceof Classifier<?> classifier) || source.has(entry.key())) {
            return false;
        }
        String name = entry.key().substring(PeftFormat.PREFIX.length());
        return withoutHead && model.names().isOfClassifier(name) || AdapterHead.isIn(classifier.newModules(), name);
    }

    private boolean hasNoHead() {
        if (!(model instanceof Classifier<?> classifier)) {
            return false;
        }
        AdapterHead.absent(classifier, source).ifPresent(what -> remark(what + ": a new one is taken, and the scores are noise until "
                + "it is trained"));
        return AdapterHead.of(source, model.names()).isEmpty();
    }

    private void requireAllRead(Set<String> unread) {
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

    private void remark(String text) {
        remarks.accept(Names.oneLine("adapter '" + folder + "': " + text));
    }

    private String nearest(String key) {
        List<String> nearest = Names.nearest(key, source.names(), 1);
        return nearest.isEmpty() ? "" : " (nearest: " + nearest.getFirst() + ")";
    }

    private LoraException error(String problem) {
        return new LoraException(Names.oneLine("adapter '" + folder + "': " + problem));
    }
}
