package org.lora4j.tokenizer.pipeline;

import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Turns words into ids. Safe for use by several threads. */
public interface SubwordModel {

    /** The ids of a word that is not empty, in order. */
    void encode(String word, IntConsumer ids);

    /** The vocabulary: token → id. */
    Map<String, Integer> vocabulary();

    /** The token of an id; null if there is none. */
    @Nullable String token(int id);

    /** What decides which ids come out beside the vocabulary; for a fingerprint. */
    String describe();
}
