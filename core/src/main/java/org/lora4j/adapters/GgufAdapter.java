package org.lora4j.adapters;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;
import org.lora4j.io.gguf.GgufWriter;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Slot;
import org.lora4j.tensor.Shape;

/**
 * Adapters for llama.cpp: a GGUF file with
 *
 * <pre>
 *   general.architecture = the family's name at llama.cpp   general.type = adapter   adapter.type = lora
 *   adapter.lora.alpha = a float
 *
 *   MODULE.weight.lora_a      (r, in), of the token embedding (V, r): transposed, as llama.cpp wants it
 *   MODULE.weight.lora_b      (out, r)           MODULE as {@link ModelNames#toGguf} says
 * </pre>
 *
 * <p>Where an architecture has the rows of a head of q and k in pairs ({@link ModelNames#pairedRows}), so have their B: that
 * needs the base's {@code config.json}, which also says which of several families with the same names it is.
 *
 * <p>llama.cpp multiplies an update by alpha/r, r being that of the update and alpha the file's. Where modules have another
 * factor (alpha patterns, alpha/√r) B is multiplied by what is missing. It has no place for biases, position embeddings,
 * modules trained as a whole and DoRA: those are refused by name.
 *
 * <p>The layout is what llama.cpp checks when it loads an adapter. Its own converter, {@code convert_lora_to_gguf.py}, turns A
 * and B around where it turns the base's in × out weights around; llama.cpp then refuses the file, and so do we.
 *
 * <p>Source: {@code llama-adapter.cpp}, the {@code conversion} folder and gguf-py's {@code constants.py} of llama.cpp.
 */
public final class GgufAdapter {

    private static final String ARCHITECTURE = "general.architecture";
    private static final String ALPHA = "adapter.lora.alpha";
    private static final String BASE_NAME = "general.base_model.0.name";

    private GgufAdapter() {
    }

    // ------------------------------------------------------------------------------------------------ writing

    /**
     * Writes an adapter as llama.cpp loads it.
     *
     * @param name    what to call the adapter in {@code general.name}
     * @param base    the base's {@code config.json}; null where it is not at hand
     * @param remarks what the user should know
     * @throws LoraException if the adapter holds what GGUF has no place for, or is of no family that llama.cpp has, or without
     *                       its base of one of several
     */
    public static void write(StoredAdapter adapter, Path file, String name, @Nullable ObjectNode base, List<String> remarks) {
        adapter.config().requirePlainUpdates("llama.cpp");
        List<String> others = adapter.others().stream().map(NamedTensor::name).toList();
        if (!others.isEmpty()) {
            throw adapter.error("holds " + Names.some(others, 3) + ", and a GGUF adapter has no place for biases and modules "
                    + "trained as a whole; merge the adapter into its base instead");
        }
        double alpha = adapter.config().alpha();
        if ((float) alpha == 0) {
            throw adapter.error("has alpha " + alpha + ", which llama.cpp takes for none and multiplies its updates by 1");
        }
        List<String> modules = adapter.updates().stream().map(StoredUpdate::module).toList();
        ModelNames names = family(adapter, modules, base);
        GgufWriter writer = new GgufWriter()
                .put(ARCHITECTURE, GgufValue.of(names.ggufArchitecture().orElseThrow(() -> adapter.error("is for "
                        + names.title() + ", which llama.cpp does not have"))))
                .put("general.type", GgufValue.of("adapter"))
                .put("adapter.type", GgufValue.of("lora"))
                .put("general.name", GgufValue.of(name))
                .put(ALPHA, GgufValue.of((float) alpha))
                .put("general.quantization_version", GgufValue.ofUnsigned(2));
        adapter.config().baseModel().ifPresent(named -> writer.put("general.base_model.count", GgufValue.ofUnsigned(1))
                .put(BASE_NAME, GgufValue.of(named)));
        adapter.metadata().forEach((key, value) -> {
            if (key.startsWith("lora4j.")) {
                writer.put(key, GgufValue.of(value));
            }
        });
        int scaled = 0;
        for (StoredUpdate update : adapter.updates()) {
            String tensor = names.toGguf(update.module()).map(theirs -> theirs + ".weight").orElseThrow(() -> adapter.error("adapts "
                    + Names.quoted(update.module()) + ", for which llama.cpp's " + names.title() + " takes no update"));
            double factor = adapter.alphaOverRank(update) / (float) alpha;
            scaled += factor == 1 ? 0 : 1;
            NamedTensor a = storable(update.a());
            writer.add((update.embedding() ? a.transposed() : a).as(tensor + ".lora_a"));
            NamedTensor b = LoralibFormat.times(storable(update.b()), factor);
            int paired = base == null ? 0 : names.pairedRows(update.module(), base);
            writer.add((paired == 0 ? b : rows(b, paired, true)).as(tensor + ".lora_b"));
            if (names.blockOf(update.module()) == Slot.NO_BLOCK) {
                remarks.add(update.module() + " is adapted: llama.cpp takes that only for a base whose output.weight is a tensor "
                        + "of its own, not one tied to token_embd");
            }
        }
        if (scaled > 0) {
            remarks.add("B of " + scaled + " modules was multiplied so that alpha " + Names.number(alpha)
                    + " is right for all");
        }
        writer.write(file);
    }

