package org.lora4j.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.chat.Chat;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.data.MessagesFile;
import org.lora4j.data.PromptFile;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j generate}. */
@Command(
        name = "generate",
        description = {
            "Writes text with a model and, if you like, an adapter, or several.",
            "",
            "Greedy unless --temperature or --beam is given. An adapter that was trained on pairs of context and completion gets its "
                    + "prompt as such a context, one that was trained on chats as what a user says; otherwise the text is simply "
                    + "continued. --messages answers whole chats, in the form of the model's chat template.",
            "",
            "Texts appear as they are written, those of several prompts in their order. --samples gives several for each. Special and "
                    + "added tokens of the model that are written out in a prompt are recognised; in the text special ones are left "
                    + "out. It ends where eos_token_id of generation_config.json or config.json says, else at end-of-text.",
            "",
            "Several adapters, each --adapter NAME=DIR, share the base, and prompts with different ones go through it in one "
                    + "batch. A file of prompts in JSON Lines says which adapter each one uses; without that, every prompt is "
                    + "given to every adapter.",
        },
        footer = {
            "  lora4j generate --model base-6m --adapter my-adapter \\",
            "      --prompt \"name : Blue Spice | Type : pub | area : riverside\"",
            "  lora4j generate --model base-6m --adapter my-adapter --prompts inputs.txt \\",
            "      --beam 10 --length-penalty 0.9 --no-repeat-ngram 4",
            "  lora4j generate --model base-6m --prompt \"The house\" --temperature 0.8 --min-p 0.05 --samples 3 --stop \"\\n\\n\"",
            "  lora4j generate --model my-model --adapter my-adapter --messages chats.jsonl --max-new-tokens 200",
            "  lora4j generate --model base-6m --adapter a=first --adapter b=second --prompts mixed.jsonl",
            "      where a line of mixed.jsonl is {\"adapter\": \"a\", \"prompt\": \"Some text\"}",
        })
