package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.data.E2e;
import org.lora4j.experiments.evaluate.DecodedLines;
import org.lora4j.experiments.evaluate.ScorerFiles;
import org.lora4j.experiments.evaluate.TestInputs;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.nn.Workspace;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j evaluate}. */
@Command(
        name = "evaluate",
        description = {
            "Measures the loss, scores decoded texts, or judges texts with labels.",
            "",
            "--task loss, which needs no word: the loss is the mean of -log p over the completions' tokens, end-of-text included, in nats a token; "
                    + "perplexity is e to its power.",
            "",
            "--task e2e writes a text for each distinct input of E2E's test set, as the paper's scripts do, and prints BLEU, NIST, "
                    + "METEOR, ROUGE-L and CIDEr. METEOR is without paraphrases, so not that of the paper. With --out the "
                    + "folder gets hypotheses.txt and references.txt, which the challenge's own scorer reads, and a decoding "
                    + "that was killed goes on when the same command is given again.",
            "",
            "--task classification, regression or one of GLUE's prints the task's measures and, of classes, how well each is known: "
                    + "accuracy; also F1 for MRPC and QQP; Matthews for CoLA; Pearson and Spearman for STS-B; MNLI matched, mismatched "
                    + "and overall.",
        },
        footer = {
            "  lora4j evaluate --model base-6m --adapter my-adapter --data e2e --split dev",
            "  lora4j evaluate --model base-6m --adapter my-adapter --task e2e --out decoded",
            "  lora4j evaluate --model roberta-base --adapter my-sst2 --task sst2 --data glue",
        })
final class EvaluateCommand extends LoraCommand {

    private static final String LOSS = "loss";
    private static final String E2E = "e2e";

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Mixin
    private TaskChoice task;

    @Mixin
    private DataChoice data;

    @Mixin
    private ExampleChoice layout;

    @Option(names = "--split", paramLabel = "NAME",
            description = "train, dev or test (default: dev; test for --task e2e).")
    private String split;

    @Option(names = "--examples", defaultValue = "0", paramLabel = "N",
            description = "Measure on N examples drawn from the data, 0 for all (default: ${DEFAULT-VALUE}).")
    private int examples;

    @Option(names = "--batch", defaultValue = "32", paramLabel = "N",
            description = "Examples at a time (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Mixin
    private BeamChoice beam;

    @Option(names = "--out", paramLabel = "DIR", description = "e2e: a folder for the texts; without it they are not kept.")
    private Path out;

    @Option(names = "--overwrite", description = "e2e: decode anew where the folder holds other texts; one of this command goes on.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (batchSize < 1) {
            throw wrongUse("--batch " + batchSize + ": expected at least 1");
        }
        if (examples < 0) {
            throw wrongUse("--examples " + examples + ": expected 0 (all) or more");
        }
        beam.beam(); // refuses nonsense before anything is read or written
        Optional<String> other = task.other(LOSS, LOSS, E2E);
        boolean texts = other.filter(E2E::equals).isPresent();
        Split part = option(() -> Split.of(split != null ? split : texts ? "test" : "dev"));
        if (other.isEmpty()) {
            data.requireGiven();
            TaskChoice.refuse(spec(), "--task " + task.title(), List.of("--too-long", "--out", "--overwrite"), "other tasks");
            new ClassifierScores(ui(), json).measure(model, adapter, task, data, backend,
                    new ClassifierScores.Asked(part, examples, batchSize));
            return ExitCode.OK;
        }
        TaskChoice.refuse(spec(), "--task " + other.get(), TaskChoice.ofTexts(), "texts with labels");
        if (!texts || out == null) {
            return texts ? decode(part) : measureLoss(part);
        }
        Destination.reading("--model", model.folder()).and("--data", data.isGiven() ? data.path() : null)
                .requireFolderApart(out);
        try (RunFolder locked = RunFolder.open(out)) {
            return decode(part);
        }
    }

    // ------------------------------------------------------------------------------------------------ texts

