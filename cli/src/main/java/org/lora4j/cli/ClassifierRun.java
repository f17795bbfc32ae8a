package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Split;
import org.lora4j.experiments.data.ClassifierData;
import org.lora4j.experiments.data.GlueTask;
import org.lora4j.experiments.report.Judgement;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.GlueRecipe;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.task.ClassifierMeasure;
import org.lora4j.task.Predictions;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.ClassifierTraining;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;

/** {@code lora4j train --task} of texts with labels. */
final class ClassifierRun {

    private final TrainCommand command;
    private final Ui ui;
    private final ClassifierData data;
    private final Optional<GlueRecipe> recipe;

    /** Reads nothing but the folder's names; a task or recipe that is not there is wrong use. */
    ClassifierRun(TrainCommand command, Ui ui, Optional<GlueRecipe> recipe) {
        this.command = command;
        this.ui = ui;
        this.recipe = recipe;
        data = command.task.data(command.data.name(), ui::warn);
    }

    void train(RunFolder folder) {
        List<LabelledText> all = data.open(Split.TRAIN);
        Labels labels = data.labels(all); // of all: a sample may lack one
        List<LabelledText> train = some(all, command.examples);
        List<LabelledText> dev = some(dev(), command.devExamples);
        try (Backend backend = command.backend.open()) {
            SequenceClassifier model = command.classifier.load(command.model, labels, command.plans.seed(), backend, ui::info);
            Tokenizer tokenizer = command.model.tokenizer();
            Tuning tuning = command.classifier.attach(model, command.methods, command.plans.seed(), recipe.isPresent(), ui);
            command.checkPlace(folder, tuning);
            ClassifierMeasure measure = data.measure(model.answers());
            ClassifierTraining job = ClassifierTraining.of(model, tokenizer).tuning(tuning).train(train).dev(dev)
                    .batchSize(command.plans.batchSize()).maxLength(command.task.maxLength(Integer.MAX_VALUE))
                    .seed(command.plans.seed()).measure(measure).source(command.model.folder()).build();
            job.remarks().forEach(ui::warn);
            if (recipe.isPresent()) {
                command.plans.evaluateEveryEpoch();
            }
            TrainingPlan plan = command.methods.plan(command.plans.plan(job));
            command.plans.remarkOn(plan, job, command.devExamples, ui);
            if (command.overwrite && !job.isUnfinishedIn(command.out, plan)) {
                folder.clear();
            }
            TrainingRun run = new TrainingRun(ui);
            if (!command.json) {
                String texts = "%,d texts to learn from, %,d to measure on; %s".formatted(
                        train.size(), dev.size(), answers(model.answers()));
                run.announce(model, tuning, command.classifier.text(tuning, command.methods), texts, backend);
            }
            Trainer.Outcome outcome = run.train(job, plan, command.out, command.model.name());
            tell(new Result(model, job, plan, outcome, measure, dev), run, backend);
        }
    }

    /** What a run came to. */
    private record Result(
            SequenceClassifier model, ClassifierTraining job, TrainingPlan plan, Trainer.Outcome outcome, ClassifierMeasure measure,
            List<LabelledText> dev) {
    }

    private void tell(Result result, TrainingRun run, Backend backend) {
        Predictions predictions = result.dev.isEmpty() ? null : result.job.predictDev();
        Map<String, Double> measured = predictions == null ? Map.of() : result.measure.of(predictions);
        Saved saved = result.job.tuning().saved();
        Tuning tuning = result.job.tuning();
        RunReporter reporter = new RunReporter(command.out, saved, tuning.title() + " on " + title(),
                new RunReport.Base(command.model.name(), result.model.parameterCount()),
                command.classifier.reported(tuning, command.methods))
                .subtitle("%,d steps on %,d texts".formatted(result.plan.steps(), result.job.examplesLearned()))
                .beside(recipeRows(result.plan.steps())).unit("texts").command(command.commandLine());
        if (predictions != null) {
            reporter.judgement(Judgement.of(predictions, result.dev));
        }
        Path report = reporter.write(result.plan, command.plans.batchSize(), result.job.examplesLearned(), result.outcome, backend);
        if (command.json) {
            ui.printJson(json(result, measured, report));
            return;
        }
        run.summarise(result.outcome, result.measure.kinds().getFirst().title());
        for (ClassifierMeasure.Kind kind : result.measure.kinds().subList(1, result.measure.kinds().size())) {
            if (predictions != null) {
                ui.print(ui.bold("%-10s".formatted(capital(kind.title()))) + ClassifierScores.text(measured.get(kind.text())));
            }
        }
        ui.print(ui.bold(saved == Saved.ADAPTER ? "Adapter   " : "Model     ") + command.out);
        ui.print(ui.bold("Report    ") + report);
    }

