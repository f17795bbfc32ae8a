package org.lora4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.experiments.report.MetricsFile;
import org.lora4j.experiments.report.ReportWriter;
import org.lora4j.experiments.report.RunReport.Fact;
import org.lora4j.experiments.report.RunReport.RecipeRow;
import org.lora4j.experiments.report.RunReport.Score;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.train.MetricsLog;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.Tuning.Saved;

/** Writes {@code report.html} of a training run into its folder. */
final class RunReporter {

    /** Its name in a run's folder. */
    static final String FILE_NAME = "report.html";

    private final Path folder;
    private final Saved saved;
    private final RunReport.Builder report;
    private final RunReport.Method method;
    private boolean besideE2e;

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

    /** Whether the data is E2E, so that the recipe can stand beside what the paper says of it. */
    RunReporter besideE2e(boolean is) {
        besideE2e = is;
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
        if (outcome.before() != null && Double.isFinite(outcome.before().loss()) && Double.isFinite(outcome.after().loss())) {
            report.score(Score.devLoss(outcome.before().loss(), outcome.after().loss()));
            report.score(Score.perplexity(outcome.before().perplexity(), outcome.after().perplexity()));
        }
        for (RecipeRow row : recipe(plan, batch, examples)) {
            report.recipe(row.what(), besideE2e ? row.paper() : "", besideE2e ? row.scripts() : "", row.used());
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

    /** What the paper says of E2E (table 11), what the authors' scripts do, and what this run did. */
    private List<RecipeRow> recipe(TrainingPlan plan, int batch, int examples) {
        TrainingPlan p = plan;
        return List.of(
                new RecipeRow("Method", "LoRA, r 4, alpha 32, on q and v", "the same", method.name() + ", " + method.settings()),
                new RecipeRow("Optimiser", "AdamW, decay 0.01", "betas 0.9 and 0.999, epsilon 1e-6, decay after the update",
                        "AdamW, decay %s, epsilon %s, decay %s the update".formatted(
                                p.adamW().weightDecay(), p.adamW().epsilon(), p.adamW().decayOrder().name().toLowerCase())),
                new RecipeRow("Learning rate", "2e-4, linear, 500 warm-up steps", "the same",
                        "%s, %s, %d warm-up steps".formatted(
                                p.learningRate(), p.schedule().name().toLowerCase(), p.warmupSteps())),
                new RecipeRow("Batch", "8", "8", batch + (p.accumulation() > 1 ? " × " + p.accumulation() : "")),
                new RecipeRow("Length of training", "5 epochs", "5 epochs of 42,061 pairs",
                        "%,d steps on %,d pairs".formatted(p.steps(), examples)),
                new RecipeRow("Label smoothing", "0.1", "0.1", Double.toString(p.labelSmoothing())),
                new RecipeRow("Padding", "", "every example to 512", "none: batches of about one length"),
                new RecipeRow("Seed", "", "110", Long.toString(p.seed())));
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
