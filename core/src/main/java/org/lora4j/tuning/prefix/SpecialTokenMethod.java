package org.lora4j.tuning.prefix;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.AddedParts;
import org.lora4j.tuning.MethodWords;

/**
 * A method that puts special tokens, which no text holds, into every sequence: l_p before the input (prefixing), and l_i between
 * the input and the output (infixing). They count as positions, no loss is taken on them, and what is trained belongs to them.
 */
public sealed interface SpecialTokenMethod extends AdapterMethod
        permits PrefixEmbedding, PrefixLayer, PromptTuning, PTuning, PrefixTuning {

    /** The words for them. */
    List<String> NAMES = List.of(PrefixEmbedding.NAME, PrefixLayer.NAME, PromptTuning.NAME, PTuning.NAME, PrefixTuning.NAME);

    /** More special tokens than any model has positions. */
    int MOST = 1 << 20;

    /** l_p, the special tokens before the input. */
    int prefix();

    /** l_i, those between input and output. */
    default int infix() {
        return 0;
    }

    @Override
    default int positions() {
        return prefix() + infix();
    }

    /** How many numbers it trains in a model of these sizes, by its formula; without a classifier's head. */
    long parameterCount(ModelSizes sizes);

    @Override
    default String whyNotMerged() {
        return "its special tokens stand in every sequence, and no weight of the base could take their place";
    }

    /**
     * {@inheritDoc}
     *
     * @throws LoraException if the model has special tokens already, something trains, or its positions leave no room for a text
     */
    @Override
    default SpecialTokenTuning attach(Model model, long seed) {
        AddedParts.requireNothingTrains(model, this);
        return SpecialTokenTuning.attach(this, model, seed);
    }

    @Override
    default SpecialTokenTuning allocate(Model model) {
        AddedParts.requireNothingTrains(model, this);
        return SpecialTokenTuning.allocate(this, model, true);
    }

    /** The same in a model in which another method trains, which is detached after it. */
    default SpecialTokenTuning attachBeside(Model model, long seed) {
        return SpecialTokenTuning.attach(this, model, seed);
    }

    /**
     * The same, all zero.
     *
     * @param network whether what a network makes in training is made by it; if not, it is there by itself, as in a folder
     */
    default SpecialTokenTuning allocateBeside(Model model, boolean network) {
        return SpecialTokenTuning.allocate(this, model, network);
    }

    @Override
    default SpecialTokenTuning attachSaved(Model model) {
        AddedParts.requireNothingTrains(model, this);
        return SpecialTokenTuning.allocate(this, model, false);
    }

    /** The method of this word; empty if it is none of these. */
    static Optional<SpecialTokenMethod> of(String text) {
        String word = text.replaceFirst(":.*", "");
        return Optional.ofNullable(switch (word) {
            case PrefixEmbedding.NAME -> PrefixEmbedding.of(MethodWords.of(text));
            case PrefixLayer.NAME -> PrefixLayer.of(MethodWords.of(text));
            case PromptTuning.NAME -> PromptTuning.of(MethodWords.of(text));
            case PTuning.NAME -> PTuning.of(MethodWords.of(text));
            case PrefixTuning.NAME -> PrefixTuning.of(MethodWords.of(text));
            default -> null;
        });
    }

    /** How a name is spelt, those of the settings left out that have their defaults. */
    static String spell(String name, int length, int infix, TokenInit init) {
        Map<String, Object> others = new LinkedHashMap<>();
        if (infix > 0) {
            others.put("infix", infix);
        }
        if (!init.equals(TokenInit.VOCABULARY)) {
            others.put("init", init.word());
        }
        return MethodWords.spell(name, length, others);
    }

    /**
     * Requires numbers of tokens that are not negative, and one token at least.
     *
     * @throws LoraException if there are no special tokens, or a negative number of some
     */
    static void requireLengths(int prefix, int infix) {
        if (prefix < 0) {
            throw new LoraException("`prefixLength` " + prefix + ": expected 0 or a positive number");
        }
        if (infix < 0) {
            throw new LoraException("`infixLength` " + infix + ": expected 0 or a positive number");
        }
        if (prefix + (long) infix < 1) {
            throw new LoraException("`prefixLength` 0 and no infix: nothing would train. Give at least one of them");
        }
        if (prefix + (long) infix > MOST) {
            throw new LoraException("`prefixLength` " + prefix + (infix == 0 ? "" : " and `infixLength` " + infix)
                    + ": more special tokens than any model has positions");
        }
    }
}