    /** The base's family: by its configuration, or the only one that knows the modules. */
    private static ModelNames family(StoredAdapter adapter, List<String> modules, @Nullable ObjectNode base) {
        if (base != null) {
            String type = base.path("model_type").asText("");
            return ModelNames.ofType(type).filter(names -> modules.stream().allMatch(names::knows)).orElseThrow(() -> adapter.error(
                    "adapts " + Names.some(modules.stream().map(Names::quoted).toList(), 3) + ", which the base, a "
                    + Names.quoted(type) + ", does not have here"));
        }
        List<ModelNames> all = ModelNames.all().stream().filter(names -> modules.stream().allMatch(names::knows)).toList();
        if (all.isEmpty()) {
            throw adapter.error("adapts " + Names.some(unknown(modules), 3) + ", and which family of models that is is not known "
                    + "here; there are " + families());
        }
        if (all.size() > 1) {
            throw adapter.error("is for one of " + all.stream().map(ModelNames::title).collect(Collectors.joining(", "))
                    + ", whose modules have the same names; llama.cpp wants to know which, and how large its heads are: name the "
                    + "base's folder as `model`");
        }
        return all.getFirst();
    }

    /** B with the rows of each head in pairs, or back again. */
    private static NamedTensor rows(NamedTensor b, int headSize, boolean toPairs) {
        int rows = b.shape().dim(0);
        long width = b.bytes().byteSize() / rows;
        byte[] moved = new byte[Math.toIntExact(b.bytes().byteSize())];
        for (int row = 0; row < rows; row++) {
            int inHead = row % headSize;
            int paired = row - inHead + 2 * (inHead % (headSize / 2)) + inHead / (headSize / 2);
            MemorySegment.copy(b.bytes(), ValueLayout.JAVA_BYTE, (toPairs ? row : paired) * width, moved,
                    Math.toIntExact((toPairs ? paired : row) * width), (int) width);
        }
        return new NamedTensor(b.name(), b.dtype(), b.shape(), MemorySegment.ofArray(moved));
    }

    private static NamedTensor storable(NamedTensor tensor) {
        return tensor.dtype() == DType.F64 ? tensor.as(DType.F32) : tensor;
    }

    /** Those that no family knows; all where each is known, but not to one and the same. */
    private static List<String> unknown(List<String> modules) {
        List<ModelNames> families = ModelNames.all();
        List<String> unknown = modules.stream()
                .filter(module -> families.stream().noneMatch(names -> names.knows(module))).toList();
        return (unknown.isEmpty() ? modules : unknown).stream().map(Names::quoted).toList();
    }

    private static String families() {
        return ModelNames.all().stream().map(ModelNames::title).collect(Collectors.joining(", "));
    }

    // ------------------------------------------------------------------------------------------------ reading

