package org.lora4j.tokenizer;

/** At which end of a text something happens: where it is cut, where it is filled up. */
public enum Side {
    /** Where it begins. */
    LEFT,
    /** Where it ends. */
    RIGHT
}
