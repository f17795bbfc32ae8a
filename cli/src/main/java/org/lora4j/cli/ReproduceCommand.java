package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.backend.Backend;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.experiments.report.MethodsPage;
import org.lora4j.experiments.evaluate.TestInputs;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.train.FineTuning;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lora4j reproduce}. */
@Command(
        name = "reproduce",
        description = {
            "Runs an experiment of the paper from data to scores: trains, decodes, scores.",
            "",
            "e2e: LoRA on E2E, texts by beam search for every distinct input of the test set, and BLEU, NIST, METEOR (without "
                    + "paraphrases), ROUGE-L and CIDEr. On the embedded base the scores are not the paper's, which are of "
                    + "a larger model (--list says which); give that one by --model. --table runs the rows of one of the paper's tables by one short "
                    + "recipe that is the same for all.",
            "",
            "section7: r 8 and r 64 on q and v, two seeds each, and what section 7 asks of them: figures 3, 4, 6, 7, 8 and table 7 "
                    + "as pages, as analyse makes them.",
            "",
            "methods: every method that the paper compares, in several sizes, on E2E: parameters against dev loss and BLEU, as in its figure 2. "
                    + "For each method the best of three learning rates is looked for with one size and half the steps, then all sizes "
                    + "are trained, once for each seed; methods.html shows it. 300 steps unless --steps says otherwise.",
            "",
            "Each run has a folder in --out, with the adapter, metrics.jsonl, the texts, the scores and report.html; a command "
                    + "that was killed goes on when it is given again.",
        },
        footer = {
            "  lora4j reproduce --list",
            "  lora4j reproduce e2e --quick          in a minute or two, to see that all works",
            "  lora4j reproduce e2e --seeds 110,111,112",
            "  lora4j reproduce e2e --table 18       the rank; also 5 (which matrices) and 3 (full fine-tuning)",
            "  lora4j reproduce section7 --quick",
            "  lora4j reproduce methods --seeds 110,111,112",
            "  lora4j reproduce e2e --full --epochs 1 --lr 1e-3 --out runs/full",
        })
final class ReproduceCommand extends LoraCommand {

    private static final String E2E = "e2e";
    private static final String METHODS = "methods";
    private static final long METHODS_STEPS = 300;
    private static final long TABLE_STEPS = 500;
    private static final double PAPERS_LEARNING_RATE = 2e-4;
    private static final int QUICK_STEPS = 60;
    private static final int QUICK_INPUTS = 20;
    private static final int QUICK_DEV_PAIRS = 200;
    private static final String NOT_HERE = "with section7";

