package org.lora4j.adapters;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.DType;
import org.lora4j.io.FileErrors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorSource;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Slot;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraLinear;
import org.lora4j.tuning.lora.LoraProjection;
import org.lora4j.tuning.lora.LoraScaling;
import org.lora4j.tuning.lora.MergedLoraLinear;

/**
 * Adapters as PEFT writes and reads them: a folder with {@code adapter_config.json} and
 * {@code adapter_model.safetensors}. The keys, each behind {@code base_model.model.}:
 *
 * <pre>
 *   h.0.attn.c_attn.lora_A.weight            (r, in)        of a linear map, and lora_B.weight (out, r)
 *   wte.lora_embedding_A                     (r, V)         of an embedding, and lora_embedding_B (C, r)
 *   h.0.attn.c_attn.lora_magnitude_vector    (out)          m of DoRA; (C) of an embedding
 *   h.0.attn.c_attn.base_layer.bias          (out)          a trained bias of an adapted map
 *   h.0.ln_1.bias                            (C)            a trained bias elsewhere
 *   ln_f.weight, lm_head.weight, …                          of a module trained as a whole, in the layout of the base's files
 * </pre>
 *
 * <p>A {@link MergedLoraLinear} of rank r and alpha on n parts is written as what PEFT has for it, one adapter of rank
 * n·r and alpha n·alpha (√n·alpha under alpha/√r) on the whole map: A as it is, and the j-th part's B in the rows of the
 * part and the columns j·r to (j+1)·r − 1, zero elsewhere. ΔW is the same matrix, by copies only. The file's metadata
 * says {@code lora4j.parts}, so that loading it here gives the parts back and training goes on without the zeros; where
 * other fused maps are adapted as a whole, {@code lora4j.whole} names those.
 *
 * <p>An adapter that began as {@link org.lora4j.tuning.lora.Pissa} is written as the plain one of twice the rank that it is on the
 * base as it was, and is loaded as that.
 */
public final class PeftFormat {

    /** What stands before the name of a module of the base in the keys of a file. */
    public static final String PREFIX = "base_model.model.";
    static final String MAGNITUDE = ".lora_magnitude_vector";
    /** The key of the metadata that names the parts of fused maps that were adapted each by itself. */
    public static final String PARTS = "lora4j.parts";
    /** The key of the metadata that names the fused maps that were adapted as a whole all the same. */
    public static final String WHOLE = "lora4j.whole";
    /** The key of the metadata that names a classifier's labels, a JSON list in the order of the scores; empty in regression. */
    public static final String LABELS = "lora4j.labels";

    private PeftFormat() {
    }

    /**
     * A trainable tensor as the file has it.
     *
     * @param key       its key in {@code adapter_model.safetensors}
     * @param parameter the parameter, as it lies in memory
     * @param shape     its shape in the file
     * @param toFile    turns the numbers in memory into those of the file
     * @param toMemory  turns the numbers of the file into those in memory
     */
    public record Entry(
            String key, Parameter parameter, Shape shape, Function<double[], double[]> toFile,
            Function<double[], double[]> toMemory) {

        /** A value, gradient or moment of the parameter, in the file's layout. */
        public double[] inFileLayout(Backend backend, Tensor tensor) {
            return toFile.apply(backend.readDoubles(tensor));
        }

        private static Entry plain(String key, Parameter parameter) {
            return new Entry(key, parameter, parameter.shape(), Function.identity(), Function.identity());
        }
    }

    /** Every trainable tensor of an adapter, in the model's order. */
    public static List<Entry> entries(LoraAdapter adapter) {
        List<Entry> entries = new ArrayList<>();
        adapter.embeddings().forEach((name, lora) -> {
            int rows = lora.rows();
            int rank = lora.rank();
            entries.add(new Entry(
                    PREFIX + name + ".lora_embedding_A", lora.loraATransposed(), Shape.of(rank, rows),
                    values -> transpose(values, rows, rank), values -> transpose(values, rank, rows)));
            entries.add(Entry.plain(PREFIX + name + ".lora_embedding_B", lora.loraB()));
            if (lora.magnitude() != null) {
                entries.add(Entry.plain(PREFIX + name + MAGNITUDE, lora.magnitude()));
            }
        });
        adapter.projections().forEach((name, lora) -> {
            entries.add(Entry.plain(PREFIX + name + ".lora_A.weight", lora.loraA()));
            String keyB = PREFIX + name + ".lora_B.weight";
            MergedLoraLinear parts = lora.plain() instanceof MergedLoraLinear merged ? merged : null;
            entries.add(parts != null ? inRowsOfParts(keyB, parts) : Entry.plain(keyB, lora.loraB()));
            if (lora.magnitude() != null) {
                String keyM = PREFIX + name + MAGNITUDE;
                entries.add(parts != null ? magnitudes(keyM, parts, lora.magnitude())
                        : Entry.plain(keyM, lora.magnitude()));
            }
        });
        Set<Parameter> adapted = adapter.projections().values().stream()
                .map(lora -> lora.base().bias()).collect(Collectors.toSet());
        Set<String> fused = adapter.model().projections().stream().map(slot -> slot.name() + ".weight")
                .filter(name -> adapter.model().names().isInByOut(name)).collect(Collectors.toSet());
        adapter.whole().parameters().forEach((name, parameter) -> entries.add(
                fused.contains(name) ? turned(PREFIX + name, parameter) : Entry.plain(PREFIX + name, parameter)));
        for (Parameter bias : adapter.biases()) {
            String key = adapted.contains(bias)
                    ? bias.name().substring(0, bias.name().length() - ".bias".length()) + ".base_layer.bias"
                    : bias.name();
            entries.add(Entry.plain(PREFIX + key, bias));
        }
        return entries;
    }

