package org.lora4j.tuning.prefix;

import org.lora4j.LoraException;
import org.lora4j.model.Model;
import org.lora4j.model.ModelSizes;
import org.lora4j.tuning.TuningMethod;

/**
 * A method that puts special tokens, which no text holds, into every sequence: l_p before the input (prefixing), and l_i between
 * the input and the output (infixing). They count as positions, no loss is taken on them, and what is trained belongs to them.
 */
public sealed interface SpecialTokenMethod extends TuningMethod
        permits PrefixEmbedding, PrefixLayer, PromptTuning, PTuning, PrefixTuning {

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

    /** Everything that decides what trains and from where it starts, in one line. */
    String settings();

    @Override
    default SpecialTokenTuning attach(Model model, long seed) {
        return SpecialTokenTuning.attach(this, model, seed);
    }

    /** @throws LoraException if there are no special tokens, or a negative number of some */
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
        if (prefix + (long) infix > 1 << 20) {
            throw new LoraException("`prefixLength` " + prefix + (infix == 0 ? "" : " and `infixLength` " + infix)
                    + ": more special tokens than any model has positions");
        }
    }
}
