package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.analysis.Amplification;
import org.lora4j.experiments.analysis.AdapterAnalysis;
import org.lora4j.experiments.analysis.Analysis.Side;
import org.lora4j.experiments.analysis.Analysis;
import org.lora4j.experiments.analysis.AnalysisJson;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.report.AnalysisPage;
import org.lora4j.io.JsonFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lora4j analyse}. */
@Command(
        name = "analyse",
        description = {
            "Asks section 7's questions of one adapter or two: which directions, how many.",
            "",
            "Of two adapters, of other ranks or seeds: how much of one's subspaces lies in the other's, phi(i, j), with a Gaussian "
                    + "pair beside (figures 3, 4, 6, 7). Of one: the same between its layers. With --model: how much of the base's "
                    + "weight lies in the update's directions, the amplification factor (table 7), and where the update's "
                    + "directions stand among the base's (figure 8). Always: singular values, effective ranks and norms of dW = s*B*A.",
            "",
            "Writes a page, and beside it all numbers as .json and .csv; docs/analyse.md has the formula and the name of each.",
        },
        footer = {
            "  lora4j analyse my-adapter --model base-6m",
            "  lora4j analyse runs/qv-r8-seed1 runs/qv-r64-seed1 --model base-6m --out ranks.html",
            "  lora4j analyse roberta_base_lora_mnli.bin --alpha 16 --json",
        })
final class AnalyseCommand extends LoraCommand {

    @Parameters(index = "0", paramLabel = "ADAPTER",
            description = "A PEFT folder (safetensors or .bin), a loralib .pt or .bin, or a GGUF file.")
    private Path first;

    @Parameters(index = "1", arity = "0..1", paramLabel = "OTHER", description = "Another, to be compared with it.")
    private Path second;

    @Option(names = "--model", paramLabel = "DIR",
            description = "The base: a model's folder in Hugging Face layout, or base-6m for the embedded one.")
    private String model;

    @Option(names = "--alpha", split = ",", paramLabel = "N",
            description = "The alpha a loralib file was trained with, which it does not say; two where there are two.")
    private List<Double> alphas = List.of();

    @Option(names = "--parts", split = ",", paramLabel = "q,k,v",
            description = "The parts of fused maps that a loralib file adapts (default: q,v where there are two).")
    private List<String> parts = List.of();

    @Option(names = "--layers", split = ",", paramLabel = "N",
            description = "Layers, from 0, that get pictures and figure 8 (default: all of up to six, else the first, the "
                    + "last and two between).")
    private List<Integer> layers = List.of();

    @Option(names = "--directions", defaultValue = "0", paramLabel = "N",
            description = "Singular directions of the base's weights in figure 8 (default: a tenth of them, at most 128).")
    private int directions;

    @Option(names = "--seed", defaultValue = "1", paramLabel = "N",
            description = "Of the Gaussian matrices (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--out", defaultValue = "analysis.html", paramLabel = "FILE",
            description = "The page to write; numbers go beside it as .json and .csv (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--json", description = "Print JSON instead of the table, for programs; it is what the .json file holds.")
    private boolean json;

    @Override
    protected int run() {
        if (directions < 0) {
            throw wrongUse("--directions " + directions + ": expected 0 or more");
        }
        if (layers.stream().anyMatch(layer -> layer < 0)) {
            throw wrongUse("--layers " + layers + ": expected numbers from 0");
        }
        if (!out.toString().endsWith(".html")) {
            throw wrongUse("--out " + out + ": expected a name that ends in .html");
        }
        List<Path> paths = second == null ? List.of(first) : List.of(first, second);
        if (alphas.size() > paths.size()) {
            throw wrongUse("--alpha " + alphas + ": expected at most one for each adapter");
        }
        Path base = model == null ? null : EmbeddedBase.resolve(model);
        Destination read = Destination.reading("ADAPTER", first).and("OTHER", second).and("--model", base);
        for (Path written : AnalysisPage.files(out)) {
            read.requireFileApart(written);
            Destination.requireFile(written, true);
        }
        List<AdapterAnalysis.Read> adapters = new ArrayList<>();
        for (int k = 0; k < paths.size(); k++) {
            adapters.add(read(paths.get(k), k, base));
        }
        Analysis analysis;
        boolean[] started = new boolean[1];
        try (Progress progress = ui().progress("analyse")) {
            analysis = new AdapterAnalysis(adapters, base, model, new AdapterAnalysis.Options(seed, Set.copyOf(layers), directions))
                    .run((done, all) -> {
                        if (!started[0]) {
                            progress.start(all);
                            started[0] = true;
                        }
                        progress.update(done, "");
                    });
        }
        AnalysisPage.write(analysis, commandText(), out);
        analysis.notes().remarks().forEach(ui()::info);
        if (json) {
            ui().printJson(AnalysisJson.of(analysis));
        } else {
            print(analysis);
        }
        return ExitCode.OK;
    }

