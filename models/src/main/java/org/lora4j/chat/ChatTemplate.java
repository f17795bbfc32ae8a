package org.lora4j.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.chat.jinja.JinjaException;
import org.lora4j.chat.jinja.JinjaTemplate;
import org.lora4j.chat.jinja.None;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFile;
import org.lora4j.tokenizer.Tokenizer;

/**
 * How a chat becomes text: a template of Jinja's language that comes with a tokenizer, rendered as Transformers'
 * {@code apply_chat_template} does.
 *
 * <pre>
 *   chat_template.jinja                       the template, and chat_templates/NAME.jinja further ones
 *   tokenizer_config.json, chat_template      where there is no such file: a text, or a list of {name, template}
 *   chat_template.json, chat_template         where neither says one
 * </pre>
 *
 * Of several, {@code tool_use} is taken where there are tools, else {@code default}. Templates are told the names of the special
 * tokens, {@code bos_token} and the others.
 */
public final class ChatTemplate {

    private static final String FIELD = "chat_template";
    private static final String FILE = "chat_template.jinja";
    private static final String CONFIG = "tokenizer_config.json";
    private static final List<String> FOLDERS = List.of("additional_chat_templates", "chat_templates");
    private static final String DEFAULT = "default";
    private static final String WITH_TOOLS = "tool_use";
    private static final Pattern MARKS = Pattern.compile("\\{%[-+]?\\s*generation\\s*[-+]?%\\}");

    /** For models without one: a line that says who speaks, the text, and end-of-text where a turn ends. */
    public static final String STANDARD = """
            {%- for message in messages %}
            {%- set text = message.content or '' %}
            {%- if text is not string %}{% set text = text | selectattr('text', 'string') | map(attribute='text') | join %}{% endif %}
            {{- '<|' + message.role + '|>\\n' }}
            {%- if message.role == 'assistant' %}
            {%- generation %}{{ text + eos_token }}{% endgeneration %}
            {%- else %}
            {{- text + eos_token }}
            {%- endif %}
            {{- '\\n' }}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}
            """;

    private final String where;
    private final Map<String, String> sources;
    private final Map<String, JinjaTemplate> parsed = new HashMap<>();
    private final Map<String, Object> tokens;

    /** @param sources by their names */
    private ChatTemplate(String where, Map<String, String> sources, Map<String, Object> tokens) {
        this.where = where;
        this.sources = sources;
        this.tokens = tokens;
        sources.forEach((name, source) -> parsed.put(name, parsed(source)));
    }

    /**
     * The folder's own.
     *
     * @throws LoraException if a file cannot be read or is no template
     */
    public static Optional<ChatTemplate> in(Path folder, Tokenizer tokenizer) {
        Map<String, String> sources = new LinkedHashMap<>();
        Path file = folder.resolve(FILE);
        Path where = file;
        if (Files.exists(file)) {
            sources.put(DEFAULT, text(file));
        }
        for (String more : FOLDERS) {
            addAll(folder.resolve(more), sources);
        }
        for (String json : List.of(CONFIG, "chat_template.json")) {
            if (sources.isEmpty() && Files.exists(folder.resolve(json))) {
                where = folder.resolve(json);
                addAll(where, JsonFile.read(where).path(FIELD), sources);
            }
        }
        return sources.isEmpty() ? Optional.empty()
                : Optional.of(new ChatTemplate(where.toString(), sources, specialTokens(folder, tokenizer)));
    }

    /** A template's source, for a tokenizer that stands in a folder or, where that is null, alone. */
    public static ChatTemplate of(String where, String source, @Nullable Path folder, Tokenizer tokenizer) {
        return new ChatTemplate(where, Map.of(DEFAULT, source), specialTokens(folder, tokenizer));
    }

