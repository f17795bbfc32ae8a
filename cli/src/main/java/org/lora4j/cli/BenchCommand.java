package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.cpu.MachineSpeed;
import org.lora4j.experiments.bench.AdaptersBenchmark;
import org.lora4j.experiments.bench.BeamBenchmark;
import org.lora4j.experiments.bench.DecodeBenchmark;
import org.lora4j.experiments.bench.Disturbance;
import org.lora4j.experiments.bench.E2eBenchmark;
import org.lora4j.experiments.bench.LatencyBenchmark;
import org.lora4j.experiments.bench.MachineFacts;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.experiments.bench.Measurement;
import org.lora4j.experiments.bench.ProcessorTime;
import org.lora4j.experiments.bench.ProductBenchmark;
import org.lora4j.experiments.bench.ResidentMemory;
import org.lora4j.experiments.bench.StepBenchmark;
import org.lora4j.family.Families;
import org.lora4j.family.ModelConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lora4j bench}: speed, in a form that a script can pair with another program. */
@Command(
        name = "bench",
        description = {
            "Measures products, training steps, decoding, latency, adapters or the machine.",
            "",
            "product: the matrix products of the model's layers, forward (x·Wᵀ) and both transposed forms (g·W and gᵀ·x), or "
                    + "one of your own by --size. step: one training step, LoRA of rank --rank on q and v or full "
                    + "fine-tuning. decode: greedy decoding of --length tokens behind a prompt of 16. beam: beam search as the "
                    + "paper's, over inputs of E2E with the embedded base. latency: a forward pass "
                    + "of the base, with LoRA merged, with LoRA beside it, and with two kinds of adapter layers. adapters: a batch of --rows "
                    + "sequences that share --adapters adapters, beside the same batch with one and with none, forward and "
                    + "decoding. e2e: training on E2E with "
                    + "the embedded base. machine: what the cores can add and multiply and what memory can deliver, and whether something disturbed it. "
                    + "serve: times what it reads on standard input, a line at a time (as 10 product 512x768x768 g·W), "
                    + "for benchmarks/side-by-side.",
            "Weights are random except for e2e and beam. Prints the median, the fastest and the slowest of the runs, and the peak of "
                    + "resident memory.",
        },
        footer = {
            "  lora4j bench product --batch 8 --length 64",
            "  lora4j bench product --size 1024x1024x1024",
            "  lora4j bench step --batch 8 --length 64 --json",
            "  lora4j bench decode --length 128",
            "  lora4j bench beam --inputs 30 --adapter my-adapter --runs 3",
            "  lora4j bench adapters --rows 16 --adapters 8",
            "  lora4j bench e2e --runs 3",
        })
final class BenchCommand extends LoraCommand {

    /** Short slices of the machine's speed for a run that was asked for. */
    private static final int SLICES = 4;

    /** What to measure. */
    enum What {
        PRODUCT, STEP, DECODE, BEAM, LATENCY, ADAPTERS, E2E, MACHINE, SERVE
    }

    @Parameters(index = "0", paramLabel = "WHAT",
            description = "product, step, decode, beam, latency, adapters, e2e, machine or serve.")
    private What what;