    /** Of a base whose {@code config.json} is not at hand. */
    public static StoredAdapter read(Path file) {
        return read(file, null);
    }

    /**
     * Reads an adapter of llama.cpp's.
     *
     * @param base the base's {@code config.json}; null where it is not at hand
     * @throws FormatException if it is no GGUF adapter of a family that is known here, or the rows of its B cannot be put in order
     *                         without the base
     */
    public static StoredAdapter read(Path file, @Nullable ObjectNode base) {
        try (GgufFile source = GgufFile.open(file)) {
            require(source, "general.type", "adapter");
            require(source, "adapter.type", "lora");
            ModelNames found = names(source);
            ModelNames names = base == null ? found : ModelNames.ofType(base.path("model_type").asText(""))
                    .filter(ofBase -> ofBase.ggufArchitecture().equals(found.ggufArchitecture())).orElse(found);
            Map<String, NamedTensor> tensors = new LinkedHashMap<>();
            source.names().forEach(name -> {
                if (source.isQuantised(name)) {
                    throw new FormatException(file, "tensor " + Names.quoted(name) + " is quantised, which updates are not: "
                            + "convert the adapter again in F32, F16 or BF16");
                }
                tensors.put(name, NamedTensor.copyOf(source, name));
            });
            return stored(file, source, tensors, names, base);
        }
    }

    private static ModelNames names(GgufFile source) {
        GgufValue found = source.values().get(ARCHITECTURE);
        return Optional.ofNullable(found).map(GgufValue::toString).flatMap(ModelNames::ofArchitecture)
                .orElseThrow(() -> new FormatException(source.path(), ARCHITECTURE + " is "
                        + (found == null ? "missing" : Names.quoted(found.toString())) + ", expected one of "
                        + ModelNames.all().stream().flatMap(names -> names.ggufArchitecture().stream())
                                .collect(Collectors.joining(", "))));
    }

    private static StoredAdapter stored(
            Path file, GgufFile source, Map<String, NamedTensor> tensors, ModelNames names, @Nullable ObjectNode base) {
        List<NamedTensor> ours = new ArrayList<>();
        Map<String, Integer> ranks = new TreeMap<>();
        Map<String, Double> alphas = new TreeMap<>();
        double alpha = alpha(file, source);
        for (NamedTensor a : tensors.values()) {
            if (!a.name().endsWith(".weight.lora_a")) {
                requireB(file, tensors, a.name());
                continue;
            }
            String stem = a.name().substring(0, a.name().length() - ".weight.lora_a".length());
            NamedTensor b = tensors.get(stem + ".weight.lora_b");
            String module = names.fromGguf(stem).orElseThrow(() -> new FormatException(file, "tensor " + Names.quoted(a.name())
                    + " is of no module of a " + names.title()));
            boolean embedding = names.isEmbedding(module);
            requirePair(file, a, b, embedding, names.isInByOut(module + ".weight") ? names.parts(module).size() : 0);
            String key = StoredAdapter.PREFIX + module;
            ours.add((embedding ? a.transposed() : a).as(key + (embedding ? StoredAdapter.EMBEDDING_A : StoredAdapter.A)));
            ours.add(inOrder(file, b, module, names, base).as(key + (embedding ? StoredAdapter.EMBEDDING_B : StoredAdapter.B)));
            ranks.put(module, b.shape().dim(1));
            alphas.put(module, alpha == 0 ? b.shape().dim(1) : alpha); // llama.cpp takes the factor 1 where alpha is 0
        }
        if (ranks.isEmpty()) {
            throw new FormatException(file, "is an adapter without any tensor");
        }
        return new StoredAdapter(file, configuration(source, names, ranks, alphas), ours, lora4jMetadata(source));
    }

