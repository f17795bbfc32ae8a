package org.lora4j.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.Chat;
import org.lora4j.chat.jinja.Values;
import org.lora4j.io.FileErrors;
import org.lora4j.io.JsonLines;
import org.lora4j.io.TextInput;

/**
 * A file of chats to go on with: JSON lines, or a list, of objects with {@code messages} or ShareGPT's {@code conversations}, and
 * perhaps {@code adapter} and {@code tools}; or the list of one chat's messages alone. Where a chat ends with the assistant's turn,
 * that turn is left out: it is the one to be written.
 */
public final class MessagesFile {

    private static final String EXPECTED = "{\"messages\": [{\"role\": \"user\", \"content\": \"…\"}]}";

    private MessagesFile() {
    }

    /**
     * Reads chats, one a line.
     *
     * @throws LoraException if it cannot be read or a line is no chat; the message names the line
     */
    public static List<PromptFile.Line> read(Path file) {
        String name = "`messages` " + file;
        try {
            if (file.toString().equals(PromptFile.STANDARD_INPUT)) {
                return parse(name, TextInput.read(name, System.in));
            }
            try (InputStream in = Files.newInputStream(file)) {
                return parse(name, TextInput.read(name, in));
            }
        } catch (IOException e) {
            throw new LoraException("`messages`: " + FileErrors.reading(file, e).getMessage(), e);
        }
    }

    private static List<PromptFile.Line> parse(String name, String text) throws IOException {
        List<PromptFile.Line> lines = new ArrayList<>();
        List<Object> alone = new ArrayList<>();
        int begins = 1;
        try (JsonLines objects = JsonLines.orArray(name, EXPECTED, new StringReader(text))) {
            for (ObjectNode object = objects.next(); object != null; object = objects.next()) {
                if (object.has("role") && !object.has("messages") && text.stripLeading().startsWith("[")) {
                    begins = alone.isEmpty() ? objects.line() : begins;
                    alone.add(Values.of(object));
                } else {
                    Map<String, Object> fields = new LinkedHashMap<>();
                    object.properties().forEach(field -> fields.put(field.getKey(), Values.of(field.getValue())));
                    lines.add(line(name, objects.line(), fields));
                }
            }
        }
        if (!alone.isEmpty()) {
            lines.add(line(name, begins, Map.of("messages", alone)));
        }
        if (lines.isEmpty()) {
            throw new LoraException(Names.oneLine(name + ": has no chat in it, expected " + EXPECTED + " in each line"));
        }
        return lines;
    }

    private static PromptFile.Line line(String name, int number, Map<String, Object> fields) {
        Place place = new Place(name, number);
        Layout layout = fields.containsKey("conversations") && !fields.containsKey("messages") ? Layout.CONVERSATIONS : Layout.MESSAGES;
        Chat chat = ((Example.Talk) new ExampleRow(fields, Map.of(), place, false).as(layout)).chat();
        List<Integer> turns = chat.turns();
        Chat asked = !turns.isEmpty() && turns.getLast() == chat.messages().size() - 1 ? chat.beforeLastTurn() : chat;
        if (asked.messages().isEmpty()) {
            throw new LoraException(Names.oneLine(place + ": there is no message to answer"));
        }
        Object adapter = fields.get("adapter");
        return new PromptFile.Line(number, adapter instanceof String text ? text : null, asked.content(asked.messages().size() - 1), asked);
    }
}