    private AdapterAnalysis.Read read(Path path, int number, Path base) {
        AdapterFormat format = AdapterFiles.formatOf(path);
        boolean scaled = format != AdapterFormat.LORALIB || !alphas.isEmpty();
        double alpha = alphas.isEmpty() ? 1 : alphas.get(Math.min(number, alphas.size() - 1));
        if (!Double.isFinite(alpha)) {
            throw wrongUse("--alpha " + alpha + ": expected a finite number");
        }
        for (String part : parts) {
            if (!List.of("q", "k", "v").contains(part)) {
                throw wrongUse("--parts " + part + ": expected some of q, k and v");
            }
        }
        return new AdapterAnalysis.Read(AdapterFiles.read(path, new LoralibFormat.Options(OptionalDouble.of(alpha), parts, null),
                base == null ? null : JsonFile.read(base.resolve("config.json"))), format, scaled);
    }

    // ------------------------------------------------------------------------------------------------ for people

    private void print(Analysis analysis) {
        boolean two = analysis.adapters().size() > 1;
        int width = Math.max(6, analysis.maps().stream().mapToInt(line -> line.where().text().length()).max().orElse(6));
        String head = "%-" + width + "s %7s %10s %9s %9s".formatted("r", "|dW|", "eff.rank", "of |W|");
        ui().print(ui().dim(head.formatted("module") + (analysis.model() == null ? "" : "   in dW's / W's / random directions    factor")
                + (two ? "     phi(1,1) phi(r,r), of A" : "")));
        for (Analysis.MapLine line : analysis.maps()) {
            for (int k = 0; k < line.updates().size(); k++) {
                Analysis.Update update = line.updates().get(k);
                String name = k == 0 ? Names.oneLine(line.where().text()) : "";
                String text = String.format(Locale.ROOT, "%-" + width + "s %7d %10.4f %9.2f %9s", name, update.rank(),
                        update.spectrum().normDelta(), update.spectrum().effectiveRank(), line.base() == null ? "-"
                                : String.format(Locale.ROOT, "%.2f %%", 100 * update.spectrum().normDelta() / line.base().norm()));
                Amplification amplified = update.amplified();
                if (amplified != null) {
                    int last = amplified.byDelta().length - 1;
                    text += String.format(Locale.ROOT, "   %10.4f / %9s / %8.4f %9.2f", amplified.byDelta()[last],
                            amplified.byWeight() == null ? "-" : String.format(Locale.ROOT, "%.4f", amplified.byWeight()[last]),
                            amplified.byRandom()[last], amplified.factor());
                } else if (analysis.model() != null) {
                    text += update.counts()[2] == 0 ? "   dW is zero and has no directions" : "";
                }
                ui().print(text + (k == 0 && two ? similarity(line) : ""));
            }
        }
        analysis.notes().leftOut().forEach(left -> ui().print("left out  " + Names.oneLine(left.module()
                + (left.part() == null ? "" : " " + left.part()) + ": " + left.reason())));
        ui().print("");
        ui().print("page      " + out + ", numbers beside it as .json and .csv");
    }

    private static String similarity(Analysis.MapLine line) {
        double[][] phi = line.similarity().get(Side.A_RIGHT);
        if (phi == null || phi.length == 0) {
            return "";
        }
        int r = Math.min(phi.length, phi[0].length);
        return String.format(Locale.ROOT, "   %8.3f %8.3f", phi[0][0], phi[r - 1][r - 1]);
    }
}