    static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    static String answers(Labels labels) {
        return labels.regression() ? "their labels are numbers, so this is a regression"
                : labels.count() + " labels: " + Names.some(labels.names(), 8);
    }

    private List<LabelledText> dev() {
        Path dev = command.classifier.dev();
        if (dev != null) {
            return command.task.data(dev.toString(), ui::warn).open(Split.DEV);
        }
        return data.has(Split.DEV) ? data.open(Split.DEV) : List.of();
    }

    private List<LabelledText> some(List<LabelledText> texts, int count) {
        return count > 0 ? FineTuning.sample(texts, count, command.plans.seed()) : texts;
    }

    private String title() {
        return data.task().map(GlueTask::title).orElse(command.data.name());
    }

    // ------------------------------------------------------------------------------------------------ the page and JSON

    /** The paper's options beside the scripts', where a recipe was asked for. */
    private List<RunReporter.Published> recipeRows(long steps) {
        return recipe.map(asked -> {
            String base = asked.name().replaceFirst("-scripts$", "");
            GlueRecipe paper = GlueRecipe.of(base, asked.task());
            Map<String, String> scripts = GlueRecipe.names().contains(base + "-scripts")
                    ? GlueRecipe.of(base + "-scripts", asked.task()).options() : Map.of();
            List<RunReporter.Published> rows = new ArrayList<>();
            rows.add(new RunReporter.Published("Adapter", adapter(paper.options()), adapter(scripts)));
            rows.add(new RunReporter.Published("Learning rate", rate(paper.options(), steps), rate(scripts, steps)));
            rows.add(new RunReporter.Published("Batch", batch(paper.options()), batch(scripts)));
            rows.add(new RunReporter.Published("Length of training", epochs(paper.options()), epochs(scripts)));
            rows.add(new RunReporter.Published("Optimiser", "", optimiser(scripts)));
            return List.copyOf(rows);
        }).orElse(List.of());
    }

    private static String adapter(Map<String, String> options) {
        if (options.containsKey("--method")) {
            return options.get("--method");
        }
        return options.isEmpty() ? "" : "r " + options.get("--rank") + ", alpha " + options.get("--alpha") + ", on q and v";
    }

    private static String rate(Map<String, String> options, long steps) {
        if (options.isEmpty()) {
            return "";
        }
        String warmup = options.getOrDefault("--warmup",
                Long.toString((long) Math.ceil(Double.parseDouble(options.getOrDefault("--warmup-ratio", "0")) * steps)));
        return options.get("--lr") + ", linear, " + warmup + " warm-up steps";
    }

    private static String batch(Map<String, String> options) {
        return options.isEmpty() ? "" : options.get("--batch")
                + (options.containsKey("--accumulate") ? " × " + options.get("--accumulate") : "");
    }

    private static String epochs(Map<String, String> options) {
        return options.isEmpty() ? "" : options.get("--epochs") + " epochs";
    }

    private static String optimiser(Map<String, String> options) {
        return options.isEmpty() ? "" : "AdamW, decay %s, epsilon %s, decay before the update".formatted(
                options.get("--weight-decay"), options.get("--adam-epsilon"));
    }

    private Map<String, Object> json(Result found, Map<String, Double> measured, Path report) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put(found.job.tuning().saved() == Saved.ADAPTER ? "adapter" : "model", command.out.toString());
        result.put("method", found.job.tuning().name());
        result.put("task", command.task.title());
        result.put("report", report.toString());
        result.put("parameters", found.model.parameterCount());
        result.put("trainable_parameters", found.job.tuning().parameterCount());
        result.put("labels", found.model.labelNames());
        result.put("examples", found.job.examplesLearned());
        result.put("truncated", found.job.examples().cut());
        result.put("dev_examples", found.job.examplesMeasured());
        result.put("dev_truncated", found.job.devExamples().cut());
        result.put("steps", found.plan.steps());
        result.put("best_step", found.outcome.bestStep());
        if (found.outcome.before() != null) {
            result.put("dev_" + found.measure.name() + "_before", finite(found.outcome.before().value()));
        }
        measured.forEach((name, value) -> result.put("dev_" + name, finite(value)));
        result.put("seconds", found.outcome.seconds());
        result.put("tokens_per_second", found.outcome.tokensPerSecond());
        return result;
    }

    /** Null for what JSON has no word for. */
    static Double finite(double value) {
        return Double.isFinite(value) ? Double.valueOf(value) : null;
    }
}
