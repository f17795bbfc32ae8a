package org.lora4j.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;

/**
 * Which fields of PEFT's configuration lora4j follows, which it may ignore, and which it must refuse.
 *
 * <p>One rule covers fields known and unknown: a field that is not on the list of those we follow or may ignore must be
 * neutral, that is null, false, empty or zero. A new field of a later PEFT is neutral until someone uses what it is for.
 */
final class PeftSupport {

    /** What PEFT's configuration says when nothing was chosen, for the fields every version of it since 0.4 has. */
    static final Map<String, Object> DEFAULTS = defaults();

    /** Followed; {@link PeftConfig} has them as typed values. */
    private static final Set<String> FOLLOWED = Set.of("peft_type", "r", "lora_alpha", "lora_dropout", "bias",
            "use_rslora", "use_dora", "fan_in_fan_out", "target_modules", "exclude_modules", "layers_to_transform",
            "layers_pattern", "rank_pattern", "alpha_pattern", "init_lora_weights", "modules_to_save");

    /** Say where an adapter came from, how it began, or set up something that another field must turn on first. */
    private static final Set<String> HARMLESS = Set.of("task_type", "auto_mapping", "peft_version", "inference_mode",
            "base_model_name_or_path", "revision", "runtime_config", "loftq_config", "eva_config", "corda_config",
            "lora_ga_config", "megatron_core", "qalora_group_size", "merge_weights");

    /** What the known fields would ask for. */
    private static final Map<String, String> MEANINGS = Map.ofEntries(
            Map.entry("use_qalora", "QA-LoRA"),
            Map.entry("lora_bias", "a bias on B"),
            Map.entry("layer_replication", "repeated layers"),
            Map.entry("trainable_token_indices", "trained rows of an embedding"),
            Map.entry("target_parameters", "updates of bare parameters"),
            Map.entry("megatron_config", "Megatron's parallel layers"),
            Map.entry("alora_invocation_tokens", "activated LoRA"),
            Map.entry("arrow_config", "Arrow routing"),
            Map.entry("use_bdlora", "block-diagonal LoRA"),
            Map.entry("velora_config", "VeLoRA"),
            Map.entry("kasa_config", "KaSA"),
            Map.entry("monteclora_config", "Monte Carlo LoRA"),
            Map.entry("ensure_weight_tying", "tied adapters"),
            Map.entry("enable_lora", "updates of parts of a fused matrix, as early PEFT had them"));

    /** Only decide what A and B are before the first step, which the adapter's tensors have long replaced. */
    private static final Set<String> INITIALISATIONS = Set.of("true", "false", "gaussian", "eva", "orthogonal", "mica");

    /** Also take something away from the base weights, so that the tensors are no update of the base as it is. */
    private static final List<String> BASE_CHANGING = List.of("pissa", "olora", "corda", "loftq", "lora_ga");

    private PeftSupport() {
    }

    /** @throws FormatException naming every field that asks for something we do not compute */
    static void require(Path file, ObjectNode json, boolean pissa) {
        String type = json.path("peft_type").asText();
        if (!type.equals("LORA")) {
            throw new FormatException(file, "peft_type is " + Names.quoted(type) + ", lora4j reads LORA adapters only");
        }
        requireInitialisation(file, json.path("init_lora_weights"), pissa);
        List<String> refused = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            String name = field.getKey();
            if (!FOLLOWED.contains(name) && !HARMLESS.contains(name) && !isNeutral(field.getValue())) {
                refused.add(name + " = " + JsonFields.shown(field.getValue()) + " ("
                        + MEANINGS.getOrDefault(name, "unknown to lora4j") + ")");
            }
        }
        if (!refused.isEmpty()) {
            throw new FormatException(file, "asks for " + Names.some(refused, refused.size())
                    + ", which lora4j does not compute; without it the adapter would give other results");
        }
    }

    private static void requireInitialisation(Path file, JsonNode init, boolean pissa) {
        String kind = init.isMissingNode() || init.isNull() ? "true" : init.asText().toLowerCase(Locale.ROOT);
        if (pissa && kind.equals("pissa")) {
            return;
        }
        if (BASE_CHANGING.stream().anyMatch(kind::startsWith)) {
            throw new FormatException(file, "init_lora_weights is " + Names.quoted(kind) + ", which also changed the "
                    + "base weights, so these tensors do not fit the base as it is; save the adapter in PEFT with "
                    + "path_initial_model_for_weight_conversion, which makes it a plain LoRA");
        }
        if (!INITIALISATIONS.contains(kind)) {
            throw new FormatException(file, "init_lora_weights is " + Names.quoted(kind) + ", unknown to lora4j; "
                    + "whether it changed the base weights cannot be told");
        }
    }

    private static boolean isNeutral(JsonNode value) {
        return value.isNull() || value.isBoolean() && !value.booleanValue() || value.isContainerNode() && value.isEmpty()
                || value.isTextual() && value.textValue().isEmpty() || value.isNumber() && value.doubleValue() == 0;
    }

    private static Map<String, Object> defaults() {
        Map<String, Object> defaults = new HashMap<>();
        for (String empty : List.of("auto_mapping", "base_model_name_or_path", "layers_pattern", "layers_to_transform",
                "modules_to_save", "revision", "target_modules", "task_type")) {
            defaults.put(empty, null);
        }
        defaults.put("alpha_pattern", Map.of());
        defaults.put("bias", "none");
        defaults.put("fan_in_fan_out", false);
        defaults.put("inference_mode", true);
        defaults.put("init_lora_weights", true);
        defaults.put("lora_dropout", 0.0);
        defaults.put("peft_type", "LORA");
        defaults.put("rank_pattern", Map.of());
        defaults.put("use_rslora", false);
        return Collections.unmodifiableMap(defaults);
    }
}
