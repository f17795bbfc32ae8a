package org.lora4j.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.LongFunction;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.analysis.Amplification;
import org.lora4j.backend.Backend;
import org.lora4j.experiments.analysis.AdapterAnalysis;
import org.lora4j.experiments.analysis.Analysis.MapLine;
import org.lora4j.experiments.analysis.Analysis.Side;
import org.lora4j.experiments.analysis.Analysis.Update;
import org.lora4j.experiments.analysis.Analysis;
import org.lora4j.experiments.report.AnalysisPage;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.io.AtomicFile;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.TuningMethods;

/**
 * {@code lora4j reproduce section7}: four adapters on q and v, of r 8 and r 64 and two seeds each, and what section 7 asks of them:
 *
 * <pre>
 *   ranks.html      r 8 and r 64 of one seed      figures 3 and 6, table 7, figure 8
 *   seeds.html      r 64 of two seeds             figures 4 and 7
 *   seeds-r8.html   r 8 of two seeds              the same of the smaller rank
 *   section7.md     the numbers that the paper's text speaks of
 * </pre>
 *
 * What is trained is not trained again; a run that was stopped goes on.
 */
final class Section7Run {

    /** By which {@code reproduce} knows it. */
    static final String NAME = "section7";
    static final long STEPS = 150;
    static final long QUICK_STEPS = 12;

    private static final int SMALL = 8;
    private static final int LARGE = 64;

    private final Ui ui;
    private final ReproducedRun.Setup setup;
    private final List<Long> seeds;
    private final String command;

    /** @param seeds two of them */
    Section7Run(Ui ui, ReproducedRun.Setup setup, List<Long> seeds, String command) {
        this.ui = ui;
        this.setup = setup;
        this.seeds = seeds;
        this.command = command;
    }

    /** One alone means it and the next. */
    static List<Long> two(List<Long> seeds) {
        return seeds.size() == 1 ? List.of(seeds.getFirst(), seeds.getFirst() + 1) : seeds;
    }

    static Experiment.TableRow row(int rank) {
        return new Experiment.TableRow("qv-r" + rank, "q, v  r " + rank, rank, "q,v", TuningMethods.LORA, null, null);
    }

