package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lora4j.Names;
import org.lora4j.LoraException;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedText;
import org.lora4j.data.LabelledText;
import org.lora4j.experiments.explain.Explainer;
import org.lora4j.experiments.explain.Explanation.Expected;
import org.lora4j.experiments.explain.Explanation.LabelLine;
import org.lora4j.experiments.explain.Explanation.StageLine;
import org.lora4j.experiments.explain.Explanation.TokenLine;
import org.lora4j.experiments.explain.Explanation;
import org.lora4j.experiments.explain.ExplanationJson;
import org.lora4j.experiments.report.ExplanationPage;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.task.TextClassifier;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.LoraAdapter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j explain}. */
@Command(
        name = "explain",
        description = {
            "Shows what an adapter changed about one answer: word by word, layer by layer.",
            "",
            "For each token of the prompt: what base and adapted model expect behind it, and how likely both find the one that "
                    + "really follows. Then the updates are switched on from the lowest layer up, one pass each, and each layer's line "
                    + "says by how much its update moves the logits. For classifiers the same of labels. Writes a page, and beside "
                    + "it all numbers as .json.",
        },
        footer = {
            "  lora4j explain --model base-6m --adapter my-adapter --prompt \"name : Blue Spice | Type : pub\" \\",
            "      --completion \"Blue Spice is a pub.\"",
            "  lora4j explain --model roberta-base --adapter my-sst2 --prompt \"A film to remember.\" --json",
        })
