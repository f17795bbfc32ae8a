package org.lora4j.nn;

import java.util.Arrays;
import java.util.Optional;

/**
 * What the module in a {@link Slot} does in a Transformer, whatever its family calls it: so {@code --targets q,v}, "every
 * linear map but the head" and llama.cpp's names are said once for all families.
 */
public enum Role {
    /** Makes the queries. */
    QUERY("q"),
    /** Makes the keys. */
    KEY("k"),
    /** Makes the values. */
    VALUE("v"),
    /** Makes queries, keys and values in one product: a fused map, whose parts are called q, k and v. */
    QUERY_KEY_VALUE("qkv"),
    /** The map behind the heads, W_o in the paper. */
    ATTENTION_OUTPUT("o"),
    /** Makes the queries of distances, in disentangled attention. */
    POSITION_QUERY("position_query"),
    /** Makes the keys of distances, in disentangled attention. */
    POSITION_KEY("position_key"),
    /** From the tokens' table to the blocks' width, where the table is narrower. */
    EMBEDDING_MAP("embedding"),
    /** The feed-forward's map to its inner width. */
    UP("up"),
    /** The map whose activation multiplies UP's output, where a feed-forward has one. */
    GATE("gate"),
    /** The feed-forward's map back. */
    DOWN("down"),
    /** The table of the tokens. */
    TOKENS("tokens"),
    /** The table of the positions. */
    POSITIONS("positions"),
    /** The table of the kinds of tokens: first text, second text. */
    TOKEN_TYPES("types"),
    /** From the last block's output to the vocabulary. */
    LANGUAGE_HEAD("head"),
    /** The map that makes one representation of a sequence, where that belongs to the body as BERT's does. */
    POOLER("pooler"),
    /** In the head that makes labels of a sequence's representation. */
    CLASSIFIER("classifier");

    private final String text;

    Role(String text) {
        this.text = text;
    }

    /** The short word for it: the paper's letter in attention. */
    public String text() {
        return text;
    }

    /** The role of that word. */
    public static Optional<Role> named(String text) {
        return Arrays.stream(values()).filter(role -> role.text.equals(text)).findFirst();
    }

    /** Whether the module stands behind the blocks and makes the answer; PEFT's {@code all-linear} leaves such ones out. */
    public boolean isHead() {
        return this == LANGUAGE_HEAD || this == CLASSIFIER;
    }
}
