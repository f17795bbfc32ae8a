package org.lora4j.adapters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.torch.TorchFile;
import org.lora4j.io.torch.TorchWriter;
import org.lora4j.model.ModelNames;
import org.lora4j.tuning.lora.WholeModules;

/**
 * The files of loralib, the authors' own package: what {@code torch.save(lora.lora_state_dict(model))} writes.
 *
 * <pre>
 *   MODULE.lora_A   (r, in)      MODULE.lora_B   (out, r)           of a Linear or an Embedding
 *   MODULE.lora_A   (n·r, in)    MODULE.lora_B   (n·out/3, r)       of a MergedLinear with n parts of q, k, v enabled
 *   MODULE.bias, HEAD.weight, …                                     what was trained beside it
 * </pre>
 *
 * <p>r follows from the shapes: it is the number of columns of B. Nothing says alpha, the scaling, or which parts a
 * MergedLinear has enabled; the first must be given, the second is alpha/r in loralib, the third is taken for q and v where
 * there are two, as in all of the authors' scripts.
 *
 * <p>A MergedLinear becomes one PEFT adapter of rank r' = n·r and alpha' = n·alpha: A as it is, and part p's B in the rows
 * of p and the columns of its r, zeros elsewhere. ΔW is the same matrix, by copies only. Parts of other widths than the map's
 * thirds (Phi-3) are written as one Linear of rank n·r.
 *
 * <p>Names may begin with {@code module.}, as a model wrapped for several devices has them, or have {@code _orig_mod.} in
 * them, as a compiled one does.
 */
public final class LoralibFormat {

    private static final String A = ".lora_A";
    private static final String B = ".lora_B";
    private static final List<String> PARTS = FusedParts.QKV;
    /**
     * The last word of an embedding's name where no family of models knows it: a file does not say, and the shapes are a
     * linear map's.
     */
    private static final Pattern EMBEDDING = Pattern.compile("(.*[._])?embeddings?|(.*\\.)?embed_(tokens|positions|in)");

    /** What is trained as a whole on top of a model: its layers are saved together, by its name. */
    private static final Set<String> HEADS = Set.of("classifier", "pre_classifier", "score", "qa_outputs", "cls", "summary");

    private LoralibFormat() {
    }

    /**
     * An update as it stands in the file.
     *
     * @param a (n·r, in)
     * @param b (n·w, r)
     */
    public record Update(String module, NamedTensor a, NamedTensor b) {

        /** r, as the columns of B have it. */
        public int rank() {
            return b.shape().dim(1);
        }

        /** n: how many parts of a fused map have an update; 1 for one on the whole map. */
        public int parts() {
            return a.shape().dim(0) / rank();
        }

        boolean isEmbedding(List<ModelNames> families) {
            return EMBEDDING.matcher(module).matches()
                    || families.stream().anyMatch(family -> family.isEmbedding(module));
        }
    }

    /** Whether the module is a fused map of q, k and v in one of the families, and they are as wide as each other in any model. */
    private static boolean isFused(String module, List<ModelNames> families) {
        return families.stream().anyMatch(family -> family.parts(module).equals(PARTS)
                && !family.fusedParts(module, PARTS.size(), null).isEmpty());
    }

    /** What a file holds. */
    public record Contents(Path path, List<Update> updates, List<NamedTensor> others, Map<String, String> metadata) {
    }

    /**
     * What a loralib file does not say about itself.
     *
     * @param alpha   alpha of all modules; empty if it is not known
     * @param parts   the enabled parts of fused maps; empty for q and v where there are two and all where there are three
     * @param base    what to write as {@code base_model_name_or_path}; null for nothing
     */
    public record Options(OptionalDouble alpha, List<String> parts, @Nullable String base) {

        /** Alpha alone is known. */
        public static Options alpha(double alpha) {
            return new Options(OptionalDouble.of(alpha), List.of(), null);
        }
    }

    // ------------------------------------------------------------------------------------------------ reading

