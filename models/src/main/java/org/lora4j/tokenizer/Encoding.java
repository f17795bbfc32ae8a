package org.lora4j.tokenizer;

import org.lora4j.LoraException;

/**
 * A text or a pair of texts as a model that reads them takes it, with the special tokens around them:
 *
 * <pre>
 *   [CLS] the first text [SEP] the second [SEP]
 *     0    0    0    0     0    1     1     1      typeIds
 * </pre>
 *
 * Every id is attended to; padding comes with a batch.
 *
 * @param ids     not copied; treat as constant
 * @param typeIds as many; zeros where models of this kind are given none
 * @param special as many: what is not of the texts
 * @param cut     how many tokens of the texts were left out by the {@link Truncation}
 */
public record Encoding(int[] ids, int[] typeIds, boolean[] special, int cut) {

    /** Requires a token type and a mark for each token. */
    public Encoding {
        if (typeIds.length != ids.length || special.length != ids.length) {
            throw new LoraException("an encoding of " + ids.length + " ids with " + typeIds.length + " token types and "
                    + special.length + " marks of special tokens");
        }
    }

    /** The same for a model that is given no token types. */
    public Encoding withoutTypes() {
        return new Encoding(ids, new int[ids.length], special, cut);
    }

    /** How many tokens there are. */
    public int length() {
        return ids.length;
    }
}
