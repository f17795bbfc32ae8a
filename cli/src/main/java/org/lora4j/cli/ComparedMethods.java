package org.lora4j.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.experiments.report.MethodsPage;
import org.lora4j.experiments.reproduce.Experiment.TableRow;
import org.lora4j.experiments.reproduce.MethodFamilies;
import org.lora4j.experiments.reproduce.MethodFamilies.Family;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.io.AtomicFile;
import org.lora4j.train.DivergedException;
import org.lora4j.train.TrainingPlan;

/**
 * {@code lora4j reproduce methods}: every method of the paper in several sizes, each by a recipe of its own. For each method the
 * learning rate is looked for among three, with one size, one seed and half as many steps, by the dev loss; then every size is trained
 * with it, once for each seed, and writes its texts. Each run has a folder that is read again when the same command is given again.
 */
final class ComparedMethods {

    /** The page, in the folder of the runs. */
    static final String PAGE = "methods.html";
    private static final String TABLE = "methods.md";
    private static final String LINE = "%-24s %12s %8s   %-24s %s";

    private final Ui ui;
    private final ReproducedRun runs;
    private final ReproducedRun.Setup setup;
    private final List<Long> seeds;
    private final BiFunction<Double, Long, TrainingPlan> plan;
    private final long steps;
    private final boolean texts;
    private final String command;

    /**
     * @param plan  for a rate and a seed, of {@code steps} steps
     * @param texts whether they are written and scored too
     */
    ComparedMethods(Ui ui, ReproducedRun runs, ReproducedRun.Setup setup, List<Long> seeds, BiFunction<Double, Long, TrainingPlan> plan,
            boolean texts, String command) {
        this.ui = ui;
        this.runs = runs;
        this.setup = setup;
        this.seeds = seeds;
        this.plan = plan;
        this.steps = plan.apply(1.0, seeds.getFirst()).steps();
        this.texts = texts;
        this.command = command;
    }

    /** Runs what has not been run, and writes page and table after each method, so that what is there can be looked at. */
    List<MethodsPage.Cell> run(List<Family> families) {
        List<MethodsPage.Cell> cells = new ArrayList<>();
        ui.print(ui.bold(LINE.formatted("", "parameters", "rate", "dev loss", texts ? "BLEU" : "").stripTrailing()));
        for (Family family : families) {
            double rate = search(family);
            for (TableRow row : family.rows()) {
                List<Double> losses = new ArrayList<>();
                List<Double> bleu = new ArrayList<>();
                RunResult last = null;
                for (long seed : seeds) {
                    RunResult found = train(row, plan.apply(rate, seed));
                    if (found != null) {
                        last = found;
                        losses.add(found.training().devLoss());
                        if (texts) {
                            bleu.add(100 * runs.score(row, found).texts().scores().bleu());
                        }
                    }
                }
                if (last == null) {
                    continue;
                }
                cells.add(new MethodsPage.Cell(family.name(), row.name(), last.row().trainable(), rate, losses, bleu));
                MethodsPage.Cell cell = cells.getLast();
                ui.print(LINE.formatted(cell.name(), "%,d".formatted(cell.parameters()), MethodsPage.rate(rate), cell.loss(), cell.score())
                        .stripTrailing());
                write(cells, last.training().devLossBefore());
            }
        }
        return cells;
    }

    /** The rate with the least dev loss, after half as many steps. */
    private double search(Family family) {
        TableRow size = family.rows().get(family.searched());
        double best = family.rates().getFirst();
        double least = Double.POSITIVE_INFINITY;
        for (double rate : family.rates()) {
            TrainingPlan whole = plan.apply(rate, seeds.getFirst());
            TrainingPlan half = TrainingPlan.of(Math.max(1, steps / 2), rate, seeds.getFirst())
                    .withEvaluateEvery(0).withLogEvery(whole.logEvery());
            TableRow searched = new TableRow("search-" + size.id() + "-" + MethodsPage.rate(rate), size.name() + ", rate "
                    + MethodsPage.rate(rate), size.rank(), size.targets(), size.method(), rate, null);
            RunResult found = train(searched, half);
            if (found != null && found.training().devLoss() < least) {
                least = found.training().devLoss();
                best = rate;
            }
        }
        return best;
    }

    /** Null where it diverged, which is said. */
    private RunResult train(TableRow row, TrainingPlan asked) {
        try {
            return runs.train(row, asked, command);
        } catch (DivergedException diverged) {
            ui.warn(row.name() + ", seed " + asked.seed() + ": " + diverged.getMessage());
            return null;
        }
    }

    private void write(List<MethodsPage.Cell> cells, double lossOfBase) {
        String how = "%s, %d steps of %d pairs, dev loss on %d pairs%s, %s; for each method the best of three learning rates."
                .formatted(setup.modelName(), steps, setup.batch(), setup.dev().size(),
                        texts ? ", BLEU on %d inputs of %s".formatted(setup.references().size(), setup.part()) : "",
                        seeds.size() == 1 ? "one seed" : seeds.size() + " seeds");
        MethodsPage.write(command, how, lossOfBase, cells, setup.root().resolve(PAGE));
        StringBuilder table = new StringBuilder(how + "\n\n| method | size | parameters | learning rate | dev loss |"
                + (texts ? " BLEU |\n| --- | --- | ---: | ---: | ---: | ---: |\n" : "\n| --- | --- | ---: | ---: | ---: |\n"));
        cells.forEach(cell -> table.append(String.format(Locale.ROOT, "| %s | %s | %,d | %s | %s |%s\n", cell.family(), cell.name(),
                cell.parameters(), MethodsPage.rate(cell.rate()), cell.loss(), texts ? " " + cell.score() + " |" : "")));
        byte[] text = table.toString().getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(setup.root().resolve(TABLE), out -> out.write(text));
    }

    /** The methods whose runs' names begin with one of these words; all where there is none. */
    static List<Family> families(List<String> only) {
        List<Family> all = MethodFamilies.all().families();
        List<Family> asked = new ArrayList<>();
        for (Family family : all) {
            if (only.isEmpty() || only.contains(word(family))) {
                asked.add(family);
            }
        }
        if (asked.size() < Math.max(1, only.size())) {
            throw new LoraException("--only " + String.join(",", only) + ": expected "
                    + all.stream().map(ComparedMethods::word).collect(Collectors.joining(", ")));
        }
        return asked;
    }

    private static String word(Family family) {
        return family.rows().getFirst().id().replaceFirst("-.*", "");
    }
}
