package org.lora4j.data;

/**
 * A text, or a pair, as a classifier is trained on it: with its special tokens, and its label as a number.
 *
 * @param ids     not copied; treat as constant
 * @param typeIds as many token types
 * @param label   the number of a class, or the value in regression; NaN where none is known
 */
public record EncodedText(int[] ids, int[] typeIds, double label) {

    /** Requires at least one token, and a type for each. */
    public EncodedText {
        if (ids.length == 0 || typeIds.length != ids.length) {
            throw new IllegalArgumentException("a text of " + ids.length + " tokens with " + typeIds.length + " token types");
        }
    }

    /** How many tokens it has. */
    public int length() {
        return ids.length;
    }
}
