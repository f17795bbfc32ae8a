package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Split;
import org.lora4j.data.TextEncoder;
import org.lora4j.experiments.data.ClassifierData;
import org.lora4j.experiments.report.Judgement;
import org.lora4j.family.Labels;
import org.lora4j.task.ClassifierMeasure;
import org.lora4j.task.Predictions;
import org.lora4j.task.TaskLabels;
import org.lora4j.task.TextClassifier;
import org.lora4j.train.FineTuning;

/** {@code lora4j evaluate --task} of texts with labels: the task's measures, and how well each class is known. */
final class ClassifierScores {

    /** More classes than these are a page, not a table. */
    private static final int MOST_CLASSES = 40;

    private final Ui ui;
    private final boolean json;
    private final Map<String, Object> result = new LinkedHashMap<>();

    ClassifierScores(Ui ui, boolean json) {
        this.ui = ui;
        this.json = json;
    }

    /**
     * What is asked for.
     *
     * @param examples  at most so many, 0 for all
     * @param batchSize texts at a time
     */
    record Asked(Split part, int examples, int batchSize) {
    }

    /** Measures and prints. */
    void measure(ModelChoice model, Path adapter, TaskChoice task, DataChoice data, BackendChoice on, Asked asked) {
        ClassifierData opened = task.data(data.name(), ui::warn);
        List<LabelledText> texts = opened.open(asked.part);
        List<LabelledText> mismatched = asked.part == Split.DEV ? opened.mismatched().orElse(List.of()) : List.of();
        try (Backend backend = on.open()) {
            TextClassifier classifier = model.classifier(adapter, task.maxLength(0), backend, ui);
            Labels labels = classifier.labels();
            requireSame(opened, labels);
            ClassifierMeasure measure = opened.measure(labels);
            List<Predictions> judged = new ArrayList<>();
            List<LabelledText> all = new ArrayList<>();
            for (List<LabelledText> part : mismatched.isEmpty() ? List.of(texts) : List.of(texts, mismatched)) {
                List<LabelledText> some = asked.examples > 0 ? FineTuning.sample(part, asked.examples, 0) : part;
                TextEncoder.Result encoded = classifier.encoder().encode(some, numbers(opened, labels));
                encoded.remarks(asked.part.toString()).forEach(ui::warn);
                judged.add(judge(classifier, encoded, asked.batchSize, "evaluate", ui));
                all.addAll(some);
            }
            if (judged.size() == 1) {
                tell("", measure, judged.getFirst());
            } else {
                tell("matched ", measure, judged.getFirst());
                tell("mismatched ", measure, judged.getLast());
            }
            Predictions together = together(labels, judged);
            if (judged.size() > 1) {
                tell("overall ", measure, together);
            }
            tell(Judgement.of(together, all), together);
        }
        if (json) {
            ui.printJson(result);
        }
    }

    /** With a progress bar. */
    static Predictions judge(TextClassifier classifier, TextEncoder.Result texts, int batchSize, String task, Ui ui) {
        try (Progress progress = ui.progress(task)) {
            progress.start(texts.examples().size());
            return classifier.judge(texts, batchSize, done -> progress.update(done, ""));
        }
    }

    private static Predictions together(Labels labels, List<Predictions> parts) {
        return parts.size() == 1 ? parts.getFirst() : Predictions.joined(labels, parts);
    }

    /** The data's task and the model's are one. */
    private static void requireSame(ClassifierData data, Labels model) {
        data.task().ifPresent(task -> {
            if (model.regression() != task.labels().regression() || model.count() != task.labels().count()) {
                throw new LoraException(Names.oneLine("--task " + task.text() + ": " + task.title() + " has " + task.labels().text()
                        + ", the model was made for " + model.text() + ". Was it trained on another task?"));
            }
        });
    }

    /** Labels as numbers of the model's classes, whose order is its own. */
    private static TextEncoder.LabelNumber numbers(ClassifierData data, Labels model) {
        boolean unnamed = model.isNumbered() && data.task().isPresent();
        TaskLabels labels = new TaskLabels(unnamed ? data.task().get().labels() : model);
        return (text, index) -> labels.of(text, index, "the model");
    }

    private void tell(String part, ClassifierMeasure measure, Predictions predictions) {
        Map<String, Double> values = measure.of(predictions);
        for (ClassifierMeasure.Kind kind : measure.kinds()) {
            double value = values.get(kind.text());
            result.put(part.replace(' ', '_') + kind.text(), ClassifierRun.finite(value));
            if (!json) {
                ui.print(ui.bold("%-11s".formatted(ClassifierRun.capital(part + kind.title()))) + text(value)
                        + (Double.isNaN(value) ? ", since all numbers of one side are equal" : ""));
            }
        }
    }

    private void tell(Judgement judgement, Predictions predictions) {
        result.put("loss", predictions.loss());
        result.put("examples", predictions.size());
        if (!judgement.labels().isEmpty()) {
            result.put("labels", judgement.labels());
            result.put("confusion", judgement.confusion());
            result.put("classes", judgement.classes().stream().map(ClassifierScores::json).toList());
        }
        if (json) {
            return;
        }
        ui.print(ui.bold("Loss       ") + "%.4f, over %,d texts".formatted(predictions.loss(), predictions.size()));
        if (!judgement.labels().isEmpty()) {
            table(judgement);
        }
    }

    private static Map<String, Object> json(Judgement.ClassScore score) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("label", score.label());
        line.put("precision", ClassifierRun.finite(score.precision()));
        line.put("recall", ClassifierRun.finite(score.recall()));
        line.put("f1", ClassifierRun.finite(score.f1()));
        line.put("examples", score.count());
        return line;
    }

    private void table(Judgement judgement) {
        int width = judgement.labels().stream().map(Names::shortened).mapToInt(String::length).max().orElse(0);
        ui.print("");
        ui.print(ui.dim(("%-" + Math.max(5, width) + "s  precision  recall      F1   texts").formatted("class")));
        for (Judgement.ClassScore score : judgement.classes().subList(0, Math.min(MOST_CLASSES, judgement.classes().size()))) {
            ui.print(("%-" + Math.max(5, width) + "s  %9s  %6s  %6s  %6d").formatted(Names.shortened(score.label()),
                    text(score.precision()), text(score.recall()), text(score.f1()), score.count()));
        }
        if (judgement.classes().size() > MOST_CLASSES) {
            ui.print(ui.dim("and %d more; --json has them all".formatted(judgement.classes().size() - MOST_CLASSES)));
        }
    }

    /** Four decimals, as {@code score} prints. */
    static String text(double value) {
        return Double.isNaN(value) ? "undefined" : "%.4f".formatted(value);
    }
}
