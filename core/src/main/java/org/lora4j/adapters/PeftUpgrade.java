package org.lora4j.adapters;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/**
 * Adapters of older versions of PEFT, in the words of today's. What has changed over the versions and matters here:
 *
 * <pre>
 *   up to 0.2   enable_lora = [true, false, true]: an update of each of q and v of GPT-2's c_attn (the default then), with
 *               lora_A (n·r, in) and lora_B (n·out/3, r, 1); now one of rank n·r on the whole map, with zeros for k
 *   up to 0.2   MODULE.modules_to_save.weight, now MODULE.weight
 *   up to 0.6   MODULE.bias of an adapted module, now MODULE.base_layer.bias
 *   bias all    MODULE.modules_to_save.bias and MODULE.original_module.bias beside MODULE.bias, which is the one that counts
 * </pre>
 *
 * And what wrappers of PyTorch put into names: {@code _orig_mod.} by torch.compile anywhere, {@code module.} by data parallel
 * training at the beginning, and the name that an adapter has in a running PEFT ({@code lora_A.default.weight}).
 *
 * ΔW is the same matrix, by copies only. An adapter that needs none of this comes back as it was.
 *
 * @param config the configuration, as PEFT 0.21 would write it
 * @param source the tensors, by today's keys
 */
record PeftUpgrade(PeftConfig config, TensorSource source) {

    private static final List<String> PARTS = FusedParts.QKV;
    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";
    private static final String SAVED = ".modules_to_save.";
    private static final String ORIGINAL = ".original_module.";
    private static final String MODULE = "module.";
    private static final Pattern WRAPPED = Pattern.compile("(^|\\.)(?:_orig_mod\\.)+");
    private static final Pattern IN_EXPRESSION = Pattern.compile("_orig_mod\\\\?\\.");
    private static final Pattern RUNNING =
            Pattern.compile("\\.(lora_A|lora_B|lora_embedding_A|lora_embedding_B)\\.default(\\.weight)?$");
    private static final Pattern MAGNITUDE = Pattern.compile("\\.lora_magnitude_vector(?:\\.default)?(?:\\.weight)?$");

    /** @throws FormatException if it enables parts of a fused map in a way that no version of PEFT does */
    static PeftUpgrade of(PeftConfig config, TensorSource source) {
        JsonNode enabled = config.field("enable_lora");
        boolean fused = enabled.isArray() && !enabled.isEmpty();
        Set<String> adapted = source.names().stream().map(PeftUpgrade::plain).filter(name -> name.endsWith(A))
                .map(name -> name.substring(0, name.length() - A.length())).collect(Collectors.toSet());
        boolean renamed = source.names().stream()
                .anyMatch(name -> !today(name, adapted).equals(name) || name.contains(ORIGINAL));
        PeftConfig upgraded = unwrapped(config);
        if (!fused && !renamed) {
            return new PeftUpgrade(upgraded, source);
        }
        List<String> parts = fused ? parts(source, enabled) : List.of();
        List<NamedTensor> tensors = new ArrayList<>();
        Set<String> plain = source.names().stream().filter(name -> !isSecond(name))
                .map(name -> today(name, adapted)).collect(Collectors.toSet());
        for (String name : source.names()) {
            String today = today(name, adapted);
            // what a module was before it was trained, and a second copy of what it became
            if (!name.contains(ORIGINAL) && !(isSecond(name) && plain.contains(today))) {
                NamedTensor tensor = NamedTensor.copyOf(source, name);
                tensors.add((fused && today.endsWith(B) ? blocks(source, tensor, parts) : tensor).as(today));
            }
        }
        Map<String, String> metadata = new LinkedHashMap<>(source.metadata());
        if (fused) {
            upgraded = upgraded.with("enable_lora", null);
            if (!parts.isEmpty()) {
                metadata.put(PeftFormat.PARTS, String.join(",", parts));
                upgraded = upgraded.with("r", parts.size() * config.r()).with("lora_alpha", parts.size() * config.alpha());
            }
        }
        return new PeftUpgrade(upgraded, new MemoryTensors(source.path(), tensors, metadata));
    }

    /** A name under which PEFT saves a tensor beside its proper one, where an embedding or all biases are saved. */
    private static boolean isSecond(String name) {
        return name.contains(SAVED) || name.endsWith(PeftFormat.MAGNITUDE + ".weight");
    }

