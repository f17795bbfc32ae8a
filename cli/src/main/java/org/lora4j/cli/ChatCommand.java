package org.lora4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.family.LanguageModel;
import org.lora4j.tuning.lora.AdapterSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j chat}. */
@Command(
        name = "chat",
        description = {
            "Talks with a model: a line is what you say, the answer appears as written.",
            "",
            "What was said before is remembered and given to the model again, in the form of its chat template, or of that which the "
                    + "adapter was trained with. A line that ends with a backslash goes on in the next. Lines from a pipe are answered "
                    + "one by one, so only the answers are printed.",
            "",
            "/help lists the commands: /adapter switches between adapters or to the base, /system changes the instructions, /reset "
                    + "forgets what was said, /quit or the end of the input ends. It writes greedily unless --temperature is given.",
        },
        footer = {
            "  lora4j chat --model my-model --adapter my-adapter --system \"Answer in one sentence.\"",
            "  lora4j chat --model my-model --adapter formal=a --adapter short=b --temperature 0.7 --min-p 0.05",
        })
final class ChatCommand extends LoraCommand {

    private static final String BEGINS = "/";

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "[NAME=]DIR",
            description = "An adapter's folder as PEFT writes it; may be given several times, then with a name each. The first one "
                    + "answers at first.")
    private List<String> adapters = List.of();

    @Option(names = "--system", paramLabel = "TEXT", description = "Instructions that stand before what is said.")
    private String system;

    @Option(names = "--max-new-tokens", defaultValue = "512", paramLabel = "N",
            description = "Most tokens of an answer (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Mixin
    private SamplingChoice drawing;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() throws IOException {
        if (maxNewTokens < 1) {
            throw wrongUse("--max-new-tokens " + maxNewTokens + ": expected at least 1");
        }
        NamedAdapters named = option(this::named);
        ChatSession.Style style = new ChatSession.Style(option(() -> drawing.sampling(ui())), drawing.stops(), maxNewTokens);
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            Path fixed = named.otherThanLora();
            if (fixed != null) {
                ModelChoice.attach(loaded, fixed, ui());
            }
            AdapterSet set = fixed != null ? new AdapterSet(loaded) : named.load(loaded, ui());
            ChatSession session = new ChatSession(loaded, set, model.tokenizer(), style, name -> ExampleChoice.chats(
                    model, fixed != null ? fixed : named.folder(name), model.tokenizer()));
            List<String> names = fixed != null ? List.of() : List.copyOf(named.folders().keySet());
            session.instruct(system);
            session.use(names.isEmpty() ? AdapterSet.BASE : names.getFirst());
            talk(session, names);
        }
        return ExitCode.OK;
    }

    /** One adapter needs no name; it is called as its folder. */
    private NamedAdapters named() {
        if (adapters.isEmpty() || NamedAdapters.areNamed(adapters)) {
            return NamedAdapters.of(adapters);
        }
        Path folder = Path.of(adapters.getFirst());
        Map<String, Path> one = new LinkedHashMap<>();
        Path last = folder.toAbsolutePath().normalize().getFileName();
        one.put(last == null || last.toString().equals(AdapterSet.BASE) ? "adapter" : last.toString(), folder);
        return new NamedAdapters(one);
    }

    private void talk(ChatSession session, List<String> names) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        if (ui().terminal().out()) {
            ui().info("/help lists the commands, /quit ends");
        }
        for (String said = said(lines); said != null; said = said(lines)) {
            if (said.strip().equals("/quit") || said.strip().equals("/exit")) {
                return;
            }
            try {
                if (said.startsWith(BEGINS)) {
                    obey(session, said.strip(), names);
                } else if (!said.isBlank()) {
                    session.answer(said, ui()::printPart, ui()::warn);
                    ui().print("");
                }
            } catch (LoraException refused) {
                ui().warn(refused.getMessage());
            }
        }
    }

    /** The next thing that is said, over several lines where they end with a backslash; null at the end. */
    private String said(BufferedReader lines) throws IOException {
        if (ui().terminal().out()) {
            ui().beginText(ui().bold("> "));
        }
        List<String> said = new ArrayList<>();
        String line = lines.readLine();
        while (line != null && line.endsWith("\\")) {
            said.add(line.substring(0, line.length() - 1));
            line = lines.readLine();
        }
        if (line != null) {
            said.add(line);
        }
        return said.isEmpty() ? null : String.join("\n", said);
    }

    private void obey(ChatSession session, String command, List<String> names) {
        String[] parts = command.split("\\s+", 2);
        String rest = parts.length > 1 ? parts[1] : "";
        switch (parts[0]) {
            case "/reset" -> {
                session.forget();
                ui().info("forgotten");
            }
            case "/system" -> {
                session.instruct(rest.isEmpty() ? null : rest);
                ui().info(rest.isEmpty() ? "no instructions" : "instructions: " + rest);
            }
            case "/adapter" -> {
                if (!rest.isEmpty()) {
                    requireKnown(rest, names);
                    session.use(rest);
                }
                ui().info((rest.isEmpty() ? "adapter: " : "now: ") + session.adapter() + "; there are " + all(names));
            }
            case "/help" -> """
                    /adapter NAME  lets another adapter answer, or base; without a name it says which there are
                    /system TEXT   sets the instructions; without a text there are none
                    /reset         forgets what was said
                    /quit          ends, as does the end of the input""".lines().forEach(ui()::info);
            default -> ui().warn(Names.quoted(parts[0]) + " is no command; /help lists them");
        }
    }

    private static void requireKnown(String name, List<String> names) {
        if (!names.contains(name) && !name.equals(AdapterSet.BASE)) {
            throw new LoraException("no adapter is called " + Names.quoted(name) + "; there are " + all(names));
        }
    }

    private static String all(List<String> names) {
        List<String> all = new ArrayList<>(names);
        all.add(AdapterSet.BASE);
        return Names.some(all, 12);
    }
}