    /** The folder's own, or {@link #STANDARD} where it has none. */
    public static ChatTemplate forModel(Path folder, Tokenizer tokenizer) {
        return in(folder, tokenizer).orElseGet(() -> of("the standard form", STANDARD, folder, tokenizer));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    private static void addAll(Path folder, Map<String, String> sources) {
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.jinja")) {
                for (Path file : files) {
                    String name = file.getFileName().toString();
                    sources.put(name.substring(0, name.length() - ".jinja".length()), text(file));
                }
            } catch (IOException e) {
                throw FileErrors.reading(folder, e);
            }
        }
    }

    private static void addAll(Path file, JsonNode template, Map<String, String> sources) {
        if (template.isTextual()) {
            sources.put(DEFAULT, template.textValue());
        } else if (template.isArray()) {
            template.forEach(one -> {
                if (!one.path("name").isTextual() || !one.path("template").isTextual()) {
                    throw new FormatException(file, "chat_template is a list, and one of it has no name or no template");
                }
                sources.put(one.get("name").textValue(), one.get("template").textValue());
            });
        } else if (!template.isMissingNode() && !template.isNull()) {
            throw new FormatException(file, "chat_template is neither a text nor a list of them");
        }
    }

    /** As Transformers tells them to a template: those that have a name. */
    private static Map<String, Object> specialTokens(@Nullable Path folder, Tokenizer tokenizer) {
        Map<String, Object> tokens = new HashMap<>();
        tokens.put("eos_token", tokenizer.endOfTextToken());
        boolean said = false;
        for (String name : List.of("special_tokens_map.json", CONFIG)) {
            if (folder != null && Files.exists(folder.resolve(name))) {
                said = true;
                ObjectNode json = JsonFile.read(folder.resolve(name));
                json.properties().forEach(field -> {
                    JsonNode value = field.getValue().isObject() ? field.getValue().path("content") : field.getValue();
                    if (field.getKey().endsWith("_token") && value.isTextual()) {
                        tokens.put(field.getKey(), value.textValue());
                    }
                });
            }
        }
        if (!said) { // a vocabulary with nothing beside it has one special token
            tokens.put("bos_token", tokenizer.endOfTextToken());
        }
        return tokens;
    }

    private JinjaTemplate parsed(String source) {
        try {
            return JinjaTemplate.of(source);
        } catch (JinjaException e) {
            throw failed(e);
        }
    }

    private LoraException failed(JinjaException e) {
        return new LoraException(Names.oneLine(where + ": the chat template, " + e.getMessage()), e);
    }

    /** The source of what {@link #render} uses for a chat without tools. */
    public String source() {
        return sources.get(chosen(false));
    }

    /** Where it comes from, for messages. */
    public String where() {
        return where;
    }

    private String chosen(boolean tools) {
        if (tools && sources.containsKey(WITH_TOOLS)) {
            return WITH_TOOLS;
        }
        if (!sources.containsKey(DEFAULT)) {
            throw new LoraException(Names.oneLine(where + ": there are several chat templates and none is called default: "
                    + Names.some(sources.keySet(), 8)));
        }
        return DEFAULT;
    }

    /** Whether the template itself marks what the assistant writes, by {@code {% generation %}}. */
    boolean marks(Chat chat) {
        return MARKS.matcher(sources.get(chosen(chat.tools() != null))).find();
    }

    /**
     * A chat as text.
     *
     * @param prompt whether what begins the assistant's next turn is put behind it ({@code add_generation_prompt})
     * @throws LoraException if the template fails on these messages, or refuses them
     */
    public JinjaTemplate.Rendering render(Chat chat, boolean prompt) {
        if (chat.messages().isEmpty()) {
            throw new LoraException("a chat without messages has no text");
        }
        Map<String, Object> variables = new HashMap<>(tokens);
        variables.putAll(chat.more());
        variables.put("messages", chat.messages());
        variables.put("tools", chat.tools() == null ? None.NONE : chat.tools());
        variables.put("documents", None.NONE);
        variables.put("add_generation_prompt", prompt);
        return render(variables, chat.tools() != null);
    }

    /** Any values, as a line of a file has them, by the template's names. */
    public JinjaTemplate.Rendering renderFields(Map<String, Object> fields) {
        Map<String, Object> variables = new HashMap<>(tokens);
        variables.putAll(fields);
        return render(variables, false);
    }

    private JinjaTemplate.Rendering render(Map<String, Object> variables, boolean tools) {
        try {
            return parsed.get(chosen(tools)).render(variables, LocalDateTime.now());
        } catch (JinjaException e) {
            throw e.isRaised() ? new LoraException(Names.oneLine("the model's chat template refuses these messages: " + e.problem()), e)
                    : failed(e);
        }
    }
}
