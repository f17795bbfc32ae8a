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
                    + "standard input: one a line, or JSON lines, CSV or TSV with columns that have names, as training reads them.",
        },
        footer = {
            "  lora4j predict --model roberta-base --adapter my-sst2 --text \"A film to remember.\"",
            "  lora4j predict --model roberta-base --adapter my-sst2 --data reviews.csv > labels.jsonl",
            "  cut -f 2 notes.tsv | lora4j predict --model my-classifier --data -",
        })
final class PredictCommand extends LoraCommand {

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

    @Option(names = "--batch", defaultValue = "32", paramLabel = "N", description = "Texts at a time (default: ${DEFAULT-VALUE}).")
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
        List<LabelledText> judged = data == null ? typed() : TextsFile.read(data, columns.columns());
        try (Backend b = backend.open()) {
            TextClassifier classifier = model.classifier(adapter, maxLength == null ? 0 : maxLength, b, ui());
            TextEncoder.Result encoded = classifier.encoder().encode(judged);
            encoded.remarks("input").forEach(ui()::warn);
            Predictions predictions = ClassifierScores.judge(classifier, encoded, batchSize, "predict", ui());
            for (int i = 0; i < predictions.size(); i++) {
                ui().printJsonLine(line(classifier.labels(), predictions, i));
            }
        }
        return ExitCode.OK;
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
