package org.lora4j.tokenizer;

/**
 * A piece of text that is one token wherever it is written out, whatever BPE would make of it: {@code <|endoftext|>},
 * {@code <|im_start|>}. The words are those of Hugging Face's files.
 *
 * @param content    how it is written, not empty
 * @param id         its id
 * @param special    left out of a text that is decoded for people
 * @param normalized looked for only in what the tokens that are not left; no GPT-2 normalises a text otherwise
 * @param lstrip     takes in the white space before it
 * @param rstrip     takes in the white space after it
 * @param singleWord not where a letter, digit or underscore stands right before or after it
 */
record AddedToken(
        String content, int id, boolean special, boolean normalized, boolean lstrip, boolean rstrip, boolean singleWord) {

    /** One as Transformers makes it of a name alone. */
    static AddedToken special(String content, int id) {
        return new AddedToken(content, id, true, false, false, false, false);
    }

    AddedToken asSpecial() {
        return new AddedToken(content, id, true, normalized, lstrip, rstrip, singleWord);
    }
}
