package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.data.LabelledText;
import org.lora4j.data.TextEncoder;
import org.lora4j.data.TextsFile;
import org.lora4j.family.Labels;
import org.lora4j.task.Predictions;
import org.lora4j.task.TextClassifier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j predict}. */
@Command(
        name = "predict",
        description = {
            "Says which class texts are of, or which number belongs to them.",
            "",
            "Prints a JSON object a line, in the order of the texts: {\"label\": \"positive\", \"probabilities\": {\"negative\": 0.02, "
                    + "\"positive\": 0.98}}, or {\"value\": 3.4} of a regression. Texts come from --text, or from --data, a file or "
                    + "standard input: one a line, or JSON lines, CSV or TSV with columns that have names, as training reads them. They are read and "
                    + "answered 64 batches at a time, however many there are.",
        },
        footer = {
            "  lora4j predict --model roberta-base --adapter my-sst2 --text \"A film to remember.\"",
            "  lora4j predict --model roberta-base --adapter my-sst2 --data reviews.csv > labels.jsonl",
            "  cut -f 2 notes.tsv | lora4j predict --model my-classifier --data -",
        })
final class PredictCommand extends LoraCommand {

    /** So many batches are read before texts of about one length are computed together; or so many characters. */
    private static final int BATCHES = 64;
    private static final long CHARACTERS = 1 << 23;
    private static final long INTERVAL_NANOS = 10_000_000_000L;

    @Mixin
    private ModelChoice model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it, with its head.")
    private Path adapter;

    @Option(names = "--text", paramLabel = "TEXT", description = "A text to judge; give it again for more.")
    private List<String> texts = List.of();

    @Option(names = "--second", paramLabel = "TEXT", description = "The second text of each pair, as often as --text.")
    private List<String> seconds = List.of();

    @Option(names = "--data", paramLabel = "FILE", description = "Texts in a file; - is standard input.")
    private String data;

    @Mixin
    private ColumnChoice columns;

    @Option(names = "--max-length", paramLabel = "N",
            description = "Tokens of a text, or of a pair together, beyond which it is cut (default: as in training).")
    private Integer maxLength;

    @Option(names = "--batch", defaultValue = "32", paramLabel = "N", description = "Texts computed at a time (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (batchSize < 1) {
            throw wrongUse("--batch " + batchSize + ": expected at least 1");
        }
        if (maxLength != null && maxLength < 3) {
            throw wrongUse("--max-length " + maxLength + ": expected at least 3, since special tokens stand around a text");
        }
        if (texts.isEmpty() == (data == null)) {
            throw wrongUse(texts.isEmpty() ? "name the texts to judge: --text, or --data FILE (- for standard input)"
                    : "--text and --data: expected one of the two");
        }
        if (!seconds.isEmpty() && seconds.size() != texts.size()) {
            throw wrongUse("--second is given " + seconds.size() + " times, and --text " + texts.size() + ": expected one for each");
        }
        if (data == null) {
            judge(typed());
        } else {
            try (TextsFile file = TextsFile.open(data, columns.columns())) {
                judge(file);
            }
        }
        return ExitCode.OK;
    }

    private void judge(List<LabelledText> texts) {
        try (Backend b = backend.open()) {
            TextClassifier classifier = classifier(b);
            TextEncoder.Result encoded = classifier.encoder().encode(texts);
            encoded.remarks("input").forEach(ui()::warn);
            print(classifier, ClassifierScores.judge(classifier, encoded, batchSize, "predict", ui()));
        }
    }

    /** Some batches at a time, so that neither the texts nor what is said of them are ever all in memory. */
    private void judge(TextsFile file) {
        int most = (int) Math.min(Integer.MAX_VALUE, (long) BATCHES * batchSize);
        List<LabelledText> texts = file.next(most, CHARACTERS);
        boolean several = texts.size() == most;
        TextEncoder.CutTexts cut = new TextEncoder.CutTexts();
        long done = 0;
        try (Backend b = backend.open()) {
            TextClassifier classifier = classifier(b);
            long begun = System.nanoTime();
            long told = begun;
            while (!texts.isEmpty()) {
                TextEncoder.Result encoded = classifier.encoder().encode(texts);
                cut.add(encoded);
                print(classifier, several ? classifier.judge(encoded, batchSize, some -> { })
                        : ClassifierScores.judge(classifier, encoded, batchSize, "predict", ui()));
                done += texts.size();
                if (several && System.nanoTime() - told > INTERVAL_NANOS) {
                    told = System.nanoTime();
                    ui().info("predict  %,d texts, %,.0f a second".formatted(done, done / ((told - begun) * 1e-9)));
                }
                texts = file.next(most, CHARACTERS);
            }
        }
        cut.remarks("input").forEach(ui()::warn);
    }

    private TextClassifier classifier(Backend backend) {
        return model.classifier(adapter, maxLength == null ? 0 : maxLength, backend, ui());
    }

    private void print(TextClassifier classifier, Predictions predictions) {
        for (int i = 0; i < predictions.size(); i++) {
            ui().printJsonLine(line(classifier.labels(), predictions, i));
        }
    }

    private List<LabelledText> typed() {
        List<LabelledText> typed = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            typed.add(new LabelledText(texts.get(i), seconds.isEmpty() ? null : seconds.get(i), null));
        }
        return typed;
    }

    private static Map<String, Object> line(Labels labels, Predictions predictions, int text) {
        Map<String, Object> line = new LinkedHashMap<>();
        if (labels.regression()) {
            line.put("value", predictions.predicted(text));
            return line;
        }
        line.put("label", labels.names().get((int) predictions.predicted(text)));
        Map<String, Double> probabilities = new LinkedHashMap<>();
        double[] p = predictions.probabilities(text);
        for (int k = 0; k < p.length; k++) {
            probabilities.put(labels.names().get(k), p[k]);
        }
        line.put("probabilities", probabilities);
        return line;
    }
}