    @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "The experiment: e2e, methods or section7.")
    private String name;

    @Option(names = "--list", description = "Say what can be reproduced, and by which recipe.")
    private boolean list;

    @Option(names = "--table", paramLabel = "N", description = "Run the rows of this table of the paper.")
    private String table;

    @Option(names = "--only", split = ",", paramLabel = "NAME,…",
            description = "methods: only these, by how their runs' names begin: lora, houlsby, lin, pfeiffer, preembed, prelayer, bitfit, "
                    + "top, full (default: all).")
    private List<String> only = List.of();

    @Option(names = "--seeds", split = ",", defaultValue = "110", paramLabel = "N",
            description = "A run for each of these seeds, of initialisation, order and data (default: ${DEFAULT-VALUE}).")
    private List<Long> seeds;

    @Option(names = "--model", defaultValue = EmbeddedBase.NAME, paramLabel = "DIR",
            description = "The base: a model's folder in Hugging Face layout (default: ${DEFAULT-VALUE}, the embedded one).")
    private String model;

    @Option(names = "--rank", defaultValue = "4", paramLabel = "R", description = "r (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(names = "--alpha", defaultValue = "32", paramLabel = "X", description = "alpha (default: ${DEFAULT-VALUE}).")
    private double alpha;

    @Option(names = "--targets", defaultValue = "q,v", paramLabel = "NAMES",
            description = "Which matrices: q, k, v, o (default: ${DEFAULT-VALUE}).")
    private String targets;

    @Option(names = "--method", paramLabel = "NAME",
            description = "How to adapt: lora, full, bitfit, top:N, houlsby:R and others, as for train (default: lora).")
    private String method;

    @Option(names = "--full", description = "The same as --method full: full fine-tuning instead of LoRA.")
    private boolean full;

    @Option(names = "--epochs", paramLabel = "X",
            description = "Times to go through the 42,061 pairs (default: 1; the paper: 5).")
    private Double epochs;

    @Option(names = "--steps", paramLabel = "N",
            description = "Optimiser steps, instead of --epochs (default for --table: 500).")
    private Long steps;

    @Option(names = "--batch", defaultValue = "8", paramLabel = "N",
            description = "Examples in a batch (default: ${DEFAULT-VALUE}, the paper's).")
    private int batch;

    @Option(names = "--lr", paramLabel = "X",
            description = "The learning rate's peak (default: on the embedded base 1e-2 for lora and 1e-3 for full, found by "
                    + "sweeps, 1e-2 for bitfit and 1e-3 for top:N, which were not swept; otherwise 2e-4, the paper's).")
    private Double learningRate;

    @Option(names = "--dev-examples", defaultValue = "1000", paramLabel = "N",
            description = "Measure the dev loss on N pairs, 0 for all (default: ${DEFAULT-VALUE}).")
    private int devExamples;

    @Option(names = "--split", defaultValue = "test", paramLabel = "NAME",
            description = "What to decode: test or dev (default: ${DEFAULT-VALUE}).")
    private String split;

    @Mixin
    private BeamChoice beam;

    @Option(names = "--train-only", description = "Stop after training, with the dev loss: for a sweep of learning rates.")
    private boolean trainOnly;

    @Option(names = "--quick", description = "60 steps and 20 inputs: shows that all works, the scores mean nothing.")
    private boolean quick;

    @Option(names = "--out", paramLabel = "DIR", description = "The folder of the runs (default: runs/reproduce-NAME).")
    private Path out;

    @Option(names = "--overwrite", description = "Begin anew where the folder holds runs with other options; those of this command go on.")
    private boolean overwrite;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (list) {
            new ReproducedTable(ui()).list(Experiment.all());
            ui().print("");
            ui().print(ui().bold(Section7Run.NAME) + "   Figures 3, 4, 6, 7, 8 and table 7: r 8 and 64 on q and v, two seeds, on the embedded base");
            return ExitCode.OK;
        }
        if (name == null) {
            throw wrongUse("which experiment? Give a name, such as e2e, or --list");
        }
        if (name.equals(Section7Run.NAME)) {
            return section7();
        }
        boolean methods = name.equals(METHODS);
        Experiment experiment = option(() -> Experiment.named(methods ? E2E : name));
        checkOptions();
        if (methods) {
            checkMethods();
        } else {
            require(only.isEmpty(), "--only", String.join(",", only), "reproduce methods");
        }
        List<Experiment.TableRow> rows = option(() -> table != null ? experiment.table(table).rows() : List.of(row()));
        Split part = option(() -> Split.of(split));
        List<TextPair> dev = E2e.embedded(Split.DEV);
        int devPairs = quick ? QUICK_DEV_PAIRS : devExamples;
        Path root = out != null ? out : Path.of("runs", "reproduce-" + name);
        ReproducedRun.Setup setup = new ReproducedRun.Setup(
                EmbeddedBase.resolve(model), model, E2e.embedded(Split.TRAIN),
                devPairs > 0 ? FineTuning.sample(dev, devPairs, 0) : dev,
                TestInputs.of(E2e.embedded(part), quick && beam.limit() == 0 ? QUICK_INPUTS : beam.limit()), part, batch, alpha,
                beam.beam(), beam.maxNewTokens(), root);
        Destination read = Destination.reading("--model", setup.model());
        read.requireFolderApart(root);
        rows.forEach(row -> seeds.forEach(seed -> read.requireFolderApart(setup.folder(row, seed))));
        try (RunFolder locked = RunFolder.open(root); Backend b = backend.open()) {
            ReproducedRun runs = new ReproducedRun(ui(), b, setup, overwrite);
            if (methods) {
                compareMethods(runs, setup);
                return ExitCode.OK;
            }
            ReproducedTable shown = new ReproducedTable(ui());
            List<RunResult> results = new ArrayList<>();
            Path page = null;
            TrainingPlan plan = null;
            TaskScores.Result base = trainOnly ? null : runs.base();
            ReproducedReport report = trainOnly ? null : new ReproducedReport(experiment, setup, b, base);
            for (Experiment.TableRow row : rows) {
                for (long seed : seeds) {
                    plan = plan(experiment, row, seed, setup.train().size());
                    RunResult result = runs.train(row, plan, commandText());
                    if (!trainOnly) {
                        result = runs.score(row, result);
                        page = report.write(row, result, plan, runs.texts(row, result));
                    }
                    results.add(result);
                    if (!json) {
                        shown.printRow(result, results.size() == 1);
                    }
                }
            }
            if (!trainOnly && results.size() > 1) {
                page = report.summarise(
                        table == null ? null : experiment.table(table), rows, results, plan, commandText());
            }
            if (json) {
                ui().printJson(results.stream().map(RunResult::json).toList());
            } else {
                shown.summarise(results, base, root.resolve(table == null ? "table.md" : "table" + table + ".md"), page);
            }
        }
        return ExitCode.OK;
    }

    /** Four runs and what section 7 asks of them. */
    private int section7() {
        checkOptions();
        require(seeds.size() <= 2 && Set.copyOf(seeds).size() == seeds.size(), "--seeds", seeds, "two that differ, or the first of two");
        require(table == null && !full && method == null && !trainOnly, "--table, --method, --full, --train-only", NOT_HERE,
                "none of them: section7 trains r 8 and r 64 on q and v");
        for (String other : List.of("--rank", "--targets", "--split", "--limit")) {
            require(!spec().commandLine().getParseResult().hasMatchedOption(other), other, NOT_HERE,
                    "nothing: section7 trains r 8 and r 64 on q and v, and decodes no text");
        }
        List<Long> two = Section7Run.two(seeds);
        List<TextPair> dev = E2e.embedded(Split.DEV);
        int devPairs = quick ? QUICK_DEV_PAIRS : devExamples;
        Path root = out != null ? out : Path.of("runs", "reproduce-" + name);
        ReproducedRun.Setup setup = new ReproducedRun.Setup(EmbeddedBase.resolve(model), model, E2e.embedded(Split.TRAIN),
                devPairs > 0 ? FineTuning.sample(dev, devPairs, 0) : dev, Map.of(), Split.DEV, batch, alpha, beam.beam(),
                beam.maxNewTokens(), root);
        Destination.reading("--model", setup.model()).requireFolderApart(root);
        long total = steps != null ? steps
                : epochs != null ? Math.max(1, (long) Math.ceil(epochs * Math.ceilDiv(setup.train().size(), batch)))
                : quick ? Section7Run.QUICK_STEPS : Section7Run.STEPS;
        double rate = learningRate != null ? learningRate : !model.equals(EmbeddedBase.NAME) ? PAPERS_LEARNING_RATE
                : Experiment.named("e2e").learningRateOf(TuningMethods.LORA);
        option(() -> TrainingPlan.of(total, rate, 1));
        try (RunFolder locked = RunFolder.open(root); Backend b = backend.open()) {
            new Section7Run(ui(), setup, two, commandText()).run(b, seed -> TrainingPlan.of(total, rate, seed).withEvaluateEvery(0)
                    .withLogEvery(Math.max(1, total / 200)), overwrite, json);
        }
        return ExitCode.OK;
    }

    /** What only e2e has. */
    private void checkMethods() {
        TaskChoice.refuse(spec(), METHODS, List.of("--table", "--rank", "--targets", "--method", "--full", "--epochs", "--lr"),
                "e2e");
    }

    private void compareMethods(ReproducedRun runs, ReproducedRun.Setup setup) {
        long total = steps != null ? steps : quick ? QUICK_STEPS : METHODS_STEPS;
        List<MethodsPage.Cell> cells = new ComparedMethods(ui(), runs, setup, seeds, (rate, seed) ->
                option(() -> TrainingPlan.of(total, rate, seed)).withEvaluateEvery(0).withLogEvery(Math.max(1, total / 200)),
                !trainOnly, commandText()).run(option(() -> ComparedMethods.families(only)));
        if (json) {
            ui().printJson(cells);
        } else {
            ui().print(ui().bold("Page ") + setup.root().resolve(ComparedMethods.PAGE));
        }
    }

    private void checkOptions() {
        require(epochs == null || epochs > 0 && Double.isFinite(epochs), "--epochs", epochs, "more than 0");
        require(steps == null || epochs == null, "--steps " + steps + " --epochs", epochs, "one of the two");
        require(batch >= 1, "--batch", batch, "at least 1");
        require(devExamples >= 0, "--dev-examples", devExamples, "0 (all) or more");
        require(!seeds.isEmpty(), "--seeds", "''", "at least one");
        String asked = full ? "--full" : "--method " + method;
        require(table == null || !full && method == null, "--table " + table, asked, "one of the two");
        require(!full || method == null || isFull(), "--full --method", method, "one of the two");
        if (!method().equals(TuningMethods.LORA)) {
            MethodChoice.refuse(spec(), method(), List.of("--rank", "--alpha", "--targets"));
        }
        beam.beam();
    }

    private void require(boolean holds, String what, Object found, String expected) {
        if (!holds) {
            throw wrongUse(what + " " + found + ": expected " + expected);
        }
    }

    /** The row that the options describe. */
    private Experiment.TableRow row() {
        if (!method().equals(TuningMethods.LORA)) {
            TuningMethod other = TuningMethods.parse(method());
            return new Experiment.TableRow(other.name().replace(":", "").replaceAll("[,=+]", "-"),
                    other instanceof AdapterMethod ? other.title() + " " + other.name() : other.title(), 0, null, other.name(), null, null);
        }
        ReproducedRun.config(rank, alpha, targets); // refuses nonsense before anything is loaded
        String id = targets.replaceAll("[^A-Za-z0-9]", "") + "-r" + rank;
        return new Experiment.TableRow(id, targets.replace(",", ", ") + "  r " + rank, rank, targets, TuningMethods.LORA, null, null);
    }

    private boolean isFull() {
        return MethodChoice.word(method).equals("full");
    }

    private String method() {
        return full ? "full" : method == null ? TuningMethods.LORA : MethodChoice.word(method);
    }

    private TrainingPlan plan(Experiment experiment, Experiment.TableRow row, long seed, int pairs) {
        long total = steps != null ? steps
                : epochs != null ? Math.max(1, (long) Math.ceil(epochs * Math.ceilDiv(pairs, batch)))
                : quick ? QUICK_STEPS : table != null ? TABLE_STEPS : Math.ceilDiv(pairs, batch);
        double rate = learningRate != null ? learningRate
                : !model.equals(EmbeddedBase.NAME) ? PAPERS_LEARNING_RATE
                : row.learningRate() != null ? row.learningRate() : experiment.learningRateOf(row.method());
        TrainingPlan usual = option(() -> TrainingPlan.of(total, rate, seed));
        return usual.withEvaluateEvery(table != null || trainOnly ? 0 : Math.max(1, total / 4))
                .withLogEvery(Math.max(1, total / 200));
    }
}
