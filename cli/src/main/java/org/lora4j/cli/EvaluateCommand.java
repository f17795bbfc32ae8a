package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.lora.LoraAdapter;
import org.lora4j.nn.Workspace;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j evaluate}. */
@Command(
        name = "evaluate",
        description = {
            "Measures loss and perplexity on pairs of context and completion.",
            "",
            "The loss is the mean of -log p over the completions' tokens, end-of-text included, in nats a token; "
                    + "perplexity is e to its power.",
        },
        footer = "  lora4j evaluate --model base-6m --adapter my-adapter --data e2e --split dev")
final class EvaluateCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Mixin
    private DataChoice data;

    @Option(names = "--split", defaultValue = "dev", paramLabel = "NAME",
            description = "train, dev or test (default: ${DEFAULT-VALUE}).")
    private String split;

    @Option(names = "--examples", defaultValue = "0", paramLabel = "N",
            description = "Measure on N pairs drawn from the data, 0 for all (default: ${DEFAULT-VALUE}).")
    private int examples;

    @Option(names = "--batch", defaultValue = "32", paramLabel = "N",
            description = "Examples at a time (default: ${DEFAULT-VALUE}).")
    private int batchSize;

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
        List<TextPair> pairs = data.open(option(() -> Split.of(split)));
        if (examples > 0) {
            pairs = FineTuning.sample(pairs, examples, 0);
        }
        try (Backend b = backend.open()) {
            Gpt2 gpt2 = model.load(b);
            LoraAdapter attached = ModelChoice.attach(gpt2, adapter);
            if (attached != null) {
                attached.freeze();
            }
            ExampleEncoder encoder = new ExampleEncoder(model.tokenizer(), gpt2.config().nPositions(), data.tooLong());
            ExampleEncoder.Result encoded = encoder.encode(pairs);
            if (encoded.examples().isEmpty()) {
                throw new LoraException("none of the " + pairs.size() + " examples fits the model's "
                        + gpt2.config().nPositions() + " positions. Shorten them, or give --too-long truncate_context");
            }
            print(evaluate(gpt2, Batch.byLength(encoded.examples(), batchSize), b), encoded);
        }
        return ExitCode.OK;
    }

    private Evaluation evaluate(Gpt2 gpt2, List<Batch> batches, Backend b) {
        int most = batches.stream().mapToInt(batch -> batch.inputIds().length).max().orElse(1);
        try (Progress progress = ui().progress("evaluate")) {
            progress.start(batches.stream().mapToInt(Batch::size).sum());
            Evaluation evaluation = Evaluation.of(gpt2, batches, Workspace.forInference(b, most), done ->
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
