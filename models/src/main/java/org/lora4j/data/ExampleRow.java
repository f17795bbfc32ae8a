package org.lora4j.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.Chat;
import org.lora4j.chat.jinja.None;
import org.lora4j.chat.jinja.Values;

/** One line of a file by its keys, and what it is in a layout. */
final class ExampleRow {

    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    /** ShareGPT's words for who speaks. */
    private static final Map<String, String> SPEAKERS = Map.ofEntries(
            Map.entry("human", "user"), Map.entry("user", "user"), Map.entry("gpt", "assistant"), Map.entry("chatgpt", "assistant"),
            Map.entry("bing", "assistant"), Map.entry("bard", "assistant"), Map.entry("model", "assistant"),
            Map.entry("assistant", "assistant"), Map.entry("function_call", "assistant"), Map.entry("system", "system"),
            Map.entry("tool", "tool"), Map.entry("function", "tool"), Map.entry("function_response", "tool"),
            Map.entry("observation", "tool"));

    /** How a row becomes an example. */
    @FunctionalInterface
    interface Made {
        Example of(ExampleRow row);
    }

    private final Map<String, Object> fields;
    private final Map<String, String> columns;
    private final Place place;
    private final boolean table;

    /** @param table whether values are texts that white space stands around, and JSON only where it is written so */
    ExampleRow(Map<String, Object> fields, Map<String, String> columns, Place place, boolean table) {
        this.fields = fields;
        this.columns = columns;
        this.place = place;
        this.table = table;
    }

    Example fields() {
        return new Example.Fields(fields, place);
    }

    Example as(Layout layout) {
        return switch (layout) {
            case MESSAGES -> new Example.Talk(chat(messages("messages"), 0), place);
            case CONVERSATIONS -> new Example.Talk(chat(conversation(), 0), place);
            case CONTEXT_COMPLETION -> new TextPair(text("context"), text("completion"), place);
            case PROMPT_COMPLETION -> isList("prompt") || isList("completion") ? twoLists()
                    : new Example.Prompted(text("prompt"), text("completion"), place);
            case INSTRUCTION_OUTPUT -> asked(instruction("input"), text("output"));
            case INSTRUCTION_RESPONSE -> asked(instruction(value("context") != null ? "context" : "input"), text("response"));
            case QUESTION_ANSWER -> asked(text("question"), text("answer"));
            case PROMPT_RESPONSE -> asked(text("prompt"), text("response"));
            case INPUT_OUTPUT -> asked(text("input"), text("output"));
            case TEXT -> new Example.Text(text("text"), place);
        };
    }

    private String column(String role) {
        return columns.getOrDefault(role, role);
    }

    /** Null where there is none, or it is null or, in a table, empty. */
    private @Nullable Object value(String role) {
        Object value = fields.get(column(role));
        return value == null || value == None.NONE || table && value.equals("") ? null : value;
    }

    private String text(String role) {
        Object value = fields.get(column(role));
        if (value instanceof String text) {
            return text;
        }
        throw wrong(role, "a text", value);
    }

    private LoraException wrong(String role, String expected, @Nullable Object value) {
        String column = column(role);
        return new LoraException(Names.oneLine(place + ": expected " + expected + " as " + column + ", found "
                + (value != null ? Names.shortened(shown(value)) : "no " + column + (fields.isEmpty() ? " and no other key"
                : " among the keys " + Names.some(fields.keySet(), 8)))));
    }

    private static String shown(Object value) {
        try {
            return value == None.NONE ? "null" : value instanceof String ? "the text " + MAPPER.writeValueAsString(value)
                    : value instanceof Map<?, ?> ? "an object" : value instanceof List<?> list ? "a list of " + list.size()
                    : MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            return value.toString();
        }
    }

    // ------------------------------------------------------------------------------------------------ chats

    private boolean isList(String role) {
        return value(role) instanceof List<?> || table && value(role) instanceof String text && text.startsWith("[{");
    }

    private String instruction(String more) {
        Object input = value(more);
        if (input != null && !(input instanceof String)) {
            throw wrong(more, "a text", input);
        }
        return input == null || ((String) input).isBlank() ? text("instruction") : text("instruction") + "\n\n" + input;
    }

