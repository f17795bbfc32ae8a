package org.lora4j.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;
import org.lora4j.io.PythonJson;
import org.lora4j.select.PatternMap;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraScaling;

/**
 * The {@code adapter_config.json} of a LoRA adapter as PEFT writes it: rank, alpha, targets and everything else that the
 * tensors beside it do not say.
 *
 * <p>It is the JSON object with all its fields in their order, those we know as typed values beside it. Rewriting keeps
 * every field we have no word for, and a file that PEFT wrote keeps its bytes. Reading checks the type of each field we
 * know; whether lora4j can compute what the configuration asks for is a second question, {@link #requireSupported}, so
 * that {@code inspect} can show an adapter that cannot be run.
 *
 * <p>An absent field has the value PEFT gives it, except for {@code r} and {@code lora_alpha}: an adapter without them
 * says nothing about its scale, and a guess could be silently wrong.
 *
 * <p>Source: {@code LoraConfig} in PEFT 0.21.
 */
public final class PeftConfig {

    /** The name of the file in an adapter's folder. */
    public static final String FILE_NAME = "adapter_config.json";

    /** Room for the full names of a hundred thousand modules. */
    private static final long LONGEST = 8 << 20;

    private static final JsonMapper MAPPER = new JsonMapper();

    private final Path file;
    private final ObjectNode json;
    private final JsonFields fields;

    private final int r;
    private final double alpha;
    private final double dropout;
    private final BiasMode bias;
    private final LoraScaling scaling;
    private final boolean fanInFanOut;
    private final Optional<TargetSelector> targets;
    private final PatternMap<Integer> rankPattern;
    private final PatternMap<Double> alphaPattern;

    private PeftConfig(Path file, ObjectNode json) {
        this.file = file;
        this.json = json;
        this.fields = new JsonFields(file, json);
        if (fields.text("peft_type").isEmpty()) {
            throw fields.error("has no field 'peft_type', expected \"LORA\"; this configures no adapter");
        }
        this.r = rank("r", fields.whole("r").orElseThrow(() -> missing("r")));
        this.alpha = fields.number("lora_alpha").orElseThrow(() -> missing("lora_alpha"));
        this.dropout = fields.number("lora_dropout").orElse(0);
        if (dropout < 0 || dropout >= 1) {
            throw fields.error("field 'lora_dropout' is " + dropout + ", expected 0 or more and less than 1");
        }
        this.bias = biasMode(fields.text("bias").orElse(BiasMode.NONE.text()));
        fields.flag("use_dora"); // of another type, it is refused here, as are these
        fields.texts("modules_to_save");
        fields.text("task_type");
        fields.text("base_model_name_or_path");
        boolean rankStabilised = fields.flag("use_rslora").orElse(false);
        this.scaling = rankStabilised ? LoraScaling.ALPHA_OVER_SQRT_R : LoraScaling.ALPHA_OVER_R;
        this.fanInFanOut = fields.flag("fan_in_fan_out").orElse(false);
        this.targets = inThisFile(this::readTargets);
        Map<String, Integer> ranks = fields.wholesByName("rank_pattern");
        ranks.forEach((pattern, rank) -> rank("rank_pattern." + pattern, rank));
        this.rankPattern = inThisFile(() -> new PatternMap<>("rank_pattern", ranks));
        this.alphaPattern = inThisFile(() -> new PatternMap<>("alpha_pattern", fields.numbersByName("alpha_pattern")));
    }

