package org.lora4j.llama;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;

/**
 * Reads the {@code config.json} of a model of this family. A field that is absent has Transformers' default; one that is there
 * must have its type. What it asks for and cannot be computed here is refused by name.
 */
final class LlamaConfigFile {

    private static final String LOCAL = "sliding_attention";
    private static final String FULL = "full_attention";

    private final Path file;
    private final ObjectNode json;
    private final JsonFields fields;
    private final Variant variant;
    private final Variant.Defaults defaults;

    private LlamaConfigFile(Path file, Variant variant) {
        this.file = file;
        json = JsonFile.read(file);
        fields = new JsonFields(file, json);
        this.variant = variant;
        defaults = variant.defaults;
    }

    /** @throws FormatException if it is no such model's, a field has another type or value, or cannot be followed */
    static LlamaConfig read(Path file, Variant variant) {
        try {
            return new LlamaConfigFile(file, variant).config();
        } catch (FormatException e) {
            throw e;
        } catch (LoraException | IllegalArgumentException e) { // sizes that do not go together know nothing of their file
            throw new FormatException(file, String.valueOf(e.getMessage()), e);
        }
    }

    private LlamaConfig config() {
        String type = fields.text("model_type").orElse("");
        if (!type.equals(variant.modelType)) {
            throw fields.error("model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type)) + ", expected "
                    + Names.quoted(variant.modelType));
        }
        refuse("use_bidirectional_attention", "positions that see later ones cannot write");
        int width = size("hidden_size", defaults.width());
        int count = size("num_attention_heads", defaults.heads());
        int keyHeads = size("num_key_value_heads", defaults.keyHeads() == 0 ? count : defaults.keyHeads());
        int headSize = size("head_dim", defaults.headSize() == 0 ? width / count : defaults.headSize());
        if (defaults.headSize() == 0 && !fields.has("head_dim") && width % count != 0) {
            throw fields.error("num_attention_heads " + count + " does not divide hidden_size " + width
                    + ", and no head_dim says how large a head is");
        }
        if (count % keyHeads != 0) {
            throw fields.error("num_key_value_heads " + keyHeads + " does not divide num_attention_heads " + count
                    + ": each key head is shared by as many heads");
        }
        LlamaConfig.Sizes sizes = new LlamaConfig.Sizes(
                size("vocab_size", defaults.vocabulary()), size("max_position_embeddings", defaults.positions()), width,
                size("intermediate_size", defaults.inner()), size("num_hidden_layers", defaults.blocks()));
        AttentionHeads heads = new AttentionHeads(count, keyHeads, headSize, scale(headSize), cap("attn_logit_softcapping", 50));
        LlamaConfig.Windows windows = windows(sizes.blocks());
        JsonNode parameters = json.path("rope_parameters");
        if (variant == Variant.GEMMA3) {
            ObjectNode full = part(parameters, FULL);
            ObjectNode local = part(parameters, LOCAL);
            if (fields.has("rope_scaling")) {
                full.setAll((ObjectNode) object("rope_scaling"));
            }
            return new LlamaConfig(variant, sizes, heads, choices(), windows,
                    rope(full, sizes, headSize, fields.number("rope_theta").orElse(1e6)),
                    rope(local, sizes, headSize, fields.number("rope_local_base_freq").orElse(1e4)));
        }
        ObjectNode rope = json.objectNode();
        if (fields.has("rope_parameters")) {
            rope.setAll((ObjectNode) object("rope_parameters"));
        }
        if (fields.has("rope_scaling")) { // which wins, as in Transformers
            rope = json.objectNode();
            rope.setAll((ObjectNode) object("rope_scaling"));
        }
        return new LlamaConfig(variant, sizes, heads, choices(), windows,
                rope(rope, sizes, headSize, fields.number("rope_theta").orElse(1e4)), null);
    }

    private JsonNode object(String field) {
        JsonNode value = json.get(field);
        if (!value.isObject()) {
            throw fields.error("field " + Names.quoted(field) + " is " + JsonFields.shown(value) + ", expected an object");
        }
        return value;
    }

    private ObjectNode part(JsonNode parameters, String name) {
        ObjectNode copy = json.objectNode();
        if (parameters.path(name).isObject()) {
            copy.setAll((ObjectNode) parameters.get(name));
        }
        return copy;
    }

