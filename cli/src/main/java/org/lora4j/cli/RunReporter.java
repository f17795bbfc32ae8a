package org.lora4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.experiments.report.Judgement;
import org.lora4j.experiments.report.MetricsFile;
import org.lora4j.experiments.report.ReportWriter;
import org.lora4j.experiments.report.RunReport.Fact;
import org.lora4j.experiments.report.RunReport.RecipeRow;
import org.lora4j.experiments.report.RunReport.Score;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.task.ClassifierMeasure;
import org.lora4j.task.MeanLoss;
import org.lora4j.train.Evaluation;
import org.lora4j.train.MetricsLog;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.Tuning.Saved;

/** Writes {@code report.html} of a training run into its folder. */
final class RunReporter {

    /** Its name in a run's folder. */
    static final String FILE_NAME = "report.html";

    /** A line of a published recipe; empty where a source is silent. */
    record Published(String what, String paper, String scripts) {
    }

    private final Path folder;
    private final Saved saved;
    private final RunReport.Builder report;
    private final RunReport.Method method;
    private final Map<String, Published> published = new LinkedHashMap<>();
    private String unit = "pairs";

    /**
     * @param folder of the run
     * @param saved  what is in there
     */
    RunReporter(Path folder, Saved saved, String title, RunReport.Base base, RunReport.Method method) {
        this.folder = folder;
        this.saved = saved;
        this.method = method;
        report = RunReport.of(title, base, method);
    }

    RunReporter subtitle(String text) {
        report.subtitle(text);
        return this;
    }

    /** The paper's experiment with the same data, whose recipe then stands beside the run's; null for other data. */
    RunReporter beside(Experiment experiment) {
        return experiment == null ? this : beside(experiment.recipe().stream()
                .map(line -> new Published(line.what(), line.paper(), line.scripts())).toList());
    }

    /** The published recipe by itself. */
    RunReporter beside(List<Published> rows) {
        rows.forEach(row -> published.put(row.what, row));
        return this;
    }

    /** What examples are called: pairs at first. */
    RunReporter unit(String text) {
        unit = text;
        return this;
    }

    /** What a classifier's page has beside the others. */
    RunReporter judgement(Judgement judgement) {
        report.judgement(judgement);
        return this;
    }

    RunReporter samples(List<RunReport.Sample> samples) {
        samples.forEach(report::sample);
        return this;
    }

    RunReporter command(String text) {
        report.command(text);
        return this;
    }

    /**
     * Writes the page.
     *
     * @param batch    examples in a batch
     * @param examples pairs in an epoch
     * @return the page
     */
    Path write(TrainingPlan plan, int batch, int examples, Trainer.Outcome outcome, Backend backend) {
        if (outcome.before() != null && Double.isFinite(outcome.before().value()) && Double.isFinite(outcome.after().value())) {
            scores(outcome.before(), outcome.after());
        }
        for (RecipeRow row : recipe(plan, batch, examples)) {
            report.recipe(row.what(), row.paper(), row.scripts(), row.used());
        }
        environment(backend).forEach(fact -> report.environment(fact.label(), fact.value()));
        timings(plan, outcome).forEach(fact -> report.timing(fact.label(), fact.value()));
        report.file(saved == Saved.ADAPTER ? "Adapter" : "Model", folder.toString());
        report.file("Metrics", folder.resolve(MetricsLog.FILE_NAME).toString());
        Path page = folder.resolve(FILE_NAME);
        ReportWriter.write(report.curves(MetricsFile.read(folder.resolve(MetricsLog.FILE_NAME)))
                .trainingTime(Duration.ofMillis(Math.round(outcome.seconds() * 1e3))).build(), page);
        return page;
    }

    private void scores(Evaluation before, Evaluation after) {
        if (before.measure().name().equals(MeanLoss.NAME)) {
            report.score(Score.devLoss(before.loss(), after.loss()));
            report.score(Score.perplexity(before.perplexity(), after.perplexity()));
        } else {
            String name = before.measure() instanceof ClassifierMeasure of ? of.kinds().getFirst().title() : before.measure().name();
            report.score(Score.higherIsBetter("Dev " + name, before.value(), after.value(), 3));
        }
    }

    /** What this run did, beside what the paper says and the authors' scripts do where the data is an experiment's. */
    private List<RecipeRow> recipe(TrainingPlan plan, int batch, int examples) {
        Map<String, String> used = new LinkedHashMap<>();
        if (saved == Saved.ADAPTER) {
            used.put("Adapter", method.settings());
        } else {
            used.put("Method", method.name() + ", " + method.settings());
        }
        used.put("Optimiser", "AdamW, decay %s, epsilon %s, decay %s the update".formatted(plan.adamW().weightDecay(),
                plan.adamW().epsilon(), plan.adamW().decayOrder().name().toLowerCase(Locale.ROOT)));
        used.put("Learning rate", "%s, %s, %d warm-up steps".formatted(
                plan.learningRate(), plan.schedule().name().toLowerCase(Locale.ROOT), plan.warmupSteps()));
        used.put("Batch", batch + (plan.accumulation() > 1 ? " × " + plan.accumulation() : ""));
        used.put("Length of training", "%,d steps on %,d %s".formatted(plan.steps(), examples, unit));
        used.put("Label smoothing", Double.toString(plan.labelSmoothing()));
        used.put("Padding", "none: batches of about one length");
        used.put("Seeds", Long.toString(plan.seed()));
        List<RecipeRow> rows = new ArrayList<>();
        used.forEach((what, ours) -> {
            Published line = published.get(what);
            rows.add(line == null ? new RecipeRow(what, "", "", ours)
                    : new RecipeRow(what, line.paper, line.scripts, ours));
        });
        return rows;
    }

    static List<Fact> environment(Backend backend) {
        Runtime.Version java = Runtime.version();
        return List.of(
                new Fact("Backend", backend.name() + ", " + backend.describe()),
                new Fact("Java", java + ", " + System.getProperty("java.vendor")),
                new Fact("System", System.getProperty("os.name") + " on " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " cores"));
    }

    private static List<Fact> timings(TrainingPlan plan, Trainer.Outcome outcome) {
        return List.of(
                new Fact("Training", "%.1f s".formatted(outcome.seconds())),
                new Fact("Tokens a second", "%,.0f".formatted(outcome.tokensPerSecond())),
                new Fact("Steps", "%,d, the best after %,d".formatted(plan.steps(), outcome.bestStep())));
    }
}