final class ExplainCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", required = true, paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Option(names = "--prompt", required = true, paramLabel = "TEXT",
            description = "The text; as generate takes it where the adapter was trained on pairs.")
    private String prompt;

    @Option(names = "--completion", paramLabel = "TEXT", description = "What follows the prompt, to be judged too.")
    private String completion;

    @Option(names = "--second", paramLabel = "TEXT", description = "The second text of a pair, for a classifier.")
    private String second;

    @Option(names = "--top", defaultValue = "3", paramLabel = "N", description = "Words to name at each position (default: ${DEFAULT-VALUE}).")
    private int top;

    @Option(names = "--out", defaultValue = "explanation.html", paramLabel = "FILE",
            description = "The page to write; the numbers go beside it as .json (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--json", description = "Print JSON instead of the tables, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (top < 1) {
            throw wrongUse("--top " + top + ": expected at least 1");
        }
        if (!out.getFileName().toString().endsWith(".html")) {
            throw wrongUse("--out " + out + ": expected a name that ends in .html; the numbers go beside it as .json");
        }
        Destination read = Destination.reading("--model", model.folder()).and("--adapter", adapter);
        for (Path written : ExplanationPage.files(out)) {
            read.requireFileApart(written);
            Destination.requireFile(written, true);
        }
        boolean classifies = Families.isClassifier(model.folder(), adapter);
        if (classifies && completion != null) {
            throw wrongUse("--completion: " + model.name() + " with this adapter gives labels, and nothing follows a text");
        }
        if (!classifies && second != null) {
            throw wrongUse("--second: " + model.name() + " writes texts; a second text is for classifiers");
        }
        MethodFolder.method(adapter).ifPresent(method -> {
            throw new LoraException("--adapter " + adapter + ": is of method " + method.name() + ", and explain puts on the low-rank updates of "
                    + "one layer after the other. Give an adapter of LoRA's");
        });
        Explanation explanation;
        try (Backend b = backend.open(); Progress progress = ui().progress("explain")) {
            Explainer explainer = new Explainer(top, (done, all) -> {
                if (done == 1) {
                    progress.start(all);
                }
                progress.update(done, "");
            });
            explanation = classifies ? labels(explainer, b) : tokens(explainer, b);
        }
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("model", model.name());
        facts.put("adapter", adapter.toString());
        facts.put("prompt", prompt);
        if (completion != null || second != null) {
            facts.put(completion != null ? "completion" : "second", completion != null ? completion : second);
        }
        ExplanationPage.write(explanation, facts, commandText(), out);
        if (json) {
            ui().printJson(ExplanationJson.of(explanation, facts));
        } else {
            print(explanation);
            ui().print("");
            ui().print("page      " + out + ", numbers beside it as .json");
        }
        return ExitCode.OK;
    }

    private Explanation tokens(Explainer explainer, Backend b) {
        LanguageModel loaded = model.load(b);
        Tokenizer tokenizer = model.tokenizer();
        PromptFormat format = PromptFormat.of(PeftFormat.metadata(adapter));
        boolean pair = format == PromptFormat.PAIR;
        if (format == PromptFormat.CHAT) {
            ui().info("the adapter was trained on chats; the prompt is read as it is, so write it as the template does");
        }
        int[] ids = new PromptTokens(tokenizer, loaded.vocabularySize()).of(prompt, pair);
        if (completion != null) {
            int[] following = pair ? tokenizer.encodeOrdinary(" " + completion) : tokenizer.encodeContinuation(completion);
            ids = IntStream.concat(IntStream.of(ids), IntStream.of(new PromptTokens(tokenizer, loaded.vocabularySize()).known(following)))
                    .toArray();
        }
        return explainer.explain(loaded, () -> {
            LoraAdapter attached = PeftFormat.load(loaded, adapter, ui()::info);
            attached.freeze();
            return !attached.biases().isEmpty() || !attached.wholeNames().isEmpty();
        }, ids, tokenizer);
    }

    private Explanation labels(Explainer explainer, Backend b) {
        TextClassifier classifier = model.classifier(adapter, 0, b, ui());
        var encoded = classifier.encoder().encode(List.of(new LabelledText(prompt, second, null)));
        encoded.remarks("input").forEach(ui()::warn);
        EncodedText text = encoded.examples().getFirst();
        return explainer.explain(classifier.model(), new Batch(1, text.length(), text.ids(), null, text.typeIds(), null));
    }

    // ------------------------------------------------------------------------------------------------ for people

    private void print(Explanation explanation) {
        if (!explanation.labels().isEmpty()) {
            printLabels(explanation);
        } else {
            printTokens(explanation);
        }
        ui().print("");
        int width = Math.max(6, explanation.stages().stream().mapToInt(stage -> stage.name().length()).max().orElse(6));
        double largest = explanation.stages().stream().mapToDouble(StageLine::moved).max().orElse(1);
        ui().print(ui().dim(("%-" + width + "s %10s %10s %10s").formatted("update", "moved", "change", "KL")));
        for (StageLine stage : explanation.stages()) {
            ui().print(String.format(Locale.ROOT, "%-" + width + "s %10.4f %10s %10s  %s", stage.name(), stage.moved(), number(stage.change()),
                    number(stage.divergence()), "#".repeat((int) Math.round(30 * stage.moved() / Math.max(largest, Double.MIN_NORMAL)))));
        }
        if (explanation.stages().isEmpty()) {
            ui().print("the adapter has no low-rank update in this model");
        }
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.4f", value);
    }

    private void printLabels(Explanation explanation) {
        int width = Math.max(5, explanation.labels().stream().mapToInt(label -> label.name().length()).max().orElse(5));
        boolean regression = explanation.summary().regression();
        ui().print(ui().dim(("%-" + width + "s %21s").formatted("label", "score") + (regression ? "" : "    probability")));
        for (LabelLine label : explanation.labels()) {
            ui().print(String.format(Locale.ROOT, "%-" + width + "s %9.4f -> %9.4f", Names.oneLine(label.name()), label.baseScore(), label.adaptedScore())
                    + (regression ? "" : String.format(Locale.ROOT, "    %6.2f %% -> %6.2f %%", 100 * label.baseProbability(),
                            100 * label.adaptedProbability())));
        }
    }

    private void printTokens(Explanation explanation) {
        List<String[]> rows = explanation.tokens().stream().map(token -> new String[] {
            quoted(token.text()), token.next() == null ? "" : quoted(token.next().text()), words(token.base()), words(token.adapted()),
            token.next() == null ? "" : token.base().rank() + " -> " + token.adapted().rank(), logs(token)}).toList();
        String[] head = {"token", "follows", "base expects", "adapted expects", "rank", "log p"};
        int[] widths = IntStream.range(0, head.length).map(column -> Math.max(head[column].length(),
                rows.stream().mapToInt(row -> row[column].length()).max().orElse(0))).toArray();
        ui().print(ui().dim(line(head, widths)));
        rows.forEach(row -> ui().print(line(row, widths)));
    }

    private static String line(String[] cells, int[] widths) {
        return IntStream.range(0, cells.length).mapToObj(column -> String.format("%-" + widths[column] + "s", cells[column]))
                .collect(Collectors.joining("  ")).stripTrailing();
    }

    private static String words(Expected expected) {
        return expected.top().stream().map(likely -> quoted(likely.text()) + String.format(Locale.ROOT, " %.2f", likely.probability()))
                .collect(Collectors.joining(" "));
    }

    private static String logs(TokenLine token) {
        return token.next() == null ? "" : String.format(Locale.ROOT, "%.2f -> %.2f", token.base().logProbability(), token.adapted().logProbability());
    }

    private static String quoted(String text) {
        return "'" + Names.oneLine(text) + "'";
    }
}
