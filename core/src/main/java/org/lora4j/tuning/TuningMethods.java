package org.lora4j.tuning;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;

/** The methods that a word says all of, by their {@link TuningMethod#name}; LoRA takes a configuration besides. */
public final class TuningMethods {

    /** The word for {@link LowRankAdaptation}. */
    public static final String LORA = "lora";

    private static final Pattern TOP = Pattern.compile("top:([0-9]{1,9})");

    private TuningMethods() {
    }

    /**
     * The method of this name: {@code full}, {@code bitfit}, {@code top:2}.
     *
     * @throws LoraException if there is none, or it is {@link #LORA}
     */
    public static TuningMethod named(String name) {
        Matcher top = TOP.matcher(name);
        return switch (name) {
            case "full" -> new FullFineTuning();
            case "bitfit" -> new BitFit();
            default -> {
                if (!top.matches() || Integer.parseInt(top.group(1)) < 1) {
                    throw new LoraException("`method` " + (name.isBlank() ? "''" : Names.shortened(name)) + ": expected lora, full, bitfit or top:N, which "
                            + "trains the last N blocks, such as top:2");
                }
                yield new TopBlocks(Integer.parseInt(top.group(1)));
            }
        };
    }
}