    /**
     * Reads what is in a loralib file, without what it leaves open.
     *
     * @throws FormatException if it is no PyTorch file, holds no lora_A, or A's and B's shapes do not go together
     */
    public static Contents read(Path file) {
        try (TorchFile source = TorchFile.open(file)) {
            Map<String, NamedTensor> tensors = new LinkedHashMap<>();
            for (String name : source.names()) {
                String plain = PeftUpgrade.unwrapped(name);
                if (tensors.put(plain, NamedTensor.copyOf(source, name).as(plain)) != null) {
                    throw new FormatException(file, "holds " + Names.quoted(plain) + " twice, with and without module. or "
                            + "_orig_mod. in its name");
                }
            }
            List<Update> updates = new ArrayList<>();
            List<NamedTensor> others = new ArrayList<>();
            for (NamedTensor tensor : tensors.values()) {
                if (tensor.name().endsWith(A)) {
                    String module = tensor.name().substring(0, tensor.name().length() - A.length());
                    updates.add(checked(file, module, tensor, tensors.get(module + B)));
                } else if (tensor.name().endsWith(B)) {
                    String module = tensor.name().substring(0, tensor.name().length() - B.length());
                    if (!tensors.containsKey(module + A)) {
                        throw new FormatException(file, Names.quoted(tensor.name()) + " has no lora_A beside it");
                    }
                } else {
                    others.add(tensor);
                }
            }
            if (updates.isEmpty()) {
                throw new FormatException(file, "has no tensor that ends with .lora_A, so it is no loralib file; it has "
                        + Names.some(tensors.keySet(), 4));
            }
            return new Contents(file, updates, others, source.metadata());
        }
    }

