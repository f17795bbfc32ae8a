package org.lora4j.tokenizer.pipeline;

import java.util.List;

/** Tokens back to text. A chain of decoders hands lists on; what comes out of the last is put together. */
@FunctionalInterface
public interface TokenDecoder {

    List<String> decode(List<String> tokens);

    /** Whether tokens stand for bytes in GPT-2's alphabet, so that a character may be broken between two. */
    default boolean isByteLevel() {
        return false;
    }
}
