package org.lora4j.adapters;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.PythonJson;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.TensorFiles;
import org.lora4j.io.TensorSource;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.AddedParts;
import org.lora4j.tuning.LoraWithTokens;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.prefix.PeftPrompts;
import org.lora4j.tuning.prefix.SpecialTokenMethod;
import org.lora4j.tuning.prefix.SpecialTokenTuning;

/**
 * Folders of any method that is saved beside its base, LoRA's too: the one way to put such a folder on a model.
 *
 * <p>A folder is what PEFT's is, {@code adapter_config.json} and {@code adapter_model.safetensors}. Its {@code peft_type} says
 * which method it is of; what PEFT has is read and written as PEFT does, and the others, of type {@value AdapterMethod#OURS}, say
 * the method's name with its settings:
 *
 * <pre>
 *   {"base_model_name_or_path": "gpt2", "inference_mode": true, "method": "houlsby:64", "peft_type": "LORA4J", "task_type": "CAUSAL_LM"}
 * </pre>
 *
 * The tensors have the trained parameters' names behind {@value PeftFormat#PREFIX}, in the layout of the base's files; a
 * classifier's head is among them.
 */
public final class MethodFolder {

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final long LONGEST = 8 << 20;

    /** peft_type → how the method is read from the configuration; LORA has a reader of its own. */
    private static final Map<String, Function<JsonFields, AdapterMethod>> TYPES = Map.of(
            AdapterMethod.OURS, MethodFolder::ours, "PROMPT_TUNING", PeftPrompts::promptTuning, "P_TUNING", PeftPrompts::pTuning,
            "PREFIX_TUNING", PeftPrompts::prefixTuning);

    /** What stands before a key of special tokens where LoRA's tensors are beside them. */
    private static final String TOKENS = "special_tokens.";

    private MethodFolder() {
    }

    private static AdapterMethod ours(JsonFields fields) {
        String name = fields.text("method").orElseThrow(() -> fields.error("has no field 'method', which says what was trained"));
        try {
            if (name.startsWith(LoraWithTokens.WORD)) {
                SpecialTokenMethod tokens = SpecialTokenMethod.of(name.substring(LoraWithTokens.WORD.length())).orElseThrow(() ->
                        new LoraException("expected " + LoraWithTokens.WORD + " and a method of special tokens"));
                return new LoraWithTokens(described(fields), tokens);
            }
            if (TuningMethods.parse(name) instanceof AdapterMethod method) {
                return method;
            }
        } catch (LoraException e) {
            throw fields.error("field 'method' is " + Names.quoted(name) + ", which is none of this version's: " + e.getMessage());
        }
        throw fields.error("field 'method' is " + Names.quoted(name) + ", and what that trains is saved as a whole model");
    }

    /** What {@link #attachBoth} reads again with the tensors, as far as a title needs it. */
    private static LowRankAdaptation described(JsonFields fields) {
        return new LowRankAdaptation(LoraConfig.of(fields.whole("r").orElse(1), fields.number("lora_alpha").orElse(1))
                .withDora(fields.flag("use_dora").orElse(false)));
    }

    // ------------------------------------------------------------------------------------------------ writing

    /** Writes what was trained; configuration and tensors appear together or not at all. */
    public static void save(AddedParts tuning, Path folder, String base, Map<String, String> metadata) {
        save(tuning, tuning.method(), folder, base, metadata);
    }

