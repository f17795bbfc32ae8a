package org.lora4j.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.io.AtomicFile;

/** The results of some runs as lines on a terminal, and as a table in Markdown. */
final class ReproducedTable {

    private static final String LINE = "%-18s %5s %11s %9s %7s %8s %8s %8s %8s %9s %9s";

    private final Ui ui;

    ReproducedTable(Ui ui) {
        this.ui = ui;
    }

    void list(List<Experiment> experiments) {
        for (Experiment experiment : experiments) {
            ui.print(ui.bold(experiment.name()) + "   " + experiment.title());
            for (Experiment.Table table : experiment.tables()) {
                ui.print("  --table %-3s %s: %s".formatted(
                        table.id(), table.title(), String.join("; ", table.rows().stream().map(Experiment.TableRow::name).toList())));
            }
            ui.print("");
            ui.print("  %-24s %-42s %s".formatted("recipe", "the paper says", "the scripts say"));
            for (Experiment.RecipeLine line : experiment.recipe()) {
                ui.print("  %-24s %-42s %s".formatted(line.what(), line.paper(), line.scripts()));
            }
        }
    }

    /** One run, as soon as it is done. */
    void printRow(RunResult result, boolean first) {
        if (first) {
            ui.print(ui.dim(LINE.formatted("", "seed", "parameters", "dev loss", "BLEU", "NIST", "METEOR*", "ROUGE-L", "CIDEr",
                    "training", "decoding")));
        }
        RunResult.Texts texts = result.texts();
        E2eScores scores = texts == null ? null : texts.scores();
        ui.print(LINE.formatted(result.row().name(), result.recipe().seed(), "%,d".formatted(result.row().trainable()),
                "%.4f".formatted(result.training().devLoss()), percent(scores, E2eScores::bleu), number(scores, E2eScores::nist),
                percent(scores, E2eScores::meteor), percent(scores, E2eScores::rougeL), number(scores, E2eScores::cider),
                "%.0f s".formatted(result.training().seconds()),
                texts == null ? "" : "%.0f s".formatted(texts.seconds())));
    }

    private static String percent(E2eScores scores, ToDoubleFunction<E2eScores> which) {
        return scores == null ? "" : "%.2f".formatted(100 * which.applyAsDouble(scores));
    }

    private static String number(E2eScores scores, ToDoubleFunction<E2eScores> which) {
        return scores == null ? "" : "%.4f".formatted(which.applyAsDouble(scores));
    }

    /** The base beside them, means where there are several seeds, and the table as a file. */
    void summarise(List<RunResult> results, TaskScores.Result base, Path file, Path page) {
        if (base != null) {
            E2eScores scores = base.scores();
            ui.print(ui.dim(LINE.formatted("the base alone", "", "0", "%.4f".formatted(results.getFirst().training().devLossBefore()),
                    percent(scores, E2eScores::bleu), number(scores, E2eScores::nist), percent(scores, E2eScores::meteor),
                    percent(scores, E2eScores::rougeL), number(scores, E2eScores::cider), "", "%.0f s".formatted(base.seconds()))));
            ui.print(ui.dim("* without paraphrases, so below METEOR 1.5"));
        }
        String table = markdown(results);
        AtomicFile.write(file, out -> out.write(table.getBytes(StandardCharsets.UTF_8)));
        ui.print(ui.bold("Table     ") + file);
        if (page != null) {
            ui.print(ui.bold("Report    ") + page.toAbsolutePath().toUri());
        }
    }

    /** A line for each row, with mean and standard deviation where it was run with several seeds. */
    static String markdown(List<RunResult> results) {
        Map<String, List<RunResult>> byRow = new LinkedHashMap<>();
        results.forEach(result -> byRow.computeIfAbsent(result.row().id(), row -> new ArrayList<>()).add(result));
        StringBuilder table = new StringBuilder(
                "| adapted | parameters | dev loss | BLEU | NIST | METEOR* | ROUGE-L | CIDEr | training | decoding |\n"
                        + "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (List<RunResult> runs : byRow.values()) {
            RunResult first = runs.getFirst();
            table.append("| ").append(first.row().name().replace("  ", ", ")).append(" | ")
                    .append("%,d".formatted(first.row().trainable())).append(" | ")
                    .append(cell(runs, run -> run.training().devLoss(), 4, 1));
            boolean scored = runs.stream().allMatch(run -> run.texts() != null);
            score(table, runs, scored, E2eScores::bleu, 2, 100);
            score(table, runs, scored, E2eScores::nist, 4, 1);
            score(table, runs, scored, E2eScores::meteor, 2, 100);
            score(table, runs, scored, E2eScores::rougeL, 2, 100);
            score(table, runs, scored, E2eScores::cider, 4, 1);
            table.append(" | ").append("%.0f s".formatted(mean(runs, run -> run.training().seconds()))).append(" | ")
                    .append(scored ? "%.0f s".formatted(mean(runs, run -> run.texts().seconds())) : "").append(" |\n");
        }
        return table.toString();
    }

    private static void score(
            StringBuilder table, List<RunResult> runs, boolean scored, ToDoubleFunction<E2eScores> which, int decimals,
            double factor) {
        table.append(" | ").append(scored ? cell(runs, run -> which.applyAsDouble(run.texts().scores()), decimals, factor) : "");
    }

    private static String cell(List<RunResult> runs, ToDoubleFunction<RunResult> which, int decimals, double factor) {
        double mean = mean(runs, which);
        String text = ("%." + decimals + "f").formatted(factor * mean);
        if (runs.size() == 1) {
            return text;
        }
        double squares = runs.stream().mapToDouble(which).map(x -> (x - mean) * (x - mean)).sum();
        return text + " ± " + ("%." + decimals + "f").formatted(factor * Math.sqrt(squares / (runs.size() - 1)));
    }

    private static double mean(List<RunResult> runs, ToDoubleFunction<RunResult> which) {
        return runs.stream().mapToDouble(which).average().orElse(Double.NaN);
    }
}