    /** What multiplies q·k. */
    private double scale(int headSize) {
        double of = variant.normsBranches() ? fields.number("query_pre_attn_scalar").orElse(256) : headSize;
        if (of <= 0) {
            throw fields.error("query_pre_attn_scalar is " + of + ", expected more than 0");
        }
        return Math.pow(of, -0.5);
    }

    private LlamaConfig.Choices choices() {
        boolean bias = switch (variant) {
            case QWEN2 -> true;
            case LLAMA, QWEN3, GEMMA, GEMMA2, GEMMA3 -> flag("attention_bias", false);
            case MISTRAL, PHI3 -> false;
        };
        boolean outputBias = bias && variant != Variant.QWEN2;
        double epsilon = fields.number("rms_norm_eps").orElse(defaults.epsilon());
        if (epsilon < 0) {
            throw fields.error("rms_norm_eps is " + epsilon + ", expected 0 or more");
        }
        return new LlamaConfig.Choices(activation(), epsilon, flag("tie_word_embeddings", defaults.tied()), bias, outputBias,
                variant == Variant.LLAMA && flag("mlp_bias", false), cap("final_logit_softcapping", 30));
    }

    /** What numbers stay below, softly; 0 for none. @param ofGemma2 what Gemma 2 has where the field is absent */
    private double cap(String field, double ofGemma2) {
        if (!variant.normsBranches()) {
            return 0;
        }
        double cap = fields.names(field) || variant != Variant.GEMMA2 ? fields.number(field).orElse(0) : ofGemma2;
        if (cap < 0) {
            throw fields.error(field + " is " + cap + ", expected more than 0, or null for none");
        }
        return cap;
    }

    private Activation activation() {
        String field = variant.normsBranches() ? "hidden_activation" : "hidden_act";
        return fields.text(field).map(this::named).orElse(defaults.activation());
    }

    private Activation named(String name) {
        return Activation.named(name).orElseThrow(() -> fields.error("the activation is " + Names.quoted(name)
                + ", expected one of " + String.join(", ", Activation.allNames())));
    }

    // ------------------------------------------------------------------------------------------------ windows

    private LlamaConfig.Windows windows(int blocks) {
        if (variant == Variant.LLAMA || variant == Variant.GEMMA) {
            return LlamaConfig.Windows.none(blocks);
        }
        boolean qwen = variant == Variant.QWEN2 || variant == Variant.QWEN3;
        int usual = variant == Variant.PHI3 ? 0 : 4096;
        int window = fields.names("sliding_window") ? fields.whole("sliding_window").orElse(0) : usual;
        if (window < 0) {
            throw fields.error("sliding_window is " + window + ", expected more than 0, or null for none");
        }
        if (qwen && !flag("use_sliding_window", false)) {
            window = 0;
        }
        List<Boolean> local = new ArrayList<>();
        if (qwen || variant.normsBranches()) {
            List<String> types = fields.texts("layer_types").orElse(null);
            int pattern = variant == Variant.GEMMA2 ? 2 : fields.whole("sliding_window_pattern").orElse(6);
            int first = fields.whole("max_window_layers").orElse(28);
            for (int i = 0; i < blocks; i++) {
                local.add(types != null ? isLocal(types, i, blocks)
                        : qwen ? window > 0 && i >= first : pattern > 0 && (i + 1) % pattern != 0);
            }
        } else {
            for (int i = 0; i < blocks; i++) {
                local.add(window > 0);
            }
        }
        if (local.contains(true) && window == 0) {
            throw fields.error("layer_types has " + Names.quoted(LOCAL) + " and there is no sliding_window"
                    + (qwen ? " with use_sliding_window true" : "") + ": how far would those blocks see?");
        }
        return new LlamaConfig.Windows(window == 0 ? AttentionShape.NO_WINDOW : window, List.copyOf(local));
    }

    private boolean isLocal(List<String> types, int i, int blocks) {
        if (types.size() != blocks) {
            throw fields.error("layer_types has " + types.size() + " entries, expected one for each of num_hidden_layers " + blocks);
        }
        if (!types.get(i).equals(LOCAL) && !types.get(i).equals(FULL)) {
            throw fields.error("layer_types has " + Names.quoted(types.get(i)) + ", expected " + Names.quoted(FULL) + " or "
                    + Names.quoted(LOCAL));
        }
        return types.get(i).equals(LOCAL);
    }

    // ------------------------------------------------------------------------------------------------ rotary embeddings