    /** The same for anything that is attached by such a method. */
    public static void save(AdapterTuning tuning, AdapterMethod method, Path folder, String base, Map<String, String> metadata) {
        Model model = tuning.model();
        Map<String, Object> fields = new TreeMap<>(method.fields(model));
        fields.put("base_model_name_or_path", base);
        fields.put("inference_mode", true);
        fields.put("peft_type", method.peftType());
        fields.put("task_type", model.taskType().orElse(null));
        String json = PythonJson.write(MAPPER.valueToTree(fields));
        SafetensorsWriter tensors = new SafetensorsWriter().metadata("format", "pt");
        if (model instanceof Classifier<?> classifier && AdapterHead.isSaid(classifier)) {
            tensors.metadata(PeftFormat.LABELS, AdapterHead.toJson(classifier.labelNames()));
        }
        metadata.forEach(tensors::metadata);
        for (PeftFormat.Entry entry : tuning.savedEntries()) {
            tensors.add(entry.key(), DType.F32, entry.shape(),
                    entry.inFileLayout(model.backend(), entry.parameter().value()));
        }
        AtomicFolder.write(folder, staging -> {
            AtomicFile.write(staging.resolve(PeftConfig.FILE_NAME), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
            tensors.write(staging.resolve(TensorFiles.ADAPTER + ".safetensors"));
        });
    }

    /**
     * Writes LoRA and special tokens as one folder: LoRA's configuration under {@code peft_type} {@value AdapterMethod#OURS}, with
     * the method's name, and the tensors of both.
     */
    public static void save(LoraWithTokens.Attached both, Path folder, String base, Map<String, String> metadata) {
        PeftConfig config = PeftFormat.config(both.lora().adapter(), base)
                .with("method", both.name()).with("peft_type", AdapterMethod.OURS);
        SafetensorsWriter tensors = PeftFormat.tensors(both.lora().adapter(), metadata);
        for (PeftFormat.Entry entry : both.tokens().savedEntries()) {
            tensors.add(TOKENS + entry.key(), DType.F32, entry.shape(),
                    entry.inFileLayout(both.model().backend(), entry.parameter().value()));
        }
        AtomicFolder.write(folder, staging -> {
            config.write(staging.resolve(PeftConfig.FILE_NAME));
            tensors.write(staging.resolve(TensorFiles.ADAPTER + ".safetensors"));
        });
    }

    // ------------------------------------------------------------------------------------------------ reading

    /**
     * The method of a folder; empty where it is LoRA's, or none that lora4j reads, which {@link PeftFormat} refuses in words.
     *
     * @throws LoraException if its configuration is malformed, or has settings that make no sense
     */
    public static Optional<AdapterMethod> method(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        AtomicFolder.recover(folder);
        Path file = folder.resolve(PeftConfig.FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        ObjectNode json = JsonFile.read(file, LONGEST);
        return Optional.ofNullable(TYPES.get(json.path("peft_type").asText())).map(reader -> reader.apply(new JsonFields(file, json)));
    }

    /**
     * Attaches what a folder holds, by whatever method it was trained; trainable, so {@link AdapterTuning#freeze} it to only use
     * it.
     *
     * @param remarks is told what a user should know: values that are not finite, a head that is not there
     * @throws LoraException if a file is missing or malformed or does not fit the model; the model is then as it was
     */
    public static AdapterTuning attach(Model model, Path folder, Consumer<String> remarks) {
        Optional<AdapterMethod> method = method(folder);
        return method.isEmpty() ? LowRankAdaptation.of(PeftFormat.load(model, folder, remarks))
                : attach(model, folder, method.get(), remarks);
    }

    /** The parts of both methods are told by their keys; what is left when the tokens' are taken is a folder of LoRA's. */
    private static AdapterTuning attachBoth(
            Model model, Path folder, LoraWithTokens method, TensorSource source, Consumer<String> remarks) {
        PeftConfig config = PeftConfig.read(folder).with("method", null).with("peft_type", "LORA");
        LowRankAdaptation.Attached lora = LowRankAdaptation.of(
                PeftFormat.load(model, folder, config, some(source, false), remarks));
        SpecialTokenTuning tokens = null;
        try {
            tokens = method.tokens().allocateBeside(model, false);
            upload(tokens, folder, some(source, true), remarks);
            return new LoraWithTokens.Attached(new LoraWithTokens(lora.method(), method.tokens()), lora, tokens);
        } catch (RuntimeException e) {
            if (tokens != null) {
                tokens.detach();
            }
            lora.detach();
            throw e;
        }
    }

    private static TensorSource some(TensorSource source, boolean ofTokens) {
        return new MemoryTensors(source.path(), source.names().stream().filter(name -> name.startsWith(TOKENS) == ofTokens)
                .map(name -> NamedTensor.copyOf(source, name))
                .map(tensor -> ofTokens ? new NamedTensor(tensor.name().substring(TOKENS.length()), tensor.dtype(), tensor.shape(),
                        tensor.bytes()) : tensor).toList(), source.metadata());
    }

    private static AdapterTuning attach(Model model, Path folder, AdapterMethod method, Consumer<String> remarks) {
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            if (model instanceof Classifier<?> classifier) {
                AdapterHead.requireLabels(classifier, folder, source, remarks);
            }
            if (method instanceof LoraWithTokens both) {
                return attachBoth(model, folder, both, source, remarks);
            }
            AdapterTuning tuning = method.attachSaved(model);
            try {
                upload(tuning, folder, source, remarks);
            } catch (RuntimeException e) {
                tuning.detach();
                throw e;
            }
            return tuning;
        }
    }

    private static void upload(AdapterTuning tuning, Path folder, TensorSource source, Consumer<String> remarks) {
        Model model = tuning.model();
        boolean withoutHead = model instanceof Classifier<?> && AdapterHead.of(source, model.names()).isEmpty()
                && tuning.entries().stream().anyMatch(entry -> model.names().isOfClassifier(entry.parameter().name()));
        Set<String> unread = new LinkedHashSet<>(source.names());
        List<String> infinite = new ArrayList<>();
        for (PeftFormat.Entry entry : tuning.entries()) {
            if (!source.has(entry.key())) {
                if (withoutHead && model.names().isOfClassifier(entry.parameter().name())) {
                    continue; // the copies hold the base's, or new ones
                }
                throw error(folder, "has no tensor " + entry.key() + ", expected one of shape " + entry.shape() + " of "
                        + tuning.method().title());
            }
            if (!source.shape(entry.key()).equals(entry.shape())) {
                throw error(folder, entry.key() + " has shape " + source.shape(entry.key()) + ", expected " + entry.shape()
                        + " for " + tuning.name() + " on " + model.description() + ". Was it made for another base?");
            }
            double[] values = source.doubles(entry.key());
            if (!Arrays.stream(values).allMatch(Double::isFinite)) {
                infinite.add(entry.key());
            }
            model.backend().upload(entry.toMemory().apply(values), entry.parameter().value());
            unread.remove(entry.key());
        }
        if (!unread.isEmpty()) {
            throw error(folder, "has tensors that belong to nothing of " + tuning.name() + " on " + model.description() + ": "
                    + Names.some(unread, 3));
        }
        if (!infinite.isEmpty()) {
            remarks.accept(Names.oneLine("adapter '" + folder + "': holds NaN or infinite values, in " + Names.some(infinite, 3)
                    + ": what it computes will be NaN. Its training diverged, or the file is damaged"));
        }
        if (withoutHead) {
            AdapterHead.absent((Classifier<?>) model, source).ifPresent(what -> remarks.accept(Names.oneLine("adapter '" + folder
                    + "': " + what + ": a new one is taken, and the scores are noise until it is trained")));
        }
    }

    /** A folder's tensors by today's names, of whatever method. */
    static <T> T read(Path folder, Function<TensorSource, T> taker) {
        if (method(folder).isEmpty()) {
            return PeftFormat.read(folder, (config, source) -> taker.apply(source));
        }
        try (TensorSource source = TensorFiles.open(folder, TensorFiles.ADAPTER)) {
            return taker.apply(source);
        }
    }

    /** @throws LoraException if the folder is of another method than LoRA, which alone is an update of weights; saying why */
    static void requireUpdates(Path folder) {
        method(folder).ifPresent(method -> {
            throw error(folder, "was trained by " + method.name() + " and is no update of the base's weights, so it can neither be "
                    + "merged, converted nor begun with: " + method.whyNotMerged() + ". Use it beside its base as it is");
        });
    }

    private static LoraException error(Path folder, String problem) {
        return new LoraException(Names.oneLine("adapter '" + folder + "': " + problem));
    }
}
