package org.lora4j.tuning;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tuning.layers.AdapterKind;
import org.lora4j.tuning.layers.AdapterLayers;
import org.lora4j.tuning.prefix.PTuning;
import org.lora4j.tuning.prefix.PrefixEmbedding;
import org.lora4j.tuning.prefix.PrefixLayer;
import org.lora4j.tuning.prefix.PrefixTuning;
import org.lora4j.tuning.prefix.PromptTuning;
import org.lora4j.tuning.prefix.SpecialTokenMethod;

/** The methods that a word says all of, by their {@link TuningMethod#name}; LoRA takes a configuration besides. */
public final class TuningMethods {

    /** The word for {@link LowRankAdaptation}. */
    public static final String LORA = "lora";

    private static final Pattern TOP = Pattern.compile("top:([0-9]{1,9})");

    private TuningMethods() {
    }

    /** The words before the colon, LoRA's first. */
    public static List<String> names() {
        return List.of(LORA, "full", "bitfit", "top", "houlsby", "lin", "pfeiffer", "adapterdrop", PrefixEmbedding.NAME, PrefixLayer.NAME,
                PromptTuning.NAME, PTuning.NAME, PrefixTuning.NAME);
    }

    /** Whether a name is of a method with special tokens, beside LoRA or alone. */
    public static boolean haveSpecialTokens(String name) {
        String word = name.replaceFirst("^lora\\+", "").replaceFirst(":.*", "");
        return SpecialTokenMethod.NAMES.contains(word);
    }

    /**
     * LoRA with what else the name says: {@code lora+prefix-embedding:8,infix=4}.
     *
     * @throws LoraException if the name begins otherwise, or goes on with no method of special tokens
     */
    public static LoraWithTokens parse(String name, LowRankAdaptation lora) {
        String rest = name.startsWith(LoraWithTokens.WORD) ? name.substring(LoraWithTokens.WORD.length()) : "";
        return new LoraWithTokens(lora, SpecialTokenMethod.of(rest).orElseThrow(() -> new LoraException("`method` "
                + Names.shortened(name) + ": expected lora+ and special tokens: lora+prefix-embedding:N, lora+prefix-layer:N, "
                + "lora+prompt-tuning:N, lora+p-tuning:N or lora+prefix-tuning:N")));
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
        if (name.startsWith(LoraWithTokens.WORD)) {
            throw new LoraException("`method` " + Names.shortened(name) + ": LoRA's part has settings of its own, which a name does not "
                    + "say; only training takes it");
        }
        SpecialTokenMethod tokens = SpecialTokenMethod.of(name).orElse(null);
        if (tokens != null) {
            return tokens;
        }
        Matcher top = TOP.matcher(name);
        return switch (name) {
            case "full" -> new FullFineTuning();
            case "bitfit" -> new BitFit();
            default -> {
                if (!top.matches() || Integer.parseInt(top.group(1)) < 1) {
                    throw new LoraException("`method` " + (name.isBlank() ? "''" : Names.shortened(name)) + ": expected lora, full, "
                            + "bitfit or top:N, which trains the last N blocks, such as top:2; or adapter layers of R features: "
                            + "houlsby:R, lin:R, pfeiffer:R, adapterdrop:R; or N special tokens: prefix-embedding:N, prefix-layer:N, "
                            + "prompt-tuning:N, p-tuning:N, prefix-tuning:N");
                }
                yield new TopBlocks(Integer.parseInt(top.group(1)));
            }
        };
    }
}
