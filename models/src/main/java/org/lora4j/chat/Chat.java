package org.lora4j.chat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Messages, each with its {@code role} and {@code content} and whatever else its file has, such as {@code tool_calls}.
 *
 * @param messages       values as {@link org.lora4j.chat.jinja.Values} has them; at least one where it is rendered
 * @param tools          what the template is told of tools; null for none
 * @param more           what else the template is told, such as {@code enable_thinking}
 * @param completionFrom the number of the first message that is not given but to be written; 0 where the file does not say
 */
public record Chat(List<Map<String, Object>> messages, @Nullable Object tools, Map<String, Object> more, int completionFrom) {

    private static final String ASSISTANT = "assistant";

    /** Keeps its own list of the messages. */
    public Chat {
        messages = List.copyOf(messages);
    }

    /** Without messages. */
    public static Chat empty() {
        return new Chat(List.of(), null, Map.of(), 0);
    }

    /** With one more message. */
    public Chat with(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return with(message);
    }

    Chat with(Map<String, Object> message) {
        List<Map<String, Object>> longer = new ArrayList<>(messages);
        longer.add(Collections.unmodifiableMap(message));
        return with(longer);
    }

    private Chat with(List<Map<String, Object>> others) {
        return new Chat(others, tools, more, completionFrom);
    }

    /** With these instructions before the first message, where there are none yet. */
    public Chat withSystem(String text) {
        if (!messages.isEmpty() && "system".equals(messages.getFirst().get("role"))) {
            return this;
        }
        List<Map<String, Object>> longer = new ArrayList<>(with(List.of()).with("system", text).messages);
        longer.addAll(messages);
        return with(longer);
    }

    /** The first of its messages. */
    public Chat first(int count) {
        return with(messages.subList(0, count));
    }

    /** Another text in one message. */
    Chat withContent(int message, String content) {
        Map<String, Object> changed = new LinkedHashMap<>(messages.get(message));
        changed.put("content", content);
        List<Map<String, Object>> others = new ArrayList<>(messages);
        others.set(message, changed);
        return with(others);
    }

    /** The numbers of the messages that the assistant wrote. */
    public List<Integer> turns() {
        List<Integer> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (ASSISTANT.equals(messages.get(i).get("role"))) {
                turns.add(i);
            }
        }
        return turns;
    }

    /** A message's text; empty where it has none. */
    public String content(int message) {
        return messages.get(message).get("content") instanceof String text ? text : "";
    }

    /** What comes before the last turn of the assistant: what a model is given to write that turn. */
    public Chat beforeLastTurn() {
        List<Integer> turns = turns();
        return turns.isEmpty() ? this : first(turns.getLast());
    }
}