    private static Update checked(Path file, String module, NamedTensor a, @Nullable NamedTensor b) {
        if (b == null) {
            throw new FormatException(file, Names.quoted(module + A) + " has no lora_B beside it");
        }
        if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.shape().size() == 0 || b.shape().size() == 0
                || a.shape().dim(0) % b.shape().dim(1) != 0) {
            throw new FormatException(file, Names.quoted(module) + " has lora_A " + a.shape() + " and lora_B " + b.shape()
                    + ", expected (n·r, in) and (n·out, r)");
        }
        if (!a.dtype().isFloating() || !b.dtype().isFloating()) {
            throw new FormatException(file, Names.quoted(module) + " has lora_A of type " + a.dtype() + " and lora_B of type "
                    + b.dtype() + ", expected floating numbers");
        }
        Update update = new Update(module, a, b);
        if (update.parts() > PARTS.size() || b.shape().dim(0) % update.parts() != 0) {
            throw new FormatException(file, Names.quoted(module) + " has lora_A " + a.shape() + " and lora_B " + b.shape()
                    + ", which would be " + update.parts() + " updates in one; a fused map has q, k and v");
        }
        return update;
    }

    // ------------------------------------------------------------------------------------------------ to PEFT

    /**
     * Says the same in PEFT's words: A and B under PEFT's names, parts as one map of rank n·r.
     *
     * @throws LoraException if alpha is not given, or the parts do not fit
     */
    public static StoredAdapter toPeft(Contents contents, Options options) {
        Path path = contents.path();
        double alpha = options.alpha().orElseThrow(() -> new LoraException(Names.oneLine(path + ": a loralib file holds A and B, "
                + "but not alpha: r = " + contents.updates().getFirst().rank() + " follows from the shapes, the factor alpha/r "
                + "does not, and with a wrong one the adapter computes something else. Give the alpha it was trained with, "
                + "as `alpha` 16 (the authors' scripts: 16 with r 8 on GLUE, 32 with r 4 on E2E)")));
        List<ModelNames> families = ModelNames.resembling(contents.updates().stream().map(Update::module).toList());
        Set<String> grouped = new LinkedHashSet<>();
        List<NamedTensor> tensors = new ArrayList<>();
        Map<String, Integer> ranks = new TreeMap<>();
        Map<String, Double> alphas = new TreeMap<>();
        for (Update update : contents.updates()) {
            String key = StoredAdapter.PREFIX + update.module();
            NamedTensor b = update.b();
            List<String> parts = enabledParts(path, update, families, options.parts());
            if (!parts.isEmpty()) {
                grouped.addAll(parts);
                b = FusedParts.thirds(parts, b.shape().dim(0) / parts.size()).toWhole(b);
            }
            boolean embedding = update.isEmbedding(families);
            tensors.add(update.a().as(key + (embedding ? StoredAdapter.EMBEDDING_A : StoredAdapter.A)));
            tensors.add(b.as(key + (embedding ? StoredAdapter.EMBEDDING_B : StoredAdapter.B)));
            ranks.put(update.module(), update.a().shape().dim(0));
            alphas.put(update.module(), alpha * update.parts());
        }
        Set<String> adapted = Set.copyOf(ranks.keySet());
        PeftConfig config = configuration(contents, options, families, ranks, alphas);
        for (NamedTensor other : contents.others()) {
            tensors.add(other.as(StoredAdapter.PREFIX + (other.name().endsWith(".bias")
                    && adapted.contains(module(other.name())) ? module(other.name()) + ".base_layer.bias" : other.name())));
        }
        Map<String, String> metadata = grouped.isEmpty() ? Map.of() : Map.of(PeftFormat.PARTS, String.join(",",
                PARTS.stream().filter(grouped::contains).toList()));
        return new StoredAdapter(path, config, tensors, metadata);
    }

    /** The enabled parts of a MergedLinear; none if the update is one of a whole map. */
    private static List<String> enabledParts(
            Path path, Update update, List<ModelNames> families, List<String> asked) {
        int in = update.a().shape().dim(1);
        // one part of a fused map of in → 3·in looks like a square map, unless its name says that it is fused
        boolean onePart = update.parts() == 1 && isFused(update.module(), families) && update.b().shape().dim(0) == in;
        if (update.parts() == 1 && !onePart) {
            return List.of();
        }
        List<String> parts = !asked.isEmpty() ? PARTS.stream().filter(asked::contains).toList()
                : update.parts() == 2 ? List.of("q", "v") : update.parts() == 3 ? PARTS : List.of();
        if (parts.size() != update.parts()) {
            throw new FormatException(path, Names.quoted(update.module()) + " has updates of " + update.parts()
                    + " of the parts q, k and v, and the file does not say of which; "
                    + (asked.isEmpty() ? "say so, as `parts` q" : "`parts` " + String.join(",", asked) + " are "
                            + asked.size()));
        }
        return parts;
    }

    private static PeftConfig configuration(
            Contents contents, Options options, List<ModelNames> families, Map<String, Integer> ranks,
            Map<String, Double> alphas) {
        int rank = PeftFormat.mostCommon(ranks);
        double alpha = PeftFormat.mostCommon(alphas);
        Set<String> modules = new LinkedHashSet<>(ranks.keySet());
        Set<String> saved = saved(contents, modules);
        boolean ownBiases = false;
        boolean otherBiases = false;
        for (NamedTensor other : contents.others()) {
            boolean bias = other.name().endsWith(".bias");
            ownBiases |= bias && modules.contains(module(other.name()));
            otherBiases |= bias && !modules.contains(module(other.name()))
                    && saved.stream().noneMatch(module -> other.name().startsWith(module + "."));
        }
        ranks.values().removeIf(r -> r == rank);
        alphas.values().removeIf(a -> a == alpha);
        boolean inByOut = modules.stream().anyMatch(
                module -> families.stream().anyMatch(family -> family.isInByOut(module + ".weight")));
        return PeftConfig.create(rank, alpha)
                .with("base_model_name_or_path", options.base())
                .with("bias", otherBiases ? "all" : ownBiases ? "lora_only" : "none")
                .with("fan_in_fan_out", inByOut)
                .with("rank_pattern", ranks).with("alpha_pattern", alphas)
                .with("modules_to_save", saved.isEmpty() ? null : List.copyOf(saved))
                .with("target_modules", List.copyOf(modules))
                .with("task_type", saved.stream().anyMatch(WholeModules.HEADS::contains) ? "SEQ_CLS"
                        : families.stream().flatMap(family -> family.taskType().stream()).findFirst().orElse(null));
    }

    /** What was trained as a whole: modules with more than a bias in the file, a classifier's layers by its name. */
    private static Set<String> saved(Contents contents, Set<String> adapted) {
        Set<String> saved = new LinkedHashSet<>();
        for (NamedTensor other : contents.others()) {
            String module = module(other.name());
            if (!other.name().endsWith(".bias") && !module.isEmpty()) {
                String first = module.split("\\.")[0];
                saved.add(HEADS.contains(first) && adapted.stream().noneMatch(name -> name.startsWith(first + "."))
                        ? first : module);
            }
        }
        return saved;
    }

    private static String module(String tensor) {
        int dot = tensor.lastIndexOf('.');
        return dot < 0 ? "" : tensor.substring(0, dot);
    }

    // ------------------------------------------------------------------------------------------------ from PEFT

    /**
     * Writes the adapter as loralib has it. Where its modules have different alpha/r, or alpha/√r, B is multiplied so that
     * one alpha is right for all, which the remarks say.
     *
     * @param remarks what the user should know
     * @return the alpha with which a model of loralib's layers computes the same
     * @throws LoraException if the adapter holds what loralib has no layer for
     */
    public static double write(StoredAdapter adapter, Path file, List<String> remarks) {
        adapter.config().requirePlainUpdates("loralib");
        List<String> parts = Arrays.stream(adapter.metadata().getOrDefault(PeftFormat.PARTS, "").split(","))
                .filter(part -> !part.isBlank()).toList();
        Set<String> whole = Set.of(adapter.metadata().getOrDefault(PeftFormat.WHOLE, "").split(","));
        List<ModelNames> families = ModelNames.resembling(adapter.updates().stream().map(StoredUpdate::module).toList());
        List<Update> updates = new ArrayList<>();
        Map<String, Double> alphas = new LinkedHashMap<>();
        for (StoredUpdate update : adapter.updates()) {
            boolean fused = !parts.isEmpty() && isFused(update.module(), families) && !whole.contains(update.module());
            NamedTensor b = fused ? unblocked(adapter, update, parts) : update.b();
            Update ours = new Update(update.module(), update.a(), b);
            updates.add(ours);
            alphas.put(update.module(), adapter.alphaOverRank(update) / ours.parts());
        }
        double alpha = PeftFormat.mostCommon(alphas);
        if (alpha == 0 && alphas.values().stream().anyMatch(other -> other != 0)) {
            throw adapter.error("has alpha 0 for most of its modules and others for some, which no one alpha can say");
        }
        TorchWriter writer = new TorchWriter(stem(file));
        int scaled = 0;
        for (Update update : updates) {
            double factor = alpha == 0 ? 1 : alphas.get(update.module()) / alpha;
            scaled += factor == 1 ? 0 : 1;
            writer.add(update.a().as(update.module() + A)).add(times(update.b(), factor).as(update.module() + B));
        }
        if (scaled > 0) {
            remarks.add("B of " + scaled + " modules was multiplied so that alpha " + Names.number(alpha) + " is right for all");
        }
        List<NamedTensor> others = adapter.others().stream().map(other -> other.as(
                other.name().replaceFirst("^base_model\\.model\\.", "").replace(".base_layer.", "."))).toList();
        StoredAdapter.requireOnce(adapter.path(), others);
        others.forEach(writer::add);
        writer.write(file);
        return alpha;
    }

    private static NamedTensor unblocked(StoredAdapter adapter, StoredUpdate update, List<String> parts) {
        if (update.rank() % parts.size() != 0 || update.outFeatures() % PARTS.size() != 0 || !PARTS.containsAll(parts)) {
            throw adapter.error("its metadata says " + PeftFormat.PARTS + " = " + String.join(",", parts) + ", which does not fit "
                    + "an update of shape (" + update.outFeatures() + ", " + update.rank() + ")");
        }
        FusedParts fused = FusedParts.thirds(parts, update.outFeatures() / PARTS.size());
        NamedTensor b = fused.fromWhole(update.b());
        if (!fused.toWhole(b).sameBits(update.b())) {
            throw adapter.error(Names.quoted(update.module()) + " is not zero outside the blocks of " + String.join(",", parts)
                    + ", though the metadata says so");
        }
        return b;
    }

    /** The tensor times a factor, rounded once; itself where the factor is one. */
    static NamedTensor times(NamedTensor tensor, double factor) {
        if (factor == 1) {
            return tensor;
        }
        double[] values = tensor.doubles();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return NamedTensor.of(tensor.name(), tensor.dtype(), tensor.shape(), values);
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    }
}
