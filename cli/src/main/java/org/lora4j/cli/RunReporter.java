package org.lora4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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

/** Writes {@code report.html} of a training run into its folder. */
final class RunReporter {

    /** Its name in a run's folder. */
    static final String FILE_NAME = "report.html";

    private final Path folder;

    RunReporter(Path folder) {
        this.folder = folder;
    }

    /**
     * @param batch    examples in a batch
     * @param examples pairs in an epoch
     * @return the page
     */
    Path write(
            String title, String subtitle, RunReport.Base base, RunReport.Method method, TrainingPlan plan, int batch,
            int examples, List<RunReport.Sample> samples, Trainer.Outcome outcome, Backend backend, String command) {
        List<Score> scores = new ArrayList<>();
        if (outcome.before() != null && Double.isFinite(outcome.before().loss()) && Double.isFinite(outcome.after().loss())) {
            scores.add(Score.devLoss(outcome.before().loss(), outcome.after().loss()));
            scores.add(Score.perplexity(outcome.before().perplexity(), outcome.after().perplexity()));
        }
        Path page = folder.resolve(FILE_NAME);
        ReportWriter.write(RunReport.of(title, base, method).subtitle(subtitle).recipe(recipe(plan, batch, examples, method))
                .curves(MetricsFile.read(folder.resolve(MetricsLog.FILE_NAME))).scores(scores).samples(samples)
                .trainingTime(Duration.ofMillis(Math.round(outcome.seconds() * 1e3)))
                .environment(environment(backend)).timings(timings(plan, outcome))
                .file("Adapter", folder.toString()).file("Metrics", folder.resolve(MetricsLog.FILE_NAME).toString())
                .command(command).build(), page);
        return page;
    }

    /** What the paper says of E2E (table 11), what the authors' scripts do, and what this run did. */
    private static List<RecipeRow> recipe(TrainingPlan plan, int batch, int examples, RunReport.Method method) {
        TrainingPlan p = plan;
        return List.of(
                new RecipeRow("Adapter", "r 4, alpha 32, on q and v", "the same", method.settings()),
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
