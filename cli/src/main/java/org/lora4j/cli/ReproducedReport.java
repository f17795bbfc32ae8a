package org.lora4j.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;
import org.lora4j.experiments.evaluate.ScorerFiles;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.experiments.report.MetricsFile;
import org.lora4j.experiments.report.ReportWriter;
import org.lora4j.experiments.report.RunReport.Column;
import org.lora4j.experiments.report.RunReport.Comparison;
import org.lora4j.experiments.report.RunReport.Line;
import org.lora4j.experiments.report.RunReport.Score;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.Experiment.Published;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.train.MetricsLog;
import org.lora4j.train.TrainingPlan;

/** The pages of an experiment: one for each run, in its folder, and one for all of them. */
final class ReproducedReport {

    private static final int SAMPLES = 6;
    private static final int MOST_REFERENCES = 3;
    private static final List<Column> COLUMNS = List.of(
            new Column("Parameters", 0, 0), new Column("Dev loss", 4, -1), new Column("BLEU", 2, 1), new Column("NIST", 4, 1),
            new Column("METEOR*", 2, 1), new Column("ROUGE-L", 2, 1), new Column("CIDEr", 4, 1));
    private static final List<Column> PAPERS_COLUMNS = List.of(
            new Column("Validation loss", 2, -1), new Column("BLEU", 2, 1), new Column("NIST", 4, 1),
            new Column("METEOR", 2, 1), new Column("ROUGE-L", 2, 1), new Column("CIDEr", 4, 1));
    private static final String METEOR = "* METEOR without paraphrases, so below METEOR 1.5, which the paper prints.";

    private final Experiment experiment;
    private final ReproducedRun.Setup setup;
    private final Backend backend;
    private final TaskScores.Result base;

    ReproducedReport(Experiment experiment, ReproducedRun.Setup setup, Backend backend, TaskScores.Result base) {
        this.experiment = experiment;
        this.setup = setup;
        this.backend = backend;
        this.base = base;
    }

    // ------------------------------------------------------------------------------------------------ one run

    /** @return the page */
    Path write(Experiment.TableRow row, RunResult result, TrainingPlan plan, List<Decoded> texts) {
        Path folder = setup.folder(row, result.recipe().seed());
        RunReport.Builder report = RunReport.of(
                        capitalised(result.row().method()) + " on E2E: " + result.row().name().replace("  ", ", "),
                        base(result), ReproducedRun.reported(result))
                .subtitle("From facts to sentences: %,d steps on %,d pairs, then a text for each of %,d inputs, seed %d".formatted(
                        result.recipe().steps(), result.recipe().trainPairs(), result.texts().inputs(),
                        result.recipe().seed()))
                .curves(MetricsFile.read(folder.resolve(MetricsLog.FILE_NAME)))
                .trainingTime(Duration.ofMillis(Math.round(1e3 * result.training().seconds())))
                .command(result.training().command());
        scores(report, result);
        report.comparison(new Comparison("Beside the paper",
                "The paper's numbers are of %s; this base has %,d. ".formatted(experiment.papersBase(), result.base().parameters())
                        + METEOR,
                COLUMNS, lines(row, result)));
        samples(report, texts);
        recipe(report, result, plan);
        RunReporter.environment(backend).forEach(fact -> report.environment(fact.label(), fact.value()));
        RunResult.Training training = result.training();
        report.timing("Training", "%.0f s, %,.0f tokens/s".formatted(training.seconds(), training.tokensPerSecond()))
                .timing("Decoding", "%.0f s for %,d inputs".formatted(result.texts().seconds(), result.texts().inputs()))
                .timing("Steps", "%,d, the best after %,d".formatted(result.recipe().steps(), training.bestStep()));
        report.file(result.row().trainable() < result.base().parameters() ? "Adapter" : "Model", folder.toString())
                .file("Texts", folder.resolve(ScorerFiles.HYPOTHESES).toString())
                .file("References", folder.resolve(ScorerFiles.REFERENCES).toString())
                .file("Metrics", folder.resolve(MetricsLog.FILE_NAME).toString());
        Path page = folder.resolve(RunReporter.FILE_NAME);
        ReportWriter.write(report.build(), page);
        return page;
    }

