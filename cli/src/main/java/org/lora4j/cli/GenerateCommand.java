package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.PromptFile;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Hypothesis;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.LoraAdapter;
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
                    + "prompt as such a context; otherwise the text is simply continued.",
            "",
            "Special and added tokens of the model that are written out in a prompt are recognised; in the text special ones are "
                    + "left out. It ends where eos_token_id of generation_config.json or config.json says, else at end-of-text.",
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
            "  lora4j generate --model base-6m --adapter a=first --adapter b=second --prompts mixed.jsonl",
            "      where a line of mixed.jsonl is {\"adapter\": \"a\", \"prompt\": \"Some text\"}",
        })
final class GenerateCommand extends LoraCommand {

    /** Prompts in one batch: more make it no faster, and their keys and values fill the memory. */
    private static final int AT_ONCE = 32;

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "[NAME=]DIR",
            description = "An adapter's folder as PEFT writes it; may be given several times, then with a name each.")
    private List<String> adapters = List.of();

    @ArgGroup(multiplicity = "1")
    private Prompts prompts;

    /** One of the two. */
    static final class Prompts {

        @Option(names = "--prompt", paramLabel = "TEXT", description = "What to continue; may be given several times. One that is called like an option follows an "
                + "equals sign: --prompt=--help.")
        private List<String> texts;

        @Option(names = "--prompts", paramLabel = "FILE",
                description = "A UTF-8 file with one prompt a line, or JSON Lines: {\"adapter\": NAME, \"prompt\": TEXT}, "
                        + "perhaps with other fields; - for standard input.")
        private Path file;
    }

    @Option(names = "--prompt-format", paramLabel = "FORMAT",
            description = "plain or pair (context, end-of-text); default: what the adapter was trained on, else plain.")
    private PromptFormat format;

    @Option(names = "--max-new-tokens", defaultValue = "64", paramLabel = "N",
            description = "Most tokens to write (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Option(names = "--temperature", defaultValue = "0", paramLabel = "X",
            description = "0 takes the likeliest token each time, 1 draws from the model's distribution "
                    + "(default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", defaultValue = "0", paramLabel = "K",
            description = "Draw from the K likeliest tokens, 0 for all (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", defaultValue = "1", paramLabel = "P",
            description = "Draw from the likeliest tokens that make up the share P (default: ${DEFAULT-VALUE}).")
    private double topP;

    @Option(names = "--seed", defaultValue = "0", paramLabel = "N",
            description = "Of the draws (default: ${DEFAULT-VALUE}).")
    private long seed;

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

    @Option(names = "--json", description = "Print a list of {prompt, text, tokens}, with --beam {…, score}, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (maxNewTokens < 1) {
            throw wrongUse("--max-new-tokens " + maxNewTokens + ": expected at least 1");
        }
        option(() -> new Sampling(temperature, topK, topP, seed)); // refuses nonsense before the model is loaded
        Beam beam = beamWidth == null ? null : option(() -> new Beam(beamWidth, lengthPenalty, noRepeatNgram));
        if (beam != null && temperature != 0) {
            throw wrongUse("--beam and --temperature: one of the two, since beam search draws nothing");
        }
        if (temperature == 0 && (topK != 0 || topP != 1)) {
            ui().warn("--top-k and --top-p have no effect without --temperature: greedy takes the likeliest token");
        }
        boolean several = option(() -> NamedAdapters.areNamed(adapters));
        NamedAdapters named = several ? option(() -> NamedAdapters.of(adapters)) : null;
        List<MixedTexts.Prompt> mixed = several ? mixedPrompts(named) : List.of();
        List<PromptFile.Line> lines = several ? List.of() : texts();
        Path adapter = several || adapters.isEmpty() ? null : Path.of(adapters.getFirst());
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            Tokenizer tokenizer = model.tokenizer();
            if (several) {
                MixedTexts writer = new MixedTexts(ui(), json, named.load(loaded, ui()), tokenizer, named, format);
                if (beam != null) {
                    writer.search(mixed, maxNewTokens, beam);
                } else {
                    writer.write(mixed, maxNewTokens, new Sampling(temperature, topK, topP, seed), AT_ONCE);
                }
                return ExitCode.OK;
            }
            LoraAdapter attached = ModelChoice.attach(loaded, adapter, ui());
            if (attached != null) {
                attached.freeze();
            }
            PromptFormat used = format != null ? format
                    : PromptFormat.of(adapter == null ? Families.metadata(model.folder()) : PeftFormat.metadata(adapter));
            List<String> texts = lines.stream().map(PromptFile.Line::text).toList();
            PromptTokens tokens = new PromptTokens(tokenizer, loaded.sizes().vocabulary());
            List<int[]> ids = texts.stream().map(text -> tokens.of(text, used == PromptFormat.PAIR)).toList();
            PromptTokens.requireRoom(
                    ids, lines.stream().map(this::place).toList(), maxNewTokens, loaded.sizes().positions());
            generate(new Generator(loaded), tokenizer, texts, ids, used, beam);
        }
        return ExitCode.OK;
    }

    private void generate(
            Generator generator, Tokenizer tokenizer, List<String> texts, List<int[]> ids, PromptFormat used, Beam beam) {
        Set<Integer> stop = used == PromptFormat.PAIR ? tokenizer.stopIdsOfPairs() : tokenizer.stopIds();
        if (beam != null) {
            search(generator, tokenizer, texts, ids, used, beam);
            return;
        }
        long start = System.nanoTime();
        long tokens = 0;
        List<Map<String, Object>> results = new ArrayList<>();
        for (int from = 0; from < texts.size(); from += AT_ONCE) {
            List<int[]> some = ids.subList(from, Math.min(from + AT_ONCE, ids.size()));
            // draws are numbered within a call, so each call gets a stream of its own
            Sampling draws = new Sampling(temperature, topK, topP, seed + from / AT_ONCE);
            List<int[]> written = generator.generate(some, maxNewTokens, stop, draws, (sequence, id) -> { });
            for (int i = 0; i < written.size(); i++) {
                String text = tokenizer.decodeText(written.get(i));
                text = used == PromptFormat.PAIR ? ExampleEncoder.completion(text) : text;
                tokens += written.get(i).length;
                if (json) {
                    results.add(result(texts.get(from + i), text, written.get(i)));
                } else {
                    ui().printText(used == PromptFormat.PAIR ? "" : ui().dim(texts.get(from + i)), text);
                }
            }
        }
        if (json) {
            ui().printJson(results);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        ui().detail("%d tokens in %.2f s, %.0f tokens/s".formatted(tokens, seconds, tokens / seconds));
    }

    /** As the authors decode: stops at a blank line too where the texts are completions. */
    private void search(
            Generator generator, Tokenizer tokenizer, List<String> texts, List<int[]> prompts, PromptFormat used, Beam beam) {
        boolean pairs = used == PromptFormat.PAIR;
        Set<Integer> stop = pairs ? TextDecoding.stopIds(tokenizer) : tokenizer.stopIds();
        List<Hypothesis> found;
        try (Progress progress = prompts.size() > 1 ? ui().progress("generate") : Progress.SILENT) {
            progress.start(prompts.size());
            int[] done = new int[1];
            found = generator.beam(prompts, maxNewTokens, stop, beam, (input, best) -> progress.update(++done[0], ""));
        }
        List<Map<String, Object>> results = new ArrayList<>();
        for (int i = 0; i < found.size(); i++) {
            int[] tokens = found.get(i).tokens();
            String text = pairs ? TextDecoding.text(tokenizer, tokens) : tokenizer.decodeText(tokens);
            Map<String, Object> result = result(texts.get(i), text, tokens);
            result.put("score", found.get(i).score());
            results.add(result);
            if (!json) {
                ui().printText(pairs ? "" : ui().dim(texts.get(i)), text);
            }
        }
        if (json) {
            ui().printJson(results);
        }
    }

    private static Map<String, Object> result(String prompt, String text, int[] tokens) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("prompt", prompt);
        result.put("text", text);
        result.put("tokens", tokens);
        return result;
    }

    /** Those of {@code --prompt} are numbered as if each were a line. */
    private List<PromptFile.Line> lines() {
        return prompts.file != null ? PromptFile.read(prompts.file) : IntStream.range(0, prompts.texts.size())
                .mapToObj(i -> new PromptFile.Line(i + 1, null, prompts.texts.get(i))).toList();
    }

    private String place(PromptFile.Line line) {
        return prompts.file != null ? "--prompts " + prompts.file + ": line " + line.line()
                : "--prompt" + (prompts.texts.size() == 1 ? "" : " number " + line.line());
    }

    private List<PromptFile.Line> texts() {
        List<PromptFile.Line> lines = lines();
        lines.stream().filter(line -> line.adapter() != null).findFirst().ifPresent(line -> {
            throw new LoraException("--prompts " + prompts.file + ": line " + line.line() + " asks for adapter "
                    + Names.quoted(line.adapter()) + ", and no adapter has a name. Give --adapter "
                    + Names.oneLine(line.adapter()) + "=DIR");
        });
        return lines;
    }

    /** Each prompt with the adapter that it names; every prompt with every adapter where none names one. */
    private List<MixedTexts.Prompt> mixedPrompts(NamedAdapters named) {
        List<PromptFile.Line> lines = lines();
        if (lines.stream().anyMatch(line -> line.adapter() != null)) {
            return lines.stream().map(line -> new MixedTexts.Prompt(named.of(line, prompts.file), line.text(), place(line)))
                    .toList();
        }
        return lines.stream().flatMap(line -> named.folders().keySet().stream()
                .map(name -> new MixedTexts.Prompt(name, line.text(), place(line)))).toList();
    }
}