    /** The name without what wrappers of PyTorch put into it. */
    public static String unwrapped(String name) {
        String plain = WRAPPED.matcher(name).replaceAll("$1");
        while (plain.startsWith(PeftFormat.PREFIX + MODULE) || plain.startsWith(MODULE)) {
            plain = plain.startsWith(MODULE) ? plain.substring(MODULE.length())
                    : PeftFormat.PREFIX + plain.substring(PeftFormat.PREFIX.length() + MODULE.length());
        }
        return plain;
    }

    private static String plain(String name) {
        String plain = RUNNING.matcher(unwrapped(name)).replaceFirst(".$1$2");
        return MAGNITUDE.matcher(plain).replaceFirst(PeftFormat.MAGNITUDE);
    }

    private static String today(String name, Set<String> adapted) {
        String plain = plain(name).replace(".modules_to_save.default.", ".").replace(SAVED, ".");
        String module = plain.endsWith(".bias") ? plain.substring(0, plain.length() - ".bias".length()) : "";
        return adapted.contains(module) ? module + ".base_layer.bias" : plain;
    }

    /** The configuration whose lists name modules as they are called without wrappers. */
    private static PeftConfig unwrapped(PeftConfig config) {
        PeftConfig plain = config;
        for (String field : List.of("target_modules", "exclude_modules")) {
            JsonNode expression = config.field(field);
            if (expression.isTextual() && expression.textValue().contains("_orig_mod")) {
                plain = plain.with(field, IN_EXPRESSION.matcher(expression.textValue()).replaceAll(""));
            }
        }
        for (String field : List.of("target_modules", "exclude_modules", "modules_to_save")) {
            JsonNode names = config.field(field);
            if (names.isArray()) {
                List<String> before = new ArrayList<>();
                names.forEach(name -> before.add(name.asText()));
                List<String> after = before.stream().map(PeftUpgrade::unwrapped).distinct().toList();
                plain = before.equals(after) ? plain : plain.with(field, after);
            }
        }
        for (String field : List.of("rank_pattern", "alpha_pattern")) {
            JsonNode values = config.field(field);
            Map<String, JsonNode> after = new LinkedHashMap<>();
            values.properties().forEach(entry -> after.put(
                    unwrapped(IN_EXPRESSION.matcher(entry.getKey()).replaceAll("")), entry.getValue()));
            if (values.isObject() && after.keySet().stream().anyMatch(key -> !values.has(key))) {
                plain = plain.with(field, after);
            }
        }
        return plain;
    }

    /** The parts that have an update; none for [true], one update of the whole map. */
    private static List<String> parts(TensorSource source, JsonNode enabled) {
        List<String> parts = new ArrayList<>();
        if (enabled.size() == 1 && enabled.get(0).isBoolean() && enabled.get(0).booleanValue()) {
            return parts;
        }
        for (int i = 0; i < enabled.size(); i++) {
            if (enabled.size() != PARTS.size() || !enabled.get(i).isBoolean()) {
                throw new FormatException(source.path(), "enable_lora is " + JsonFields.shown(enabled)
                        + ", expected true or false for each of q, k and v");
            }
            if (enabled.get(i).booleanValue()) {
                parts.add(PARTS.get(i));
            }
        }
        if (parts.isEmpty()) {
            throw new FormatException(source.path(), "enable_lora is false for each of q, k and v: there is no update");
        }
        return parts;
    }

    /** B of a grouped convolution, (n·w, r, 1), as one of the whole map, (3·w, n·r). */
    private static NamedTensor blocks(TensorSource source, NamedTensor b, List<String> parts) {
        int count = Math.max(1, parts.size());
        boolean fits = b.shape().rank() == 3 && b.shape().dim(2) == 1 || b.shape().rank() == 2;
        if (!fits || b.shape().dim(0) % count != 0 || b.shape().size() == 0) {
            throw new FormatException(source.path(), b.name() + " has shape " + b.shape() + ", expected (" + count
                    + "·out/3, r, 1) for enable_lora of " + String.join(" and ", parts));
        }
        NamedTensor matrix = b.as(Shape.of(b.shape().dim(0), b.shape().dim(1)));
        return parts.isEmpty() ? matrix : FusedParts.thirds(parts, matrix.shape().dim(0) / count).toWhole(matrix);
    }
}
