package org.lora4j.train;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a prompt becomes tokens: an adapter trained on pairs expects the separator it was trained with, one trained on chats a chat. */
public enum PromptFormat {
    /** The text's tokens and nothing else: the model goes on writing. */
    PLAIN,
    /** The context's tokens and end-of-text; the completion follows, as in training on pairs. */
    PAIR,
    /** The text is what a user says in a chat, in the form of the model's template; the assistant's turn follows. */
    CHAT;

    private static final String KEY = "lora4j.prompt";
    private static final String TEMPLATE = "lora4j.template";

    /** What the metadata of an adapter or a model say; plain where they say nothing. */
    public static PromptFormat of(Map<String, String> metadata) {
        String said = metadata.getOrDefault(KEY, "");
        return said.equals(PAIR.text()) ? PAIR : said.equals(CHAT.text()) ? CHAT : PLAIN;
    }

    /** The template of chats that an adapter or a model was trained with, where it is not that of the base. */
    public static Optional<String> template(Map<String, String> metadata) {
        return Optional.ofNullable(metadata.get(TEMPLATE));
    }

    /** {@link #metadata} and a template. */
    public Map<String, String> metadata(@Nullable String template) {
        return template == null ? metadata() : Map.of(KEY, text(), TEMPLATE, template);
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
