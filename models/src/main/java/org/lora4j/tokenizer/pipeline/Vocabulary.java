package org.lora4j.tokenizer.pipeline;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tokens and ids, both ways. Where two tokens have one id, the later one is its name. */
final class Vocabulary {

    private final Map<String, Integer> ids;
    private final Map<Integer, String> tokens = new HashMap<>();

    Vocabulary(Map<String, Integer> ids) {
        this.ids = Collections.unmodifiableMap(ids);
        ids.forEach((token, id) -> tokens.put(id, token));
    }

    Map<String, Integer> ids() {
        return ids;
    }

    /** Null if there is none. */
    @Nullable Integer id(String token) {
        return ids.get(token);
    }

    /** Null if there is none. */
    @Nullable String token(int id) {
        return tokens.get(id);
    }
}