    /**
     * Trains what is missing, writes the pages and prints what they say.
     *
     * @param plan of a seed
     */
    void run(Backend backend, LongFunction<TrainingPlan> plan, boolean overwrite, boolean json) {
        ReproducedRun runs = new ReproducedRun(ui, backend, setup, overwrite);
        Map<String, RunResult> trained = new LinkedHashMap<>();
        for (int rank : new int[] {SMALL, LARGE}) {
            for (long seed : seeds) {
                trained.put(setup.folder(row(rank), seed).getFileName().toString(), runs.train(row(rank), plan.apply(seed), command));
            }
        }
        Analysis ranks = analyse("ranks", folder(SMALL, 0), folder(LARGE, 0));
        Analysis manySeeds = analyse("seeds", folder(LARGE, 0), folder(LARGE, 1));
        Analysis fewSeeds = analyse("seeds-r8", folder(SMALL, 0), folder(SMALL, 1));
        String summary = summary(trained, ranks, manySeeds, fewSeeds);
        Path written = setup.root().resolve("section7.md");
        AtomicFile.write(written, out -> out.write(summary.getBytes(StandardCharsets.UTF_8)));
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("runs", trained.values().stream().map(RunResult::json).toList());
            all.put("phi", List.of(phi("ranks", ranks), phi("seeds", manySeeds), phi("seeds-r8", fewSeeds)));
            all.put("pages", List.of("ranks", "seeds", "seeds-r8").stream().map(name -> setup.root().resolve(name + ".html").toString()).toList());
            ui.printJson(all);
        } else {
            summary.lines().forEach(ui::print);
            ui.print("");
            ui.print("written to " + written + "; pages: ranks.html, seeds.html, seeds-r8.html beside it");
        }
    }

    private Path folder(int rank, int seed) {
        return setup.folder(row(rank), seeds.get(seed));
    }

    private Analysis analyse(String name, Path first, Path second) {
        Path page = setup.root().resolve(name + ".html");
        List<AdapterAnalysis.Read> adapters = new ArrayList<>();
        for (Path folder : List.of(first, second)) {
            adapters.add(new AdapterAnalysis.Read(AdapterFiles.read(folder, LoralibFormat.Options.alpha(1)), AdapterFiles.formatOf(folder), true));
        }
        Analysis analysis = new AdapterAnalysis(adapters, setup.model(), setup.modelName(), new AdapterAnalysis.Options(1, Set.of(), 0))
                .run((done, all) -> { });
        AnalysisPage.write(analysis, "lora4j analyse " + first + " " + second + " --model " + setup.modelName() + " --out " + page, page);
        return analysis;
    }

    // ------------------------------------------------------------------------------------------------ what they say

    private static List<MapLine> parts(Analysis analysis) {
        return analysis.maps().stream().filter(line -> !line.parted()).toList();
    }

    private static String letter(MapLine line) {
        String kind = line.where().part() != null ? line.where().part() : line.where().kind();
        return kind.substring(kind.lastIndexOf('.') + 1);
    }

    private static Map<String, Object> phi(String page, Analysis analysis) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("page", page);
        json.put("lines", parts(analysis).stream().map(line -> {
            double[][] phi = line.similarity().get(Side.A_RIGHT);
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("layer", line.where().layer());
            entry.put("part", letter(line));
            entry.put("phi_1_1", Double.isNaN(at(phi, 1)) ? null : at(phi, 1));
            entry.put("phi_8_8", Double.isNaN(at(phi, SMALL)) ? null : at(phi, SMALL));
            return entry;
        }).toList());
        return json;
    }

    private static double at(double[][] phi, int i) {
        return phi.length < i || phi[0].length < i ? Double.NaN : phi[i - 1][i - 1];
    }

    private String summary(Map<String, RunResult> trained, Analysis ranks, Analysis manySeeds, Analysis fewSeeds) {
        StringBuilder text = new StringBuilder("Section 7 on ").append(setup.modelName()).append(", E2E\n\n");
        text.append("| run | parameters | dev loss before | after |\n|---|---|---|---|\n");
        trained.forEach((name, run) -> text.append(format("| %s | %,d | %.4f | %.4f |%n", name, run.row().trainable(),
                run.training().devLossBefore(), run.training().devLoss())));
        text.append("\nφ(i, i) of A's right singular vectors: the strongest direction alone, and the first eight\n\n");
        text.append("| layer | part | r 8 and r 64 | | r 64, two seeds | | r 8, two seeds | |\n|---|---|---|---|---|---|---|---|\n");
        text.append("| | | (1, 1) | (8, 8) | (1, 1) | (8, 8) | (1, 1) | (8, 8) |\n");
        List<List<MapLine>> lines = List.of(parts(ranks), parts(manySeeds), parts(fewSeeds));
        for (int k = 0; k < lines.getFirst().size(); k++) {
            text.append(format("| %d | %s |", lines.getFirst().get(k).where().layer(), letter(lines.getFirst().get(k))));
            for (List<MapLine> analysis : lines) {
                double[][] phi = analysis.get(k).similarity().get(Side.A_RIGHT);
                text.append(format(" %.3f | %.3f |", at(phi, 1), at(phi, SMALL)));
            }
            text.append('\n');
        }
        int in = lines.getFirst().getFirst().where().in();
        text.append(format("| by chance | | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |%n", 1.0 / in, 8.0 / in, 1.0 / in, 8.0 / in, 1.0 / in, 8.0 / in));
        text.append("\nTable 7: ‖UᵀWVᵀ‖ in the directions of ΔW, of W and of a random matrix, and the factor ‖ΔW‖ / ‖UᵀWVᵀ‖\n\n");
        text.append("| layer | part | r | ‖W‖ | ‖ΔW‖ | ΔW's | W's own | random | factor |\n|---|---|---|---|---|---|---|---|---|\n");
        for (MapLine line : parts(ranks)) {
            for (Update update : line.updates()) {
                Amplification amplified = update.amplified();
                if (amplified != null && amplified.byWeight() != null && line.base() != null) {
                    int last = amplified.byDelta().length - 1;
                    text.append(format("| %d | %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f |%n", line.where().layer(), letter(line),
                            update.rank(), line.base().norm(), update.spectrum().normDelta(), amplified.byDelta()[last],
                            amplified.byWeight()[last], amplified.byRandom()[last], amplified.factor()));
                }
            }
        }
        return text.toString();
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