    private static String capitalised(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    private static RunReport.Base base(RunResult result) {
        return new RunReport.Base(result.base().name(), result.base().parameters());
    }

    private void scores(RunReport.Builder report, RunResult result) {
        E2eScores before = base.scores();
        E2eScores after = result.texts().scores();
        report.score(Score.higherIsBetter("BLEU", 100 * before.bleu(), 100 * after.bleu(), 1))
                .score(Score.devLoss(result.training().devLossBefore(), result.training().devLoss()))
                .score(Score.higherIsBetter("NIST", before.nist(), after.nist(), 2))
                .score(Score.higherIsBetter("METEOR*", 100 * before.meteor(), 100 * after.meteor(), 1))
                .score(Score.higherIsBetter("ROUGE-L", 100 * before.rougeL(), 100 * after.rougeL(), 1))
                .score(Score.higherIsBetter("CIDEr", before.cider(), after.cider(), 2));
    }

    private List<Line> lines(Experiment.TableRow row, RunResult result) {
        List<Line> lines = new ArrayList<>();
        lines.add(line("this run", result));
        lines.add(new Line("the base alone", values(0, result.training().devLossBefore(), base.scores()), false));
        Published paper = row.paper() != null ? row.paper() : experiment.paper();
        lines.add(published(paper));
        return lines;
    }

    private static Line line(String name, RunResult result) {
        return new Line(name, values(result.row().trainable(), result.training().devLoss(), result.texts().scores()), true);
    }

    private static Line published(Published paper) {
        List<Double> values = new ArrayList<>(List.of(Double.NaN)); // parameters, which the row's name tells
        values.addAll(values(paper));
        return new Line("paper, " + paper.row(), values, false);
    }

    private static List<Double> values(Published paper) {
        return List.of(or(paper.devLoss(), 1), or(paper.bleu(), 100), or(paper.nist(), 1), or(paper.meteor(), 100),
                or(paper.rougeL(), 100), or(paper.cider(), 1));
    }

    private static double or(Double value, double factor) {
        return value == null ? Double.NaN : factor * value;
    }

    private static List<Double> values(long trainable, double devLoss, E2eScores scores) {
        return List.of((double) trainable, devLoss, 100 * scores.bleu(), scores.nist(), 100 * scores.meteor(),
                100 * scores.rougeL(), scores.cider());
    }

    /** Inputs spread over the test set. */
    private void samples(RunReport.Builder report, List<Decoded> texts) {
        List<Map.Entry<String, List<String>>> inputs = List.copyOf(setup.references().entrySet());
        int count = Math.min(SAMPLES, inputs.size());
        for (int i = 0; i < count; i++) {
            int at = (int) ((2L * i + 1) * inputs.size() / (2L * count));
            List<String> people = inputs.get(at).getValue();
            report.sample(new RunReport.Sample(inputs.get(at).getKey(), base.decoded().get(at).text(), texts.get(at).text(),
                    people.subList(0, Math.min(MOST_REFERENCES, people.size()))));
        }
    }

    // ------------------------------------------------------------------------------------------------ recipe

    private void recipe(RunReport.Builder report, RunResult result, TrainingPlan plan) {
        Map<String, String> used = used(result, plan);
        for (Experiment.RecipeLine line : experiment.recipe()) {
            report.recipe(line.what(), line.paper(), line.scripts(), used.getOrDefault(line.used(), ""));
        }
    }

    /** What this run did, by the keys of the recipe. */
    private Map<String, String> used(RunResult result, TrainingPlan plan) {
        RunResult.Recipe recipe = result.recipe();
        Map<String, String> used = new LinkedHashMap<>();
        used.put("base", "%s, %,d parameters".formatted(result.base().name(), result.base().parameters()));
        used.put("adapter", result.row().settings());
        used.put("init", result.row().method().equals("LoRA") ? "Gaussian" : "");
        used.put("dropout", "none");
        used.put("optimiser", "AdamW, decay %s, epsilon %s, decay %s the update".formatted(
                plan.adamW().weightDecay(), number(plan.adamW().epsilon()), plan.adamW().decayOrder().name().toLowerCase(Locale.ROOT)));
        used.put("learning_rate", "%s, %s, %d warm-up steps".formatted(
                number(plan.learningRate()), plan.schedule().name().toLowerCase(Locale.ROOT), plan.warmupSteps()));
        used.put("batch", Integer.toString(result.recipe().batch()));
        used.put("length", "%,d steps, %.2f epochs of %,d pairs".formatted(
                recipe.steps(), (double) recipe.steps() * recipe.batch() / recipe.trainPairs(), recipe.trainPairs()));
        used.put("label_smoothing", plan.labelSmoothing() == 0 ? "none" : Double.toString(plan.labelSmoothing()));
        used.put("texts", "as E2E has them");
        used.put("padding", "none: batches of about one length");
        used.put("kept", "lowest dev loss of %,d pairs, after step %,d".formatted(
                recipe.devPairs(), result.training().bestStep()));
        used.put("beam", Integer.toString(setup.beam().width()));
        used.put("length_penalty", Double.toString(setup.beam().lengthPenalty()));
        used.put("no_repeat_ngram", setup.beam().noRepeatNgram() == 4 ? "4" : Integer.toString(setup.beam().noRepeatNgram()));
        used.put("max_new_tokens", setup.maxNewTokens() + " tokens");
        used.put("meteor", "exact, stem and synonym modules, no paraphrases");
        used.put("seed", Long.toString(result.recipe().seed()));
        return used;
    }

    // ------------------------------------------------------------------------------------------------ all runs

    /**
     * The page of all runs.
     *
     * @param table the paper's table whose rows they are; null if they are not a table's
     */
    Path summarise(
            Experiment.Table table, List<Experiment.TableRow> rows, List<RunResult> results, TrainingPlan plan, String command) {
        RunResult best = results.stream().max(Comparator.comparingDouble(run -> run.texts().scores().bleu())).orElseThrow();
        String title = table == null ? experiment.title() : table.title() + ", on " + setup.modelName();
        RunReport.Builder report = RunReport.summary(title, base(best), verdict(best, results))
                .subtitle("%,d runs of %,d steps each; a text for every one of %,d inputs of the %s set".formatted(
                        results.size(), best.recipe().steps(), best.texts().inputs(), best.texts().split()))
                .command(command);
        List<Line> lines = new ArrayList<>();
        for (RunResult result : results) {
            boolean severalSeeds = results.stream().filter(other -> other.row().id().equals(result.row().id())).count() > 1;
            lines.add(line(result.row().name().replace("  ", ", ")
                    + (severalSeeds ? ", seed " + result.recipe().seed() : ""), result));
        }
        lines.add(new Line("the base alone", values(0, best.training().devLossBefore(), base.scores()), false));
        report.comparison(new Comparison("Our runs", (table == null ? "" : table.note() + " ") + METEOR, COLUMNS, lines));
        List<Line> published = rows.stream().filter(row -> row.paper() != null)
                .map(row -> new Line(row.paper().row(), values(row.paper()), true)).toList();
        if (published.size() > 1) {
            report.comparison(new Comparison("The paper's rows", "Of " + experiment.papersBase() + ", on the same test set; METEOR is 1.5 here.",
                    PAPERS_COLUMNS, published));
        }
        Map<String, String> used = used(best, plan);
        if (table != null) {
            used.put("adapter", "as each row says, alpha " + number(setup.alpha()));
            used.put("learning_rate", learningRates(results) + ", %s, %d warm-up steps".formatted(
                    plan.schedule().name().toLowerCase(Locale.ROOT), plan.warmupSteps()));
        }
        used.put("seed", String.join(", ", results.stream().map(run -> Long.toString(run.recipe().seed())).distinct().toList()));
        used.put("kept", "lowest dev loss of %,d pairs".formatted(best.recipe().devPairs()));
        for (Experiment.RecipeLine line : experiment.recipe()) {
            report.recipe(line.what(), line.paper(), line.scripts(), used.getOrDefault(line.used(), ""));
        }
        for (RunResult result : results) {
            report.file(result.row().name().replace("  ", ", ") + ", seed " + result.recipe().seed(),
                    result.row().id() + "-seed" + result.recipe().seed() + "/" + RunReporter.FILE_NAME);
            report.timing(result.row().name().replace("  ", ", ") + ", seed " + result.recipe().seed(),
                    "training %.0f s, decoding %.0f s".formatted(result.training().seconds(), result.texts().seconds()));
        }
        RunReporter.environment(backend).forEach(fact -> report.environment(fact.label(), fact.value()));
        Path page = setup.root().resolve(table == null ? RunReporter.FILE_NAME : "table" + table.id() + ".html");
        ReportWriter.write(report.build(), page);
        return page;
    }

    /** {@code 32}, {@code 0.01}, {@code 1e-6}. */
    private static String number(double value) {
        return Double.toString(value).replace(".0E", "e").replace('E', 'e').replaceFirst("\\.0$", "");
    }

    /** {@code 0.01}, or each with its method where they differ. */
    private static String learningRates(List<RunResult> results) {
        Map<Double, List<String>> rates = new LinkedHashMap<>();
        results.forEach(result -> rates.computeIfAbsent(result.recipe().learningRate(), rate -> new ArrayList<>())
                .add(result.row().name().replace("  ", ", ")));
        return rates.size() == 1 ? number(results.getFirst().recipe().learningRate())
                : String.join(", ", rates.entrySet().stream()
                        .map(rate -> number(rate.getKey()) + " for " + String.join(" and ", rate.getValue())).toList());
    }

    private String verdict(RunResult best, List<RunResult> results) {
        return "The base writes texts of BLEU %.1f; the best of %d runs, %s, reaches %.1f by training %,d numbers.".formatted(
                100 * base.scores().bleu(), results.size(), best.row().name().replace("  ", ", "),
                100 * best.texts().scores().bleu(),
                best.row().trainable());
    }
}
