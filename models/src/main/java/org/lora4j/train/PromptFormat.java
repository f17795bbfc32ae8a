package org.lora4j.train;

import java.util.Locale;
import java.util.Map;

/** How a prompt becomes tokens: an adapter trained on pairs expects the separator it was trained with. */
public enum PromptFormat {
    /** The text's tokens and nothing else: the model goes on writing. */
    PLAIN,
    /** The context's tokens and end-of-text; the completion follows, as in training on pairs. */
    PAIR;

    private static final String KEY = "lora4j.prompt";

    /** What the metadata of an adapter or a model say; plain where they say nothing. */
    public static PromptFormat of(Map<String, String> metadata) {
        return PAIR.text().equals(metadata.get(KEY)) ? PAIR : PLAIN;
    }

    /** Whether metadata say it at all, as those of everything do that was trained here. */
    public static boolean isSaidIn(Map<String, String> metadata) {
        return metadata.containsKey(KEY);
    }

    /** What to put into the metadata of an adapter or a model. */
    public Map<String, String> metadata() {
        return Map.of(KEY, text());
    }

    private String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