    /** A bad regular expression, or one without an end, knows nothing of the file it stands in. */
    private <T> T inThisFile(Supplier<T> answer) {
        try {
            return answer.get();
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) {
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    /**
     * @param fileOrFolder the file, or the adapter's folder; an interrupted save of the folder is finished first
     * @throws FormatException if it is not JSON, or a field we know has another type or an impossible value
     */
    public static PeftConfig read(Path fileOrFolder) {
        if (!Files.isDirectory(fileOrFolder)) {
            return new PeftConfig(fileOrFolder, JsonFile.read(fileOrFolder, LONGEST));
        }
        AtomicFolder.recover(fileOrFolder);
        Path file = fileOrFolder.resolve(FILE_NAME);
        if (!Files.exists(file) && Files.exists(fileOrFolder.resolve("config.json"))) {
            throw new LoraException(Names.oneLine(fileOrFolder + ": has no " + FILE_NAME + " but a config.json, so it is a whole "
                    + "model and no adapter. What was trained is in its weights: use it as the model, without an adapter"));
        }
        return new PeftConfig(file, JsonFile.read(file, LONGEST));
    }

    /** A new configuration: PEFT's defaults, and these. Give it its targets by {@link #with}. */
    public static PeftConfig create(int r, double alpha) {
        Map<String, Object> fields = new TreeMap<>(PeftSupport.DEFAULTS);
        fields.put("r", r);
        fields.put("lora_alpha", alpha == Math.rint(alpha) && Math.abs(alpha) < 1e9 ? (Object) (int) alpha : alpha);
        return new PeftConfig(Path.of(FILE_NAME), MAPPER.valueToTree(fields));
    }

    /**
     * The same with one field set: in its place if it is there, else before the first field that comes later in the
     * alphabet, which is PEFT's order.
     *
     * @param value a text, number, boolean, list, map or null
     */
    public PeftConfig with(String field, @Nullable Object value) {
        JsonNode node = MAPPER.valueToTree(value);
        ObjectNode changed = json.objectNode();
        boolean placed = json.has(field);
        for (Map.Entry<String, JsonNode> member : json.properties()) {
            if (!placed && member.getKey().compareTo(field) > 0) {
                changed.set(field, node);
                placed = true;
            }
            changed.set(member.getKey(), member.getKey().equals(field) ? node : member.getValue());
        }
        if (!placed) {
            changed.set(field, node);
        }
        return new PeftConfig(file, changed);
    }

    /** Writes the file in one atomic step, spelt as PEFT spells it. */
    public void write(Path target) {
        AtomicFile.write(target, out -> out.write(toJson().getBytes(StandardCharsets.UTF_8)));
    }

    /** The text of the file. */
    public String toJson() {
        return PythonJson.write(json);
    }

    /**
     * @throws FormatException if the configuration asks for something that changes what an adapter computes and that
     *                         lora4j does not do, or may do so, being unknown; the message names every such field
     */
    public void requireSupported() {
        requireSupported(false);
    }

    /** @param pissa whether an adapter that began with parts of the base's weights will do, since those are at hand */
    void requireSupported(boolean pissa) {
        PeftSupport.require(file, json, pissa);
        if (targets.isEmpty()) {
            throw fields.error("field 'target_modules' is null, expected a list of module names or an expression");
        }
    }

    /**
     * @param format who is to hold the adapter, such as loralib
     * @throws FormatException if it is anything but updates W₀ + s·B·A of the base as it is, which is all that format knows
     */
    public void requirePlainUpdates(String format) {
        requireSupported();
        if (fields.flag("use_dora").orElse(false)) {
            throw fields.error("use_dora is true, and " + format + " has no DoRA; merge the adapter into its base instead");
        }
    }

    /** The rank of every module that no pattern gives another. */
    public int r() {
        return r;
    }

    public double alpha() {
        return alpha;
    }

    public double dropout() {
        return dropout;
    }

    public BiasMode bias() {
        return bias;
    }

    public LoraScaling scaling() {
        return scaling;
    }

    /** Whether each output has a magnitude of its own (DoRA). */
    public boolean dora() {
        return fields.flag("use_dora").orElse(false);
    }

    /** Whether A and B began with principal parts of the base's weights, exactly, so that they can be made again. */
    boolean isPissa() {
        return fields.isText("init_lora_weights") && field("init_lora_weights").asText().equalsIgnoreCase("pissa");
    }

    /** Whether the base stores its weights transposed, (in, out), as GPT-2 does. It says nothing about A and B. */
    public boolean fanInFanOut() {
        return fanInFanOut;
    }

    /** Which modules are adapted; empty where the file does not say, which PEFT never writes. */
    public Optional<TargetSelector> targets() {
        return targets;
    }

    /** Those of the modules that are adapted; none where the file does not say which. */
    public List<String> adapted(List<String> modules) {
        return inThisFile(() -> targets.map(selector -> selector.matching(modules)).orElse(List.of()));
    }

    /** The rank of this module, by the first key of rank_pattern that matches, else r. */
    public int rankOf(String module) {
        return inThisFile(() -> rankPattern.valueFor(module).orElse(r));
    }

    /** The alpha of this module, by the first key of alpha_pattern that matches, else lora_alpha. */
    public double alphaOf(String module) {
        return inThisFile(() -> alphaPattern.valueFor(module).orElse(alpha));
    }

    public List<String> modulesToSave() {
        return fields.texts("modules_to_save").orElse(List.of());
    }

    public Optional<String> taskType() {
        return fields.text("task_type");
    }

    public Optional<String> baseModel() {
        return fields.text("base_model_name_or_path");
    }

    /** Any field as it stands in the file; a missing node if it is not there. */
    public JsonNode field(String name) {
        return json.path(name).deepCopy();
    }

    private Optional<TargetSelector> readTargets() {
        List<Integer> layers = fields.wholes("layers_to_transform").orElse(List.of());
        List<String> layerPatterns = textOrTexts("layers_pattern");
        if (!layerPatterns.isEmpty() && !fields.has("layers_to_transform")) {
            throw fields.error("field 'layers_pattern' is given without 'layers_to_transform'");
        }
        if (!fields.has("target_modules")) {
            return Optional.empty();
        }
        TargetSelector selector = fields.isText("target_modules")
                ? TargetSelector.byExpression(fields.text("target_modules").orElseThrow())
                : TargetSelector.byNames(fields.texts("target_modules").orElseThrow());
        if (fields.has("layers_to_transform") || !layerPatterns.isEmpty()) {
            selector = selector.onLayers(layers, layerPatterns);
        }
        if (fields.isText("exclude_modules")) {
            selector = selector.excludingExpression(fields.text("exclude_modules").orElseThrow());
        } else {
            selector = selector.excluding(fields.texts("exclude_modules").orElse(List.of()));
        }
        return Optional.of(selector.outside(modulesToSave()));
    }

    private List<String> textOrTexts(String field) {
        if (fields.isText(field)) {
            String text = fields.text(field).orElseThrow();
            return text.isEmpty() ? List.of() : List.of(text);
        }
        return fields.texts(field).orElse(List.of());
    }

    private int rank(String field, int rank) {
        if (rank < 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + rank + ", expected 1 or more");
        }
        return rank;
    }

    private BiasMode biasMode(String text) {
        return Arrays.stream(BiasMode.values()).filter(mode -> mode.text().equals(text)).findFirst().orElseThrow(
                () -> fields.error("field 'bias' is " + Names.quoted(text) + ", expected none, all or lora_only"));
    }

    private FormatException missing(String field) {
        return fields.error("has no field '" + field + "', so the adapter's scale is unknown; add it (PEFT takes 8)");
    }
}