    private Example asked(String question, String answer) {
        if (answer.isBlank()) {
            throw new LoraException(place + ": the answer is empty, so there is nothing to learn from it");
        }
        Chat chat = chat(List.of(), 0);
        Object system = value("system");
        chat = system instanceof String text && !text.isBlank() ? chat.with("system", text) : chat;
        return new Example.Talk(chat.with("user", question).with("assistant", answer), place);
    }

    private Example twoLists() {
        List<Map<String, Object>> both = new ArrayList<>(messages("prompt"));
        int from = both.size();
        both.addAll(messages("completion"));
        return new Example.Talk(chat(both, from), place);
    }

    private Chat chat(List<Map<String, Object>> messages, int completionFrom) {
        Object tools = value("tools");
        tools = tools instanceof String json ? json("tools", json) : tools;
        Object more = value("chat_template_kwargs");
        Map<String, Object> told = new LinkedHashMap<>();
        if (more instanceof Map<?, ?> map) {
            map.forEach((key, value) -> told.put(key.toString(), value));
        }
        return new Chat(messages, tools == null || tools.equals(List.of()) || tools == None.NONE ? null : tools, told, completionFrom);
    }

    private Object json(String role, String text) {
        try {
            return Values.of(MAPPER.readTree(text));
        } catch (JsonProcessingException e) {
            throw wrong(role, "JSON", text);
        }
    }

    private List<?> list(String role) {
        Object value = fields.get(column(role));
        value = value instanceof String text && text.strip().startsWith("[") ? json(role, text) : value;
        if (!(value instanceof List<?> list) || list.isEmpty()) {
            throw wrong(role, "a list of messages", value);
        }
        return list;
    }

    private List<Map<String, Object>> messages(String role) {
        List<Map<String, Object>> messages = new ArrayList<>();
        for (Object one : list(role)) {
            Map<String, Object> message = object(role, one, messages.size());
            if (!(message.get("role") instanceof String)) {
                throw inMessage(role, messages.size(), "a role", message.get("role"), message);
            }
            Object content = message.get("content");
            if (content == null && !message.containsKey("tool_calls")
                    || content != null && !(content instanceof String) && !(content instanceof List<?>) && content != None.NONE) {
                throw inMessage(role, messages.size(), "a text as content", content, message);
            }
            if (content == null) {
                message.put("content", None.NONE);
            }
            messages.add(message);
        }
        return messages;
    }

    private List<Map<String, Object>> conversation() {
        List<Map<String, Object>> messages = new ArrayList<>();
        Object system = value("system");
        if (system instanceof String text && !text.isBlank()) {
            messages.add(message("system", text));
        }
        for (Object one : list("conversations")) {
            Map<String, Object> turn = object("conversations", one, messages.size());
            Object speaker = turn.containsKey("from") ? turn.get("from") : turn.get("role");
            Object text = turn.containsKey("value") ? turn.get("value") : turn.get("content");
            if (!(speaker instanceof String) || !SPEAKERS.containsKey(speaker)) {
                throw inMessage("conversations", messages.size(), "human, gpt, system or tool as from", speaker, turn);
            }
            if (!(text instanceof String)) {
                throw inMessage("conversations", messages.size(), "a text as value", text, turn);
            }
            messages.add(message(SPEAKERS.get(speaker), (String) text));
        }
        return messages;
    }

    private static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private Map<String, Object> object(String role, Object value, int number) {
        if (!(value instanceof Map<?, ?> map)) {
            throw inMessage(role, number, "an object", value, Map.of());
        }
        Map<String, Object> object = new LinkedHashMap<>();
        map.forEach((key, one) -> object.put(key.toString(), one));
        return object;
    }

    private LoraException inMessage(String role, int number, String expected, @Nullable Object found, Map<String, Object> message) {
        return new LoraException(Names.oneLine(place + ": " + column(role) + ", message " + (number + 1) + ": expected " + expected
                + ", found " + (found != null ? Names.shortened(shown(found)) : message.isEmpty() ? "an object without keys"
                : "the keys " + Names.some(message.keySet(), 8))));
    }
}