    private static NamedTensor inOrder(
            Path file, NamedTensor b, String module, ModelNames names, @Nullable ObjectNode base) {
        int paired = names.pairedRows(module, base == null ? JsonNodeFactory.instance.objectNode() : base);
        if (paired == 0) {
            return b;
        }
        if (base == null) {
            throw new FormatException(file, "has updates of queries or keys of a " + names.title() + ", whose rows llama.cpp has in "
                    + "another order; how large its heads are stands in the base's config.json: name its folder as `model`");
        }
        if (b.shape().dim(0) % paired != 0) {
            throw new FormatException(file, "tensor " + Names.quoted(b.name()) + " has shape " + b.shape() + ", expected heads of "
                    + paired + " rows, as the base has them");
        }
        return rows(b, paired, false);
    }

    private static PeftConfig configuration(
            GgufFile source, ModelNames names, Map<String, Integer> ranks, Map<String, Double> alphas) {
        List<String> modules = List.copyOf(ranks.keySet());
        int rank = PeftFormat.mostCommon(ranks);
        double commonAlpha = PeftFormat.mostCommon(alphas);
        ranks.values().removeIf(r -> r == rank);
        alphas.values().removeIf(a -> a == commonAlpha);
        GgufValue base = source.values().get(BASE_NAME);
        return PeftConfig.create(rank, commonAlpha)
                .with("base_model_name_or_path", base == null ? null : base.toString())
                .with("fan_in_fan_out", modules.stream().anyMatch(module -> names.isInByOut(module + ".weight")))
                .with("rank_pattern", ranks).with("alpha_pattern", alphas)
                .with("target_modules", modules)
                .with("task_type", "CAUSAL_LM");
    }

    private static Map<String, String> lora4jMetadata(GgufFile source) {
        Map<String, String> metadata = new LinkedHashMap<>();
        source.metadata().forEach((key, value) -> {
            if (key.startsWith("lora4j.")) {
                metadata.put(key, value);
            }
        });
        return metadata;
    }

    private static double alpha(Path file, GgufFile source) {
        GgufValue alpha = source.values().get(ALPHA);
        if (alpha == null) {
            return 0;
        }
        if (!(alpha.value() instanceof Double number) || !Double.isFinite(number)) {
            throw new FormatException(file, ALPHA + " is " + Names.oneLine(alpha.toString()) + ", expected a finite number");
        }
        return number;
    }

    private static void require(GgufFile source, String key, String expected) {
        GgufValue found = source.values().get(key);
        if (found == null || !found.value().equals(expected)) {
            throw new FormatException(source.path(), key + " is " + (found == null ? "missing" : Names.quoted(found.toString()))
                    + ", expected " + expected);
        }
    }

    private static void requireB(Path file, Map<String, NamedTensor> tensors, String name) {
        if (!name.endsWith(".weight.lora_b")
                || !tensors.containsKey(name.substring(0, name.length() - 1) + "a")) {
            throw new FormatException(file, "tensor " + Names.quoted(name)
                    + (name.endsWith(".lora_b") ? " has no lora_a beside it" : " is neither a lora_a nor a lora_b"));
        }
    }

    private static void requirePair(Path file, NamedTensor a, @Nullable NamedTensor b, boolean embedding, int parts) {
        if (b == null) {
            throw new FormatException(file, "tensor " + Names.quoted(a.name()) + " has no lora_b beside it");
        }
        Shape shape = a.shape();
        if (shape.rank() != 2 || b.shape().rank() != 2 || shape.size() == 0 || b.shape().size() == 0
                || shape.dim(embedding ? 1 : 0) != b.shape().dim(1)) {
            throw new FormatException(file, "tensor " + Names.quoted(a.name()) + " has shape " + shape + " and its lora_b "
                    + b.shape() + ", expected " + (embedding ? "(V, r)" : "(r, in)") + " and (out, r)");
        }
        if (parts > 1 && shape.dim(1) == parts * b.shape().dim(0)) {
            throw new FormatException(file, "tensor " + Names.quoted(a.name()) + " has shape " + shape + " and its lora_b "
                    + b.shape() + ": A and B are turned around, as llama.cpp's converter does where it turns the base's weights, and "
                    + "llama.cpp does not load that either. Convert the PEFT adapter instead");
        }
    }
}
