package org.lora4j.tuning.prefix;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.MethodWords;

/**
 * Prefix tuning (Li and Liang 2021), as PEFT has it: in every block, keys and values that no token made, which all tokens see.
 *
 * <pre>
 *   k ← [P_k ; k]      v ← [P_v ; v]          P_k, P_v: (n, W) of each of L blocks, W features of a key
 *
 *   |Θ| = n·2·L·W
 *   with a projection   P = W₂·tanh(W₁·E + b₁) + b₂          E: (n, W)   W₁: (h, W)   W₂: (2·L·W, h)
 *   |Θ| = n·W + W·h + h + (h + 1)·2·L·W
 * </pre>
 *
 * <p>P begins as the keys and values that the model makes of words at positions 0 to n − 1, so that training starts from a prompt
 * of words; as N(0, 1), PEFT's default, with {@link TokenInit#RANDOM} and in a model that does not write. The projection is Li and
 * Liang's reparametrisation, for training only; P is saved, as PEFT does. E begins as N(0, 1) and the maps as PyTorch's do. Tokens
 * count the n as positions.
 *
 * @param prefix  n
 * @param project whether a network makes P
 * @param width   h, PEFT's {@code encoder_hidden_size}; 0 for W
 * @param init    what P begins as, where no network makes it
 */
public record PrefixTuning(int prefix, boolean project, int width, TokenInit init) implements SpecialTokenMethod {

    /** The word for it. */
    public static final String NAME = "prefix-tuning";

    /** Requires at least one token, and a width only where there is a projection. */
    public PrefixTuning {
        SpecialTokenMethod.requireLengths(prefix, 0);
        init = init.upTo(prefix);
        PTuning.requireWidth(width);
        if (width > 0 && !project) {
            throw new LoraException("`encoderWidth` " + width + ": only a projection has a width. Leave it out, or project");
        }
        if (project && !init.equals(TokenInit.VOCABULARY)) {
            throw new LoraException("`init` " + init.word() + ": a projection begins at random. Leave one of the two out");
        }
    }

    /** Without a projection. */
    public PrefixTuning(int prefix) {
        this(prefix, false, 0, TokenInit.VOCABULARY);
    }

    /** From {@code prefix-tuning:10,projection=true,width=64} or {@code prefix-tuning:10,init=random}. */
    static PrefixTuning of(MethodWords typed) {
        MethodWords words = typed.withMain("length", List.of("length", "projection", "width", "init"));
        return new PrefixTuning(words.whole("length", 1, OptionalInt.empty()), words.flag("projection"),
                words.whole("width", 1, OptionalInt.of(0)), TokenInit.of(words));
    }

    @Override
    public String name() {
        Map<String, Object> others = new LinkedHashMap<>();
        if (project) {
            others.put("projection", true);
        }
        if (width > 0) {
            others.put("width", width);
        }
        if (!init.equals(TokenInit.VOCABULARY)) {
            others.put("init", init.word());
        }
        return MethodWords.spell(NAME, prefix, others);
    }

    @Override
    public String title() {
        return "prefix tuning";
    }

    @Override
    public long parameterCount(ModelSizes sizes) {
        long w = sizes.keyWidth();
        long h = width == 0 ? w : width;
        long all = 2 * sizes.blocks() * w;
        return project ? prefix * w + w * h + h + (h + 1) * all : prefix * all;
    }

    @Override
    public String peftType() {
        return "PREFIX_TUNING";
    }

    @Override
    public Map<String, ? extends Object> fields(Model model) {
        Map<String, Object> fields = PeftPrompts.fields(this, model);
        int keyHeads = model.keyValuePlaces().isEmpty() ? model.sizes().heads() : model.keyValuePlaces().getFirst().heads().keyHeads();
        fields.put("num_attention_heads", keyHeads);
        fields.put("token_dim", model.sizes().keyWidth());
        fields.put("encoder_hidden_size", width == 0 ? model.sizes().keyWidth() : width);
        fields.put("prefix_projection", project);
        return fields;
    }

    @Override
    public String key(Parameter parameter) {
        return PeftPrompts.key(parameter);
    }
}