    // ------------------------------------------------------------------------------------------------ writing

    /**
     * Writes the adapter as a folder that PEFT loads; configuration and tensors appear together or not at all.
     *
     * @param baseModel what to write as {@code base_model_name_or_path}
     * @param metadata  more text pairs for the tensor file's metadata, which PEFT passes over; may be empty
     * @throws LoraException if the folder cannot be written; what was there is then unharmed
     */
    public static void save(LoraAdapter adapter, Path folder, String baseModel, Map<String, String> metadata) {
        PeftConfig config = config(adapter, baseModel);
        SafetensorsWriter tensors = tensors(adapter, metadata);
        AtomicFolder.write(folder, staging -> {
            config.write(staging.resolve(PeftConfig.FILE_NAME));
            tensors.write(staging.resolve(TensorFiles.ADAPTER + ".safetensors"));
        });
    }

    /** What {@link #save} writes into the tensors' file. */
    static SafetensorsWriter tensors(LoraAdapter adapter, Map<String, String> metadata) {
        Backend backend = adapter.model().backend();
        SafetensorsWriter tensors = new SafetensorsWriter().metadata("format", "pt");
        if (!adapter.fusedParts().isEmpty() && adapter.pissa() == null) {
            tensors.metadata(PARTS, String.join(",", adapter.fusedParts()));
            List<String> whole = fusedMapsAdaptedAsAWhole(adapter);
            if (!whole.isEmpty()) {
                tensors.metadata(WHOLE, String.join(",", whole));
            }
        }
        if (adapter.model() instanceof Classifier<?> classifier && AdapterHead.isSaid(classifier)) {
            tensors.metadata(LABELS, AdapterHead.toJson(classifier.labelNames()));
        }
        metadata.forEach(tensors::metadata);
        for (Entry entry : entries(adapter)) {
            double[] values = inFile(adapter, entry, backend.readDoubles(adapter.valueOf(entry.parameter())));
            if (adapter.pissa() == null || !PissaConversion.isFactor(entry)) {
                tensors.add(entry.key(), DType.F32, entry.shape(), values);
            } else {
                tensors.add(entry.key(), DType.F32, PissaConversion.shape(entry), PissaConversion.doubled(adapter.pissa(), entry, values));
            }
        }
        adapter.whole().tables().forEach((key, table) -> tensors.add(PREFIX + key, DType.F32, inFiles(adapter.model(), table),
                fileLayout(adapter.model(), table, backend.readDoubles(adapter.valueOf(table)))));
        return tensors;
    }

    private static List<String> fusedMapsAdaptedAsAWhole(LoraAdapter adapter) {
        return adapter.model().projections().stream()
                .filter(slot -> !slot.parts().isEmpty() && adapter.projections().containsKey(slot.name())
                        && adapter.projections().get(slot.name()).plain() instanceof LoraLinear)
                .map(Slot::name).toList();
    }

    /** Whether the family's linear maps lie as in × out, as Conv1D does; A and B never do. */
    private static boolean liesInByOut(Model model) {
        return model.projections().stream().anyMatch(slot -> model.names().isInByOut(slot.name() + ".weight"));
    }

