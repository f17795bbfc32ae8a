package org.lora4j.data;

import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How the lines of a file lay out an example, told by their keys. */
enum Layout {

    MESSAGES(List.of("messages"), List.of("tools", "chat_template_kwargs")),
    CONVERSATIONS(List.of("conversations"), List.of("system", "tools")),
    CONTEXT_COMPLETION(List.of("context", "completion"), List.of()),
    PROMPT_COMPLETION(List.of("prompt", "completion"), List.of("system", "tools", "chat_template_kwargs")),
    INSTRUCTION_OUTPUT(List.of("instruction", "output"), List.of("input", "system")),
    INSTRUCTION_RESPONSE(List.of("instruction", "response"), List.of("context", "input", "system")),
    QUESTION_ANSWER(List.of("question", "answer"), List.of("system")),
    PROMPT_RESPONSE(List.of("prompt", "response"), List.of("system")),
    INPUT_OUTPUT(List.of("input", "output"), List.of("system")),
    TEXT(List.of("text"), List.of());

    private final List<String> needed;
    private final List<String> known;

    Layout(List<String> needed, List<String> more) {
        this.needed = needed;
        this.known = Stream.concat(needed.stream(), more.stream()).toList();
    }

    /** The first that has all it needs, and every role that the user has named; null if there is none. */
    static @Nullable Layout of(Collection<String> keys, Collection<String> named) {
        for (Layout layout : values()) {
            if (keys.containsAll(layout.needed) && layout.known.containsAll(named)) {
                return layout;
            }
        }
        return null;
    }

    /** The first that has one of the keys it needs; null if there is none. */
    static @Nullable Layout nearest(Collection<String> keys) {
        return Stream.of(values()).filter(layout -> layout.needed.stream().anyMatch(keys::contains)).findFirst().orElse(null);
    }

    /** The keys without which a line is none of this layout. */
    List<String> needed() {
        return needed;
    }

    /** All that a column can be called by. */
    static List<String> roles() {
        return Stream.of(values()).flatMap(layout -> layout.known.stream()).distinct().toList();
    }

    /** For messages: {@code messages; conversations; context and completion; …}. */
    static String all() {
        return Stream.of(values()).map(layout -> String.join(" and ", layout.needed)).collect(Collectors.joining("; "));
    }
}
