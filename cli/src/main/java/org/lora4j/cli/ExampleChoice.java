package org.lora4j.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.chat.LossOn;
import org.lora4j.data.DataSets;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleFile;
import org.lora4j.data.ExampleReader;
import org.lora4j.data.TextPair;
import org.lora4j.family.Families;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the lines of a file become examples, and what of them is learnt. */
final class ExampleChoice {

    @Option(names = "--columns", paramLabel = "ROLE=NAME,…",
            description = "Which of a file's columns are meant, where they have other names than the usual: "
                    + "prompt=frage,completion=antwort or messages=dialogue.")
    private String columns;

    @Option(names = "--template", paramLabel = "TEXT|FILE",
            description = "Writes each line by this Jinja template: a chat from messages, instead of the model's own form, or a text from "
                    + "the line's columns. What stands in {%% generation %%} … {%% endgeneration %%} is learnt.")
    private String template;

    @Option(names = "--loss-on", paramLabel = "WHAT", defaultValue = "completion",
            description = "What is learnt: completion (of chats every turn of the assistant that the file does not give as a prompt), "
                    + "assistant (every turn of it), last (its last turn) or all (default: ${DEFAULT-VALUE}).")
    private LossOn lossOn;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    private String source;

    LossOn lossOn() {
        return lossOn;
    }

    /** Reads the files; a template that speaks of no messages is given lines as they are. */
    ExampleReader<Example> reader() {
        if (template != null && !source().contains("messages")) {
            if (columns != null) {
                throw new ParameterException(command.commandLine(), "--columns and --template: one of the two, a template calls the "
                        + "columns by their own names");
            }
            return ExampleFile.ofFields();
        }
        return columns == null ? ExampleFile.usual() : named();
    }

    private ExampleFile named() {
        Map<String, String> names = new LinkedHashMap<>();
        for (String pair : columns.split(",")) {
            int equals = pair.indexOf('=');
            if (equals < 1 || equals == pair.length() - 1 || names.put(pair.substring(0, equals).strip(), pair.substring(equals + 1)
                    .strip()) != null) {
                throw new ParameterException(command.commandLine(), "--columns " + columns + ": expected each role once, as in "
                        + "prompt=NAME,completion=NAME");
            }
        }
        try {
            return ExampleFile.withColumns(names);
        } catch (LoraException refused) {
            throw new ParameterException(command.commandLine(), refused.getMessage());
        }
    }

    private String source() {
        if (source == null) {
            Path file = file();
            source = file == null ? template : DataSets.text(file);
        }
        return source;
    }

    private Path file() {
        try {
            return template.contains("{") || !Files.isRegularFile(Path.of(template)) ? null : Path.of(template);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    /** The template that was given; null where none was. */
    ChatTemplate template(ModelChoice model, Tokenizer tokenizer) {
        return template == null ? null : ChatTemplate.of("--template", source(), model.folder(), tokenizer);
    }

    /** The template that was given, or that which the adapter was trained with, or the model's. */
    ChatTemplate templateOf(ModelChoice model, Path adapter, Tokenizer tokenizer) {
        ChatTemplate given = template(model, tokenizer);
        return given != null ? given : chats(model, adapter, tokenizer);
    }

    /** The template of chats that an adapter, or a model without one, was trained with; else the model's own, or the standard form. */
    static ChatTemplate chats(ModelChoice model, Path adapter, Tokenizer tokenizer) {
        Map<String, String> metadata = adapter == null ? Families.metadata(model.folder()) : PeftFormat.metadata(adapter);
        return PromptFormat.template(metadata)
                .map(source -> ChatTemplate.of("the adapter's template", source, model.folder(), tokenizer))
                .orElseGet(() -> ChatTemplate.forModel(model.folder(), tokenizer));
    }

    /** What to call examples of this kind. */
    static String unit(List<? extends Example> examples) {
        return examples.stream().allMatch(example -> example instanceof org.lora4j.data.TextPair) ? "pairs"
                : examples.stream().allMatch(example -> example instanceof Example.Talk) ? "chats" : "examples";
    }
}