    /** The configuration that says to PEFT what this adapter is. */
    static PeftConfig config(LoraAdapter adapter, String baseModel) {
        LoraConfig config = adapter.config();
        Map<String, Integer> ranks = new TreeMap<>();
        Map<String, Double> alphas = new TreeMap<>();
        adapter.embeddings().forEach((name, lora) -> {
            ranks.put(name, lora.rank());
            alphas.put(name, lora.alpha());
        });
        adapter.projections().forEach((name, lora) -> {
            int parts = lora.loraA().shape().dim(0) / lora.rank() * (adapter.pissa() == null ? 1 : 2);
            ranks.put(name, parts * lora.rank());
            alphas.put(name, lora.alpha()
                    * (config.scaling() == LoraScaling.ALPHA_OVER_R ? parts : Math.sqrt(parts)));
        });
        int rank = mostCommon(ranks);
        double alpha = mostCommon(alphas);
        ranks.values().removeIf(r -> r == rank);
        alphas.values().removeIf(a -> a == alpha);
        return PeftConfig.create(rank, alpha)
                .with("base_model_name_or_path", baseModel)
                .with("bias", config.bias().text())
                .with("fan_in_fan_out", liesInByOut(adapter.model()))
                .with("inference_mode", true)
                .with("init_lora_weights", config.init() == LoraInit.PAPER_GAUSSIAN ? "gaussian" : true)
                .with("lora_dropout", config.dropout())
                .with("modules_to_save", adapter.wholeNames().isEmpty() ? null : adapter.wholeNames())
                .with("rank_pattern", ranks)
                .with("alpha_pattern", alphas)
                .with("target_modules", shortest(adapter.adaptedModules(), targetNames(adapter)))
                .with("task_type", adapter.model().taskType().orElse(null))
                .with("use_dora", config.dora())
                .with("use_rslora", config.scaling() == LoraScaling.ALPHA_OVER_SQRT_R);
    }

    /** The value that most keys have. */
    public static <V> V mostCommon(Map<String, V> values) {
        return values.values().stream().collect(Collectors.groupingBy(v -> v, TreeMap::new, Collectors.counting()))
                .entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    }

    /** The shortest ends of names that mean these modules and no others: c_attn, then attn.c_proj, then whole names. */
    public static List<String> shortest(Set<String> modules, List<String> all) {
        for (int words = 1; words <= 2; words++) {
            int count = words;
            List<String> ends = modules.stream().map(name -> lastWords(name, count)).distinct().sorted().toList();
            if (new LinkedHashSet<>(TargetSelector.byNames(ends).matching(all)).equals(modules)) {
                return ends;
            }
        }
        return List.copyOf(modules);
    }

    private static String lastWords(String name, int count) {
        String[] words = name.split("\\.");
        return String.join(".", Arrays.copyOfRange(words, Math.max(0, words.length - count), words.length));
    }

    /** Those that a list of targets can mean: none in a head that is trained as a whole. */
    private static List<String> targetNames(LoraAdapter adapter) {
        List<String> names = moduleNames(adapter.model());
        names.removeIf(name -> adapter.model().names().isOfClassifier(name) && !adapter.adaptedModules().contains(name));
        return names;
    }

    static List<String> moduleNames(Model model) {
        List<String> names = new ArrayList<>();
        model.embeddings().forEach(slot -> names.add(slot.name()));
        model.projections().forEach(slot -> names.add(slot.name()));
        return names;
    }

    // ------------------------------------------------------------------------------------------------ reading

    /**
     * Attaches the adapter of a folder to a model, trainable; call {@link LoraAdapter#freeze} to only use it.
     *
     * @throws LoraException if a file is missing or malformed, a tensor is missing, unexpected or has another shape than
     *                       the configuration says, or the configuration asks for what is not supported; the model is
     *                       then as it was
     */
    public static LoraAdapter load(Model model, Path folder) {
        return load(model, folder, remark -> { });
    }