    @Option(names = "--shape", defaultValue = StepBenchmark.SHAPE, paramLabel = "NAME",
            completionCandidates = ShapeNames.class,
            description = "The sizes of the model: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private String shape;

    @Option(names = "--size", paramLabel = "MxKxN", description = "product: one product (M, K) · (K, N)ᵀ instead.")
    private String size;

    @Option(names = {"--batch", "--rows"}, defaultValue = "8", paramLabel = "N",
            description = "Sequences (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--length", defaultValue = "64", paramLabel = "N",
            description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).")
    private int length;

    @Option(names = "--method", defaultValue = "lora", paramLabel = "NAME",
            description = "step: lora or full (default: ${DEFAULT-VALUE}).")
    private StepBenchmark.Method method;

    @Option(names = "--rank", defaultValue = "4", paramLabel = "R",
            description = "step, latency, adapters, e2e: r of LoRA on q and v (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(names = "--adapters", defaultValue = "8", paramLabel = "N",
            description = "adapters: how many, of ranks R, R/2 and 2·R in turn (default: ${DEFAULT-VALUE}).")
    private int adapters;

    @Option(names = "--places", defaultValue = "qv", paramLabel = "WHERE",
            description = "adapters: what they adapt, qv or all linear maps (default: ${DEFAULT-VALUE}).")
    private AdaptersBenchmark.Places places;

    @Option(names = "--loss", defaultValue = "all", paramLabel = "WHERE",
            description = "step: the loss on all positions, or on the second half as completions are "
                    + "(all, half; default: ${DEFAULT-VALUE}).")
    private StepBenchmark.Loss loss;

    @Option(names = "--recompute",
            description = "step: make activations again for backward instead of keeping them.")
    private boolean recompute;

    @Option(names = "--base-dropout", defaultValue = "0", paramLabel = "P",
            description = "step: dropout of a model that classifies, at all its places; one that writes is measured without "
                    + "(default: ${DEFAULT-VALUE}).")
    private double baseDropout;

    @Option(names = "--bottleneck", paramLabel = "N",
            description = "latency: features in the middle of a Houlsby adapter layer; Lin's has twice as many (default: as "
                    + "many as make 3.1 %% of the model's parameters, as the 11M of the paper's table 3 are).")
    private Integer bottleneck;

    @Option(names = "--inputs", defaultValue = "30", paramLabel = "N",
            description = "beam: inputs of E2E's test set, up to 630 (default: ${DEFAULT-VALUE}).")
    private int inputs;

    @Option(names = "--adapter", paramLabel = "DIR", description = "beam: an adapter of base-6m, to be merged into it.")
    private Path adapter;

    @Option(names = "--steps", defaultValue = "50", paramLabel = "N",
            description = "e2e: steps of a run, the same in every run (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--pad", defaultValue = "0", paramLabel = "N",
            description = "e2e: make every sequence N tokens long and the logits of all its positions, as the paper's "
                    + "scripts do; 0 pads to the longest of a batch only (default: ${DEFAULT-VALUE}).")
    private int pad;

    @Option(names = "--runs", defaultValue = "9", paramLabel = "N", description = "Runs that count (default: ${DEFAULT-VALUE}).")
    private int runs;

    @Option(names = "--warmup", defaultValue = "3", paramLabel = "N",
            description = "Runs before them that do not, at least (default: ${DEFAULT-VALUE}).")
    private int warmup;

    @Option(names = "--warmup-seconds", defaultValue = "1", paramLabel = "S",
            description = "How long those go on, at least (default: ${DEFAULT-VALUE}).")
    private double warmupSeconds;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Mixin
    private WeightChoice weights;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() throws IOException {
        if (batch < 1 || length < 1 || runs < 1 || rank < 1 || bottleneck != null && bottleneck < 1 || steps < 1 || warmup < 0
                || !(warmupSeconds >= 0) || pad < 0 || adapters < 1 || inputs < 1) {
            throw wrongUse("--batch, --length, --runs, --rank, --bottleneck, --steps, --inputs and --adapters are at least 1, "
                    + "--warmup, --warmup-seconds and --pad are 0 or more");
        }
        if (!(baseDropout >= 0 && baseDropout < 1)) {
            throw wrongUse("--base-dropout " + baseDropout + ": expected 0 or more and below 1");
        }
        Runs times = new Runs(warmup, warmupSeconds, runs);
        if (what == What.MACHINE) {
            return machine(times);
        }
        if (what == What.SERVE) {
            try (Backend b = backend.open()) {
                new BenchServer(b, backend.threads(), ui()).serve(System.in);
            }
            return ExitCode.OK;
        }
        ModelConfig model = Families.shape(shape);
        try (Backend b = backend.open()) {
            Map<String, Measurement> results = switch (what) {
                case PRODUCT -> size == null
                        ? ProductBenchmark.ofLayers(b, model, batch * length, times)
                        : ProductBenchmark.of(b, size, times);
                case STEP -> StepBenchmark.run(b, model, weights.type(), method, rank, loss, recompute, baseDropout, batch,
                        length, times);
                case DECODE -> DecodeBenchmark.run(b, model, weights.type(), length, times);
                case BEAM -> BeamBenchmark.run(b, adapter, inputs, times);
                case LATENCY -> LatencyBenchmark.run(
                        b, model, rank, bottleneck != null ? bottleneck : LatencyBenchmark.bottleneck(model), batch, length,
                        times);
                case ADAPTERS -> AdaptersBenchmark.run(
                        b, model, weights.type(), places, rank, batch, adapters, length, times);
                case E2E -> E2eBenchmark.run(b, rank, batch, steps, pad, times);
                case MACHINE, SERVE -> throw new IllegalStateException();
            };
            print(results, b.name() + ", " + b.describe());
        }
        return ExitCode.OK;
    }

    /** On one thread, and on as many as were asked for; and whether something else disturbed it. */
    private int machine(Runs times) {
        Backends.providers().stream().filter(provider -> provider.name().equals("cpu")).findFirst()
                .flatMap(provider -> provider.unavailable())
                .ifPresent(reason -> {
                    throw new LoraException("bench machine: " + reason);
                });
        Map<String, Measurement> results = new LinkedHashMap<>();
        List<String> disturbed = new ArrayList<>();
        ProcessorTime before = ProcessorTime.now();
        for (int threads : new TreeSet<>(List.of(1, backend.threads()))) {
            try (MachineSpeed speed = new MachineSpeed(threads)) {
                String on = threads == 1 ? ", 1 thread" : ", " + threads + " threads";
                slices("multiply-add" + on, "GFLOP/s", 1e-9 * speed.operations(), times, speed::multiplyAdd, results, disturbed);
                slices("read" + on, "GB/s", 1e-9 * speed.bytes(), times, speed::read, results, disturbed);
            }
        }
        double stolen = ProcessorTime.now().stolenSince(before);
        if (stolen > 0.01) {
            disturbed.add(String.format(Locale.ROOT, "the host of this virtual machine gave %.0f %% of its time to others",
                    100 * stolen));
        }
        Map<String, Object> facts = new LinkedHashMap<>(MachineFacts.read());
        print(results, "vectors of " + VectorWidth.bits() + " bits", Map.of("machine", facts, "disturbed", disturbed));
        if (!json) {
            ui().print("vectors of " + VectorWidth.bits() + " bits"
                    + facts.entrySet().stream().map(fact -> ", " + fact.getKey() + " " + fact.getValue())
                            .collect(Collectors.joining()));
            disturbed.forEach(what -> ui().print("disturbed: " + what));
            ui().print(disturbed.isEmpty() ? "the slices agree: nothing else seems to use this machine"
                    : "these are not the machine's own speeds; measure again when it is quiet, or compare neighbours "
                            + "(benchmarks/side-by-side)");
        }
        return ExitCode.OK;
    }

    private static void slices(
            String name, String unit, double work, Runs times, Runnable run, Map<String, Measurement> results,
            List<String> disturbed) {
        Runs slices = new Runs(times.warmup(), times.warmupSeconds(), SLICES * times.counted());
        double[] seconds = Measurement.seconds(slices, run);
        results.put(name, Measurement.of(unit, work, seconds));
        Disturbance.of(Arrays.stream(seconds).map(one -> work / one).toArray(), unit).ifPresent(what -> disturbed.add(name + ": " + what));
    }

    private void print(Map<String, Measurement> results, String on) {
        print(results, on, Map.of());
    }

    private void print(Map<String, Measurement> results, String on, Map<String, Object> more) {
        long resident = ResidentMemory.peakBytes();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("what", what.name().toLowerCase(Locale.ROOT));
            all.put("shape", shape);
            all.put("batch", batch);
            all.put("length", length);
            all.put("threads", backend.threads());
            all.put("backend", on);
            all.put("peak_resident_bytes", resident);
            all.putAll(more);
            all.put("results", results);
            ui().printJson(all);
            return;
        }
        results.forEach((name, measured) -> ui().print(measured.isRatio()
                ? "%-28s median %.3f times as long, with 95 %% confidence %.3f to %.3f".formatted(
                        name, measured.median(), measured.min(), measured.max())
                : "%-28s median %s, fastest %s, slowest %s %s, a run %s".formatted(
                        name, measured.rateText(measured.median()), measured.rateText(measured.max()),
                        measured.rateText(measured.min()), measured.unit(), duration(measured.medianSeconds()))));
        ui().print("peak resident memory " + (resident < 0 ? "unknown here" : Bytes.text(resident)));
    }

    private static String duration(double seconds) {
        return seconds < 1 ? String.format(Locale.ROOT, "%.3g ms", 1e3 * seconds)
                : String.format(Locale.ROOT, "%.2f s", seconds);
    }
}