    private int decode(Split part) {
        Beam search = beam.beam();
        if (out != null && data.isGiven()) {
            Destination read = Destination.reading("--data", Path.of(data.name()));
            List.of(DecodedLines.FILE_NAME, ScorerFiles.HYPOTHESES, ScorerFiles.REFERENCES)
                    .forEach(file -> read.requireFileApart(out.resolve(file)));
        }
        Map<String, List<String>> references = TestInputs.of(
                data.isGiven() ? data.open(part) : E2e.embedded(part), beam.limit());
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            ModelChoice.attach(loaded, adapter, ui());
            TextDecoding decoding = new TextDecoding(loaded, model.tokenizer(), search, beam.maxNewTokens());
            if (overwrite && out != null) {
                decoding.forgetOthers(out, List.copyOf(references.keySet()));
            }
            TaskScores.Result result = new TaskScores(ui()).of("decode", decoding, references, out);
            if (json) {
                Map<String, Object> printed = new LinkedHashMap<>(TaskScores.json(result.scores()));
                printed.put("inputs", references.size());
                printed.put("seconds", result.seconds());
                ui().printJson(printed);
            } else {
                new TaskScores(ui()).print(result.scores());
                ui().print(ui().dim("%,d inputs of %s, %s".formatted(
                        references.size(), part, BeamChoice.text(search, beam.maxNewTokens()))));
                if (out != null) {
                    ui().print(ui().bold("Texts     ") + out.resolve(ScorerFiles.HYPOTHESES));
                }
            }
        }
        return ExitCode.OK;
    }

    // ------------------------------------------------------------------------------------------------ loss

    private int measureLoss(Split part) {
        List<? extends Example> pairs = data.open(part, layout.reader());
        if (examples > 0) {
            pairs = FineTuning.sample(pairs, examples, 0);
        }
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            ModelChoice.attach(loaded, adapter, ui());
            Tokenizer tokenizer = model.tokenizer();
            ExampleEncoder encoder = new ExampleEncoder(tokenizer, loaded.maxLength(), data.tooLong())
                    .withLossOn(layout.lossOn()).withTemplate(ExampleEncoder.needsTemplate(pairs) ? layout.templateOf(model, adapter, tokenizer) : null);
            ExampleEncoder.Result encoded = encoder.encode(pairs, part.toString());
            if (encoded.examples().isEmpty()) {
                throw new LoraException("none of the " + pairs.size() + " examples fits the model's "
                        + loaded.maxLength() + " positions. Shorten them, or give --too-long truncate_context");
            }
            encoded.examples().forEach(example -> tokenizer.requireRows(loaded.sizes().vocabulary(), example.tokens()));
            encoded.remarks(part.toString()).forEach(ui()::warn);
            print(evaluate(loaded, Batch.byLength(encoded.examples(), batchSize), b), encoded);
        }
        return ExitCode.OK;
    }

    private Evaluation evaluate(LanguageModel loaded, List<Batch> batches, Backend b) {
        int most = batches.stream().mapToInt(batch -> batch.inputIds().length).max().orElse(1);
        try (Progress progress = ui().progress("evaluate")) {
            progress.start(batches.stream().mapToInt(Batch::size).sum());
            Evaluation evaluation = Evaluation.of(loaded, batches, Workspace.forInference(b, most), done ->
                    progress.update(batches.stream().limit(done).mapToInt(Batch::size).sum(), ""));
            if (!Double.isFinite(evaluation.loss())) {
                throw new LoraException("the loss is " + evaluation.loss() + ": the model's weights, or the adapter's, hold "
                        + "values that are not finite. Take another copy of them");
            }
            return evaluation;
        }
    }

    private void print(Evaluation evaluation, ExampleEncoder.Result encoded) {
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("loss", evaluation.loss());
            result.put("perplexity", evaluation.perplexity());
            result.put("targets", evaluation.targets());
            result.put("examples", encoded.examples().size());
            result.put("dropped", encoded.dropped());
            result.put("truncated", encoded.truncated());
            ui().printJson(result);
            return;
        }
        ui().print("loss %.4f nats a token, perplexity %.2f, over %,d targets of %,d examples".formatted(
                evaluation.loss(), evaluation.perplexity(), evaluation.targets(), encoded.examples().size()));
        if (encoded.dropped() + encoded.truncated() > 0) {
            ui().print("%d examples dropped and %d truncated because they were too long".formatted(
                    encoded.dropped(), encoded.truncated()));
        }
    }
}