final class GenerateCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "[NAME=]DIR",
            description = "An adapter's folder as PEFT writes it; may be given several times, then with a name each.")
    private List<String> adapters = List.of();

    @ArgGroup(multiplicity = "1")
    private Prompts prompts;

    /** One of the three. */
    static final class Prompts {

        @Option(names = "--prompt", paramLabel = "TEXT", description = "What to continue; may be given several times. One that is called like an option follows an "
                + "equals sign: --prompt=--help.")
        private List<String> texts;

        @Option(names = "--prompts", paramLabel = "FILE",
                description = "A UTF-8 file with one prompt a line, or JSON Lines: {\"adapter\": NAME, \"prompt\": TEXT}, "
                        + "perhaps with other fields; - for standard input.")
        private Path file;

        @Option(names = "--messages", paramLabel = "FILE",
                description = "Chats to answer, JSON Lines: {\"messages\": [{\"role\": \"user\", \"content\": TEXT}]}, perhaps with "
                        + "adapter and tools, or the list of one chat's messages; - for standard input. An assistant's turn at the end "
                        + "is left out, and written.")
        private Path messages;
    }

    @Option(names = "--prompt-format", paramLabel = "FORMAT",
            description = "How --prompt and --prompts are taken: plain, pair (context, end-of-text) or chat (what a user says, in the "
                    + "form of the model's chat template); default: what the adapter was trained on, else plain.")
    private PromptFormat format;

    @Option(names = "--system", paramLabel = "TEXT", description = "Of chats: the instructions before the first message, where it has none.")
    private String system;

    @Option(names = "--max-new-tokens", defaultValue = "64", paramLabel = "N",
            description = "Most tokens to write (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Mixin
    private SamplingChoice drawing;

    @Option(names = "--min-new-tokens", defaultValue = "0", paramLabel = "N",
            description = "No text ends by its end-of-text token before it has N tokens (default: ${DEFAULT-VALUE}).")
    private int minNewTokens;

    @Option(names = "--samples", defaultValue = "1", paramLabel = "N",
            description = "How many texts to draw for each prompt (default: ${DEFAULT-VALUE}).")
    private int samples;

    @Option(names = "--beam", paramLabel = "N",
            description = "Search for the likeliest text with N hypotheses side by side, as the paper does with 10.")
    private Integer beamWidth;

    @Option(names = "--length-penalty", defaultValue = "0.9", paramLabel = "X",
            description = "With --beam: a text scores its log-probability over its length to the power X "
                    + "(default: ${DEFAULT-VALUE}, the paper's for E2E).")
    private double lengthPenalty;

    @Option(names = "--no-repeat-ngram", defaultValue = "4", paramLabel = "N",
            description = "With --beam: no N tokens are written twice in the same order, 0 for no such rule "
                    + "(default: ${DEFAULT-VALUE}).")
    private int noRepeatNgram;

    @Option(names = "--json", description = "Print a list of {prompt, text, tokens, end}, for programs: end is stop_token, stop_string or length; "
                    + "with --samples a sample's number, with --beam a score, with named adapters adapter.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (maxNewTokens < 1) {
            throw wrongUse("--max-new-tokens " + maxNewTokens + ": expected at least 1");
        }
        Request asked = option(this::asked); // refuses nonsense before the model is loaded
        List<String> ends = drawing.stops();
        boolean several = option(() -> NamedAdapters.areNamed(adapters));
        NamedAdapters named = several ? option(() -> NamedAdapters.of(adapters)) : null;
        List<Asked> mixed = several ? mixedPrompts(named) : List.of();
        List<Asked> texts = several ? List.of() : texts();
        Path adapter = several || adapters.isEmpty() ? null : Path.of(adapters.getFirst());
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            Tokenizer tokenizer = model.tokenizer();
            AdapterSet set = several ? named.load(loaded, ui()) : null;
            if (!several) {
                ModelChoice.attach(loaded, adapter, ui());
            }
            PromptFormat used = several || format != null ? format
                    : PromptFormat.of(adapter == null ? Families.metadata(model.folder()) : PeftFormat.metadata(adapter));
            Map<String, PromptFormat> formats = new HashMap<>();
            List<GeneratedTexts.Prompt> wanted = several
                    ? mixed.stream().map(prompt -> prompt.of(used != null ? used
                            : formats.computeIfAbsent(prompt.adapter, named::format))).toList()
                    : texts.stream().map(prompt -> prompt.of(used)).toList();
            if (system != null && wanted.stream().allMatch(prompt -> prompt.chat() == null)) {
                ui().warn("--system has no effect: no prompt is a chat. Give --messages, or --prompt-format chat");
            }
            Map<String, ChatEncoder> chats = new HashMap<>();
            new GeneratedTexts(ui(), json, several ? new Engine(set) : new Engine(loaded), loaded.sizes(), tokenizer, ends,
                    name -> chats.computeIfAbsent(name, unused -> new ChatEncoder(tokenizer, ExampleChoice.chats(
                            model, several ? named.folder(name) : adapter, tokenizer)))).write(wanted, asked);
        }
        return ExitCode.OK;
    }

    /** What was asked for, but for the prompts. */
    private Request asked() {
        Sampling sampling = drawing.sampling(ui());
        Beam beam = beamWidth == null ? null : new Beam(beamWidth, lengthPenalty, noRepeatNgram);
        if (beam != null && !sampling.isGreedy()) {
            throw wrongUse("--beam and --temperature: one of the two, since beam search draws nothing");
        }
        if (beam != null && (sampling.repetitionPenalty() != 1 || !drawing.stops().isEmpty() || samples != 1)) {
            throw wrongUse("--beam and " + (samples != 1 ? "--samples" : !drawing.stops().isEmpty() ? "--stop" : "--repetition-penalty")
                    + ": one of the two, beam search has rules of its own");
        }
        if (samples > 1 && sampling.isGreedy()) {
            throw wrongUse("--samples " + samples + " without --temperature: greedy takes the likeliest token each time, so all "
                    + "texts would be the same");
        }
        if (minNewTokens > maxNewTokens) {
            throw wrongUse("--min-new-tokens " + minNewTokens + ": expected at most --max-new-tokens, " + maxNewTokens);
        }
        Request request = Request.of().withMaxNewTokens(maxNewTokens).withMinNewTokens(minNewTokens).withSamples(samples);
        return beam == null ? request.withSampling(sampling) : request.withBeam(beam);
    }

    /**
     * A text and the adapter that continues it.
     *
     * @param adapter null where none has a name
     * @param where   what to call it where it is refused
     */
    private record Asked(String adapter, String text, Chat chat, String system, String where) {

        GeneratedTexts.Prompt of(PromptFormat form) {
            Chat asked = chat != null ? chat : form == PromptFormat.CHAT ? Chat.empty().with("user", text) : null;
            return new GeneratedTexts.Prompt(adapter == null ? AdapterSet.BASE : adapter, text,
                    adapter == null ? "" : adapter + ": ", asked != null ? PromptFormat.CHAT : form,
                    asked != null && system != null ? asked.withSystem(system) : asked, where);
        }
    }

    private Asked asked(String adapter, PromptFile.Line line) {
        return new Asked(adapter, line.text(), line.chat(), system, place(line));
    }

    /** Those of {@code --prompt} are numbered as if each were a line. */
    private List<PromptFile.Line> lines() {
        return prompts.messages != null ? MessagesFile.read(prompts.messages)
                : prompts.file != null ? PromptFile.read(prompts.file) : IntStream.range(0, prompts.texts.size())
                .mapToObj(i -> new PromptFile.Line(i + 1, null, prompts.texts.get(i))).toList();
    }

    private String place(PromptFile.Line line) {
        return file() != null ? given() + ": line " + line.line()
                : "--prompt" + (prompts.texts.size() == 1 ? "" : " number " + line.line());
    }

    private Path file() {
        return prompts.messages != null ? prompts.messages : prompts.file;
    }

    private String given() {
        return (prompts.messages != null ? "--messages " : "--prompts ") + file();
    }

    private List<Asked> texts() {
        List<PromptFile.Line> lines = lines();
        lines.stream().filter(line -> line.adapter() != null).findFirst().ifPresent(line -> {
            throw new LoraException(given() + ": line " + line.line() + " asks for adapter "
                    + Names.quoted(line.adapter()) + ", and no adapter has a name. Give --adapter "
                    + Names.oneLine(line.adapter()) + "=DIR");
        });
        return lines.stream().map(line -> asked(null, line)).toList();
    }

    /** Each prompt with the adapter that it names; every prompt with every adapter where none names one. */
    private List<Asked> mixedPrompts(NamedAdapters named) {
        List<PromptFile.Line> lines = lines();
        if (lines.stream().anyMatch(line -> line.adapter() != null)) {
            return lines.stream().map(line -> asked(named.of(line, given()), line)).toList();
        }
        return lines.stream().flatMap(line -> named.folders().keySet().stream()
                .map(name -> asked(name, line))).toList();
    }
}
