package org.lora4j.family;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.io.JsonFile;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/**
 * Weights that bitsandbytes wrote in four bits. Beside the weight of a map stand
 *
 * <pre>
 *   NAME                                     (⌈n/2⌉, 1) bytes, two weights in each, the first in the upper half
 *   NAME.absmax                              the scales: floats, or bytes with double quantisation
 *   NAME.quant_map                           the 16 numbers of the codes, NF4's or FP4's
 *   NAME.nested_absmax, .nested_quant_map    of the scales' bytes
 *   NAME.quant_state.bitsandbytes__nf4       JSON in bytes: shape, blocksize, nested_blocksize, nested_offset
 * </pre>
 */
final class FourBitFile {

    private static final List<String> KINDS = List.of("nf4", "fp4");
    private static final List<String> BESIDE =
            List.of(".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map");

    private FourBitFile() {
    }

    /** @throws FormatException if a folder's {@code quantization_config} is not one that can be read */
    static void requireKnown(Path folder) {
        Path file = folder.resolve(Families.CONFIG);
        JsonNode config = Files.exists(file) ? JsonFile.read(file).path("quantization_config") : MissingNode.getInstance();
        if (config.isObject()) {
            String method = config.path("quant_method").asText("");
            if (!method.equals("bitsandbytes") || !config.path("load_in_4bit").asBoolean()) {
                throw new FormatException(file, "quantization_config has quant_method " + Names.quoted(method)
                        + (config.path("load_in_8bit").asBoolean() ? " in 8 bits" : "")
                        + ": only bitsandbytes' four bits can be read. Name the model before it was quantised");
            }
        }
    }

    /** Whether this weight is in four bits. */
    static boolean has(TensorSource source, String name) {
        return KINDS.stream().anyMatch(kind -> source.has(state(name, kind)));
    }

    private static String state(String name, String kind) {
        return name + ".quant_state.bitsandbytes__" + kind;
    }

    /** The names that stand beside these weights. */
    static Set<String> besides(Set<String> weights) {
        Set<String> names = new HashSet<>();
        for (String weight : weights) {
            BESIDE.forEach(word -> names.add(weight + word));
            KINDS.forEach(kind -> names.add(state(weight, kind)));
        }
        return names;
    }

    private static JsonNode stateOf(TensorSource source, String name) {
        return json(source, KINDS.stream().map(kind -> state(name, kind)).filter(source::has).findFirst().orElseThrow());
    }

    /** @throws FormatException if it is no matrix's */
    static Shape shape(TensorSource source, String name) {
        JsonNode extents = stateOf(source, name).path("shape");
        if (extents.size() != 2 || !extents.get(0).canConvertToInt() || !extents.get(1).canConvertToInt()
                || extents.get(0).asInt() < 1 || extents.get(1).asInt() < 1) {
            throw new FormatException(source.path(), Names.quoted(name) + " is in four bits of shape " + JsonFields.shown(extents)
                    + ", expected the two extents of a matrix");
        }
        return Shape.of(extents.get(0).asInt(), extents.get(1).asInt());
    }

    /** @throws FormatException if something is missing, or sizes do not go together */
    static FourBitWeights read(TensorSource source, String name, Shape shape) {
        JsonNode state = stateOf(source, name);
        try {
            return new FourBitWeights(shape.size(), bytes(source, name), source.floats(name + ".quant_map"),
                    state.path("blocksize").asInt(FourBitWeights.BLOCK), scales(source, name, state));
        } catch (IllegalArgumentException e) {
            throw new FormatException(source.path(), Names.quoted(name) + ": " + e.getMessage(), e);
        }
    }

    private static FourBitWeights.Scales scales(TensorSource source, String name, JsonNode state) {
        String absmax = name + ".absmax";
        if (!source.has(name + ".nested_absmax")) {
            return FourBitWeights.Scales.of(source.floats(absmax));
        }
        byte[] codes = bytes(source, absmax);
        float[] levels = source.floats(name + ".nested_quant_map");
        float[] outer = source.floats(name + ".nested_absmax");
        int block = state.path("nested_blocksize").asInt(FourBitWeights.OUTER_BLOCK);
        if (levels.length != 256 || block < 1 || outer.length != (codes.length + block - 1) / block) {
            throw new IllegalArgumentException(codes.length + " scales with " + levels.length + " levels and " + outer.length
                    + " blocks of " + block);
        }
        return new FourBitWeights.Scales(null, codes, levels, outer, block, (float) state.path("nested_offset").asDouble());
    }

    private static byte[] bytes(TensorSource source, String name) {
        if (source.info(name).dtype().bytes() != 1) {
            throw new FormatException(source.path(), Names.quoted(name) + " is " + source.info(name).dtype() + ", expected bytes");
        }
        return source.bytes(name).toArray(ValueLayout.JAVA_BYTE);
    }

    private static JsonNode json(TensorSource source, String name) {
        try {
            return new ObjectMapper().readTree(new String(bytes(source, name), StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new FormatException(source.path(), Names.quoted(name) + " is not the JSON that bitsandbytes writes there", e);
        }
    }
}
