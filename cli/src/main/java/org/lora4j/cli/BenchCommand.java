package org.lora4j.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.backend.Backend;
import org.lora4j.bench.DecodeBenchmark;
import org.lora4j.bench.Measurement;
import org.lora4j.bench.ModelShapes;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.bench.ProductBenchmark;
import org.lora4j.bench.ResidentMemory;
import org.lora4j.bench.StepBenchmark;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lora4j bench}: speed on random weights, in a form that a script can pair with another program. */
@Command(
        name = "bench",
        description = {
            "Measures products, training steps or decoding on random weights.",
            "",
            "product: the matrix products of the model's layers, forward (x·Wᵀ) and both transposed forms (g·W and gᵀ·x), or "
                    + "one of your own by --size. step: one training step, LoRA of rank --rank on q and v or full "
                    + "fine-tuning. decode: greedy decoding of --length tokens behind a prompt of 16.",
            "Prints the median, the fastest and the slowest of the runs, and the peak of resident memory.",
        },
        footer = {
            "  lora4j bench product --shape gpt2 --batch 8 --length 64",
            "  lora4j bench product --size 1024x1024x1024",
            "  lora4j bench step --shape gpt2 --batch 8 --length 64 --json",
            "  lora4j bench decode --shape gpt2 --length 128",
        })
final class BenchCommand extends LoraCommand {

    /** What to measure. */
    enum What {
        PRODUCT, STEP, DECODE
    }

    @Parameters(index = "0", paramLabel = "WHAT", description = "product, step or decode.")
    private What what;

    @Option(names = "--shape", defaultValue = "gpt2", paramLabel = "NAME",
            description = "base-6m, gpt2, gpt2-medium, gpt2-large or gpt2-xl (default: ${DEFAULT-VALUE}).")
    private String shape;

    @Option(names = "--size", paramLabel = "MxKxN", description = "product: one product (M, K) · (K, N)ᵀ instead.")
    private String size;

    @Option(names = "--batch", defaultValue = "8", paramLabel = "N", description = "Sequences (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--length", defaultValue = "64", paramLabel = "N",
            description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).")
    private int length;

    @Option(names = "--method", defaultValue = "lora", paramLabel = "NAME",
            description = "step: lora or full (default: ${DEFAULT-VALUE}).")
    private StepBenchmark.Method method;

    @Option(names = "--rank", defaultValue = "4", paramLabel = "R",
            description = "step: r of LoRA on q and v (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(names = "--loss", defaultValue = "all", paramLabel = "WHERE",
            description = "step: the loss on all positions, or on the second half as completions are "
                    + "(all, half; default: ${DEFAULT-VALUE}).")
    private StepBenchmark.Loss loss;

    @Option(names = "--runs", defaultValue = "9", paramLabel = "N", description = "Runs that count (default: ${DEFAULT-VALUE}).")
    private int runs;

    @Option(names = "--warmup", defaultValue = "3", paramLabel = "N",
            description = "Runs before them that do not (default: ${DEFAULT-VALUE}).")
    private int warmup;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        if (batch < 1 || length < 1 || runs < 1 || warmup < 0 || rank < 1) {
            throw wrongUse("--batch, --length, --runs and --rank are at least 1, --warmup is 0 or more");
        }
        Gpt2Config model = ModelShapes.named(shape);
        try (Backend b = backend.open()) {
            Map<String, Measurement> results = switch (what) {
                case PRODUCT -> size == null
                        ? ProductBenchmark.ofLayers(b, model, batch * length, warmup, runs)
                        : ProductBenchmark.of(b, size, warmup, runs);
                case STEP -> StepBenchmark.run(b, model, method, rank, loss, batch, length, warmup, runs);
                case DECODE -> DecodeBenchmark.run(b, model, length, warmup, runs);
            };
            print(results, b);
        }
        return ExitCode.OK;
    }

    private void print(Map<String, Measurement> results, Backend b) {
        long resident = ResidentMemory.peakBytes();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("what", what.name().toLowerCase());
            all.put("shape", shape);
            all.put("batch", batch);
            all.put("length", length);
            all.put("backend", b.name() + ", " + b.describe());
            all.put("peak_resident_bytes", resident);
            all.put("results", results);
            ui().printJson(all);
            return;
        }
        results.forEach((name, measured) -> ui().print(
                "%-28s median %s, fastest %s, slowest %s %s".formatted(
                        name, measured.rateText(measured.median()), measured.rateText(measured.min()),
                        measured.rateText(measured.max()), measured.unit())));
        ui().print("peak resident memory " + (resident < 0 ? "unknown here" : Bytes.text(resident)));
    }
}
