package org.lora4j.tuning;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tuning.layers.AdapterKind;
import org.lora4j.tuning.layers.AdapterLayers;

/** The methods that a word says all of, by their {@link TuningMethod#name}; LoRA takes a configuration besides. */
public final class TuningMethods {

    /** The word for {@link LowRankAdaptation}. */
    public static final String LORA = "lora";

    private static final Pattern TOP = Pattern.compile("top:([0-9]{1,9})");

    private TuningMethods() {
    }

    /**
     * The method of this name: {@code full}, {@code bitfit}, {@code top:2}, {@code houlsby:64,norms=true}; see {@link MethodWords}.
     *
     * @throws LoraException if there is none, a setting makes no sense, or it is {@link #LORA}
     */
    public static TuningMethod parse(String name) {
        AdapterKind layers = AdapterLayers.kind(name.replaceFirst(":.*", "")).orElse(null);
        if (layers != null) {
            return AdapterLayers.of(layers, MethodWords.of(name));
        }
        Matcher top = TOP.matcher(name);
        return switch (name) {
            case "full" -> new FullFineTuning();
            case "bitfit" -> new BitFit();
            default -> {
                if (!top.matches() || Integer.parseInt(top.group(1)) < 1) {
                    throw new LoraException("`method` " + (name.isBlank() ? "''" : Names.shortened(name)) + ": expected lora, full, "
                            + "bitfit or top:N, which trains the last N blocks, such as top:2; or adapter layers of R features: "
                            + "houlsby:R, lin:R, pfeiffer:R, adapterdrop:R");
                }
                yield new TopBlocks(Integer.parseInt(top.group(1)));
            }
        };
    }
}
