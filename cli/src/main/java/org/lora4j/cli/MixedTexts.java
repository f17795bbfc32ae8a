package org.lora4j.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Hypothesis;
import org.lora4j.generate.MixedGenerator.Request;
import org.lora4j.generate.MixedGenerator;
import org.lora4j.generate.Sampling;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.AdapterSet;

/** What {@code generate} writes and prints where there are several adapters. */
final class MixedTexts {

    private final Ui ui;
    private final boolean json;
    private final AdapterSet set;
    private final Tokenizer tokenizer;
    private final ExampleEncoder pairs;
    private final NamedAdapters adapters;
    private final PromptFormat given;
    private final Map<String, PromptFormat> formats = new HashMap<>();

    /** @param given for all adapters; null for what each was trained on */
    MixedTexts(Ui ui, boolean json, AdapterSet set, Tokenizer tokenizer, NamedAdapters adapters, PromptFormat given) {
        this.ui = ui;
        this.json = json;
        this.set = set;
        this.tokenizer = tokenizer;
        this.pairs = new ExampleEncoder(tokenizer, Integer.MAX_VALUE);
        this.adapters = adapters;
        this.given = given;
    }

    /** A text to continue, and the adapter to do it with. */
    record Prompt(String adapter, String text) {
    }

    private boolean isPair(String adapter) {
        return (given != null ? given : formats.computeIfAbsent(adapter, adapters::format)) == PromptFormat.PAIR;
    }

    private int[] encode(Prompt prompt) {
        return isPair(prompt.adapter) ? pairs.encodePrompt(prompt.text) : tokenizer.encode(prompt.text);
    }

    /** Greedily or by drawing, {@code atOnce} in a batch whatever adapters they use. */
    void write(List<Prompt> prompts, int maxNewTokens, Sampling sampling, int atOnce) {
        MixedGenerator generator = new MixedGenerator(set);
        Set<Integer> stop = Set.of(tokenizer.endOfText());
        List<Map<String, Object>> results = new ArrayList<>();
        long start = System.nanoTime();
        long tokens = 0;
        for (int from = 0; from < prompts.size(); from += atOnce) {
            List<Prompt> some = prompts.subList(from, Math.min(from + atOnce, prompts.size()));
            // draws are numbered within a call, so each call gets a stream of its own
            Sampling draws = new Sampling(
                    sampling.temperature(), sampling.topK(), sampling.topP(), sampling.seed() + from / atOnce);
            List<int[]> written = generator.generate(
                    some.stream().map(prompt -> new Request(prompt.adapter, encode(prompt))).toList(), maxNewTokens, stop,
                    draws, (sequence, id) -> { });
            for (int i = 0; i < some.size(); i++) {
                tokens += written.get(i).length;
                String text = tokenizer.decode(written.get(i));
                results.add(print(some.get(i), isPair(some.get(i).adapter) ? text.strip() : text, written.get(i)));
            }
        }
        if (json) {
            ui.printJson(results);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        ui.detail("%d tokens in %.2f s, %.0f tokens/s".formatted(tokens, seconds, tokens / seconds));
    }

    /** By beam search, one adapter after the other. */
    void search(List<Prompt> prompts, int maxNewTokens, Beam beam) {
        Map<String, List<Integer>> byAdapter = new LinkedHashMap<>();
        for (int i = 0; i < prompts.size(); i++) {
            byAdapter.computeIfAbsent(prompts.get(i).adapter, name -> new ArrayList<>()).add(i);
        }
        Hypothesis[] found = new Hypothesis[prompts.size()];
        Generator generator = new Generator((LanguageModel) set.model());
        try (Progress progress = prompts.size() > 1 ? ui.progress("generate") : Progress.SILENT) {
            progress.start(prompts.size());
            int[] done = new int[1];
            byAdapter.forEach((name, numbers) -> {
                set.switchTo(name);
                Set<Integer> stop = isPair(name) ? TextDecoding.stopIds(tokenizer) : Set.of(tokenizer.endOfText());
                List<int[]> ids = numbers.stream().map(number -> encode(prompts.get(number))).toList();
                List<Hypothesis> best = generator.beam(
                        ids, maxNewTokens, stop, beam, (input, hypothesis) -> progress.update(++done[0], ""));
                for (int i = 0; i < best.size(); i++) {
                    found[numbers.get(i)] = best.get(i);
                }
            });
        }
        List<Map<String, Object>> results = new ArrayList<>();
        for (int i = 0; i < found.length; i++) {
            int[] tokens = found[i].tokens();
            Prompt prompt = prompts.get(i);
            Map<String, Object> result = print(
                    prompt, isPair(prompt.adapter) ? TextDecoding.text(tokenizer, tokens) : tokenizer.decode(tokens), tokens);
            result.put("score", found[i].score());
            results.add(result);
        }
        if (json) {
            ui.printJson(results);
        }
    }

    private Map<String, Object> print(Prompt prompt, String text, int[] tokens) {
        if (!json) {
            ui.print(ui.dim(prompt.adapter + ": " + (isPair(prompt.adapter) ? "" : prompt.text)) + text);
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("adapter", prompt.adapter);
        result.put("prompt", prompt.text);
        result.put("text", text);
        result.put("tokens", tokens);
        return result;
    }
}