    private Rope rope(ObjectNode object, LlamaConfig.Sizes sizes, int headSize, double theta) {
        JsonFields parameters = new JsonFields(file, object);
        String kind = parameters.text("rope_type").or(() -> parameters.text("type")).orElse("default");
        if (variant == Variant.PHI3 && (kind.equals("su") || kind.equals("yarn"))) {
            kind = "longrope"; // its old names
        }
        if (!Rope.KINDS.contains(kind)) {
            throw fields.error("rope_type is " + Names.quoted(kind) + ", expected one of " + String.join(", ", Rope.KINDS));
        }
        double partial = parameters.number("partial_rotary_factor").orElse(fields.number("partial_rotary_factor").orElse(1));
        int rotated = (int) (headSize * partial);
        if (rotated < 2 || rotated > headSize || rotated % 2 != 0) {
            throw fields.error("partial_rotary_factor " + partial + " of heads of " + headSize + " columns is " + rotated
                    + " that turn, expected an even number of at least 2");
        }
        double base = parameters.number("rope_theta").orElse(theta);
        if (base <= 0) {
            throw fields.error("rope_theta is " + base + ", expected more than 0");
        }
        return new Rope(kind, base, rotated, sizes.positions(), numbers(kind, parameters), lists(kind, parameters, rotated / 2));
    }

    private Map<String, Double> numbers(String kind, JsonFields parameters) {
        Map<String, Double> numbers = new LinkedHashMap<>();
        for (String name : names(kind)) {
            parameters.number(name).ifPresent(value -> numbers.put(name, value));
        }
        if (kind.equals("yarn")) {
            parameters.flag("truncate").ifPresent(value -> numbers.put("truncate", value ? 1.0 : 0.0));
        }
        String original = "original_max_position_embeddings";
        if (names(kind).contains(original) && (fields.has(original) || variant == Variant.PHI3)) {
            numbers.put(original, (double) fields.whole(original).orElse(4096)); // beside the parameters it wins, as in Transformers
        }
        for (String name : required(kind)) {
            if (!numbers.containsKey(name)) {
                throw fields.error("rope_type is " + Names.quoted(kind) + " and there is no " + name
                        + " beside it in rope_parameters or rope_scaling");
            }
        }
        numbers.forEach((name, value) -> {
            boolean may = name.equals("truncate") || name.startsWith("mscale") || name.startsWith("beta");
            if (!may && value <= 0) {
                throw fields.error(name + " of the rotary embeddings is " + value + ", expected more than 0");
            }
        });
        return numbers;
    }

    private static List<String> names(String kind) {
        return switch (kind) {
            case "linear", "dynamic" -> List.of("factor");
            case "llama3" -> List.of("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings");
            case "yarn" -> List.of("factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim",
                    "original_max_position_embeddings");
            case "longrope" -> List.of("factor", "attention_factor", "original_max_position_embeddings");
            default -> List.of();
        };
    }

    private static List<String> required(String kind) {
        return switch (kind) {
            case "linear", "dynamic" -> List.of("factor");
            case "llama3" -> List.of("factor", "low_freq_factor", "high_freq_factor");
            default -> List.of();
        };
    }

    private Map<String, List<Double>> lists(String kind, JsonFields parameters, int length) {
        Map<String, List<Double>> lists = new LinkedHashMap<>();
        for (String name : kind.equals("longrope") ? Arrays.asList("short_factor", "long_factor") : List.<String>of()) {
            lists.put(name, parameters.numbers(name).orElseThrow(() -> fields.error("rope_type is \"longrope\" and there is no " + name)));
            if (lists.get(name).size() != length) {
                throw fields.error(name + " has " + lists.get(name).size() + " numbers, expected " + length
                        + ", one for each pair of columns that turns");
            }
        }
        return lists;
    }

    // ------------------------------------------------------------------------------------------------ fields

    private void refuse(String flag, String why) {
        if (fields.flag(flag).orElse(false)) {
            throw fields.error(flag + " is true: " + why);
        }
    }

    private int size(String field, int otherwise) {
        OptionalInt found = fields.whole(field);
        if (found.isPresent() && found.getAsInt() < 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + found.getAsInt() + ", expected a positive whole number");
        }
        return found.orElse(otherwise);
    }

    private boolean flag(String field, boolean otherwise) {
        return fields.flag(field).orElse(otherwise);
    }
}