    /**
     * The same, with remarks.
     *
     * @param remarks is told what PEFT would pass over in silence: biases that are not there, a table that replaces the base's,
     *                values that are not finite
     */
    public static LoraAdapter load(Model model, Path folder, Consumer<String> remarks) {
        if (!Files.isDirectory(folder)) {
            throw new LoraException(Names.oneLine("adapter '" + folder + "': "
                    + (Files.exists(folder) ? "is a file; a loralib or GGUF file is made a folder by lora4j convert"
                            : FileErrors.absent(folder, "folder")) + ". Name a folder with " + PeftConfig.FILE_NAME
                    + " and adapter_model.safetensors in it, as train and PEFT write it"));
        }
        PeftConfig config = PeftConfig.read(folder);
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            return load(model, folder, config, source, remarks);
        }
    }

    /**
     * Attaches an adapter that lies elsewhere than in a folder, trainable.
     *
     * @param path   where it came from, for messages
     * @param source its tensors by PEFT's keys; closed by the caller
     * @throws LoraException as {@link #load(Model, Path)} does
     */
    public static LoraAdapter load(
            Model model, Path path, PeftConfig config, TensorSource source, Consumer<String> remarks) {
        PeftUpgrade upgrade = PeftUpgrade.of(config, source);
        upgrade.config().requireSupported(true);
        return new PeftLoader(model, path, upgrade.config(), upgrade.source(), remarks).load();
    }

    /**
     * An adapter's configuration and tensors without a model, those of older versions of PEFT in today's words.
     *
     * @param taker is given both while the tensors' file is open
     */
    public static <T> T read(Path folder, BiFunction<PeftConfig, TensorSource, T> taker) {
        PeftConfig config = PeftConfig.read(folder);
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            PeftUpgrade upgrade = PeftUpgrade.of(config, source);
            return taker.apply(upgrade.config(), upgrade.source());
        }
    }

    /** The text pairs that {@link #save} put into an adapter's tensor file, and whatever else is there. */
    public static Map<String, String> metadata(Path folder) {
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            return Map.copyOf(source.metadata());
        }
    }

    // ------------------------------------------------------------------------------------------------ layouts

    /** Whether a weight of the base lies as (out, in) in memory and as (in, out) in its files. */
    static boolean isTurned(Model model, Parameter weight) {
        return model.names().isInByOut(weight.name())
                && model.projections().stream().anyMatch(slot -> weight.name().equals(slot.name() + ".weight"));
    }

    /** The shape of a weight of the base in its files. */
    static Shape inFiles(Model model, Parameter weight) {
        return isTurned(model, weight) ? Shape.of(weight.shape().dim(1), weight.shape().dim(0)) : weight.shape();
    }

    /** The numbers of a weight of the base as its files have them. */
    static double[] fileLayout(Model model, Parameter weight, double[] inMemory) {
        return isTurned(model, weight) ? transpose(inMemory, weight.shape().dim(0), weight.shape().dim(1)) : inMemory;
    }

    /** The numbers of a file as the weight has them in memory. */
    static double[] memoryLayout(Model model, Parameter weight, double[] inFile) {
        return isTurned(model, weight) ? transpose(inFile, weight.shape().dim(1), weight.shape().dim(0)) : inFile;
    }

    /** A tensor that is saved as it is; a weight of the base lies as in the base's files. */
    public static Entry entry(Model model, String key, Parameter parameter) {
        return isTurned(model, parameter) ? turned(key, parameter) : Entry.plain(key, parameter);
    }

    /** A weight that lies as (out, in) in memory and as (in, out) in GPT-2's files. */
    private static Entry turned(String key, Parameter parameter) {
        int out = parameter.shape().dim(0);
        int in = parameter.shape().dim(1);
        return new Entry(key, parameter, Shape.of(in, out),
                values -> transpose(values, out, in), values -> transpose(values, in, out));
    }

    /** B of a merged LoRA (w, r) as PEFT's (out, n·r). */
    private static Entry inRowsOfParts(String key, MergedLoraLinear lora) {
        FusedParts parts = FusedParts.of(lora.parts(), lora.outFeatures());
        int rank = lora.rank();
        return new Entry(key, lora.loraB(), Shape.of(lora.outFeatures(), lora.loraA().shape().dim(0)),
                values -> parts.toWhole(values, rank), file -> parts.fromWhole(file, rank));
    }

    /** m of the parts of a fused map (w) as PEFT's (out), zeros where no part is adapted. */
    private static Entry magnitudes(String key, MergedLoraLinear lora, Parameter m) {
        FusedParts parts = FusedParts.of(lora.parts(), lora.outFeatures());
        return new Entry(key, m, Shape.of(lora.outFeatures()), parts::toWhole, parts::fromWhole);
    }

    /**
     * The numbers that a file has for this entry: those in memory, and for DoRA on parts of a fused map the lengths of W₀'s
     * rows where no part is adapted, with which PEFT computes a factor of 1 there.
     */
    static double[] inFile(LoraAdapter adapter, Entry entry, double[] inMemory) {
        double[] file = entry.toFile().apply(inMemory);
        if (entry.key().endsWith(MAGNITUDE)) {
            String module = entry.key().substring(PREFIX.length(), entry.key().length() - MAGNITUDE.length());
            LoraProjection lora = adapter.projections().get(module);
            if (lora != null && lora.plain() instanceof MergedLoraLinear parts) {
                double[] lengths = parts.rowLengths(adapter.model().backend());
                FusedParts.of(parts.parts(), lora.outFeatures()).copyRows(file, lengths);
                return lengths;
            }
        }
        return file;
    }

    /** (rows, columns) → (columns, rows). */
    private static double[] transpose(double[] values, int rows, int columns) {
        double[] transposed = new double[values.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                transposed[j * rows + i] = values[i * columns + j];
            }
        }
        return transposed;
    }
}
