package org.lora4j.cli;

import java.nio.file.Path;
import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.lora.LoraConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j demo}: the main job on what is embedded, from a pretrained model to texts it could not write before. */
@Command(
        name = "demo",
        description = {
            "Adapts the embedded model to E2E with LoRA and shows what changed. Start here.",
            "",
            "E2E turns facts about a restaurant into a sentence. The embedded base has never read one: it is a small model "
                    + "that was pretrained on novels. The demo trains an adapter on some thousand pairs, in a minute or two, and prints "
                    + "what the model wrote before and after. Nothing is needed from outside.",
        },
        footer = {
            "  lora4j demo",
            "  lora4j demo --quick        some steps only, to see that all works",
        })
final class DemoCommand extends LoraCommand {

    private static final long SEED = 110;
    private static final int RANK = 4;
    private static final double ALPHA = 32;
    private static final List<String> PARTS = List.of("q", "v");
    private static final double LEARNING_RATE = 1e-2;
    private static final int BATCH = 8;
    private static final int DEV_PAIRS = 1_000;
    private static final int SAMPLES = 5;

    @Option(names = "--out", defaultValue = "runs/demo", paramLabel = "DIR",
            description = "The run's folder; what an earlier demo left there is replaced, and one that was interrupted by "
                    + "Ctrl-C goes on (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--quick", description = "600 pairs and 75 steps instead of 6,000 and 750.")
    private boolean quick;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        try (RunFolder folder = RunFolder.open(out)) {
            demonstrate(folder);
        }
        return ExitCode.OK;
    }

    private void demonstrate(RunFolder folder) {
        List<TextPair> train = FineTuning.sample(E2e.embedded(Split.TRAIN), quick ? 600 : 6_000, SEED);
        List<TextPair> allDev = E2e.embedded(Split.DEV);
        List<TextPair> dev = FineTuning.sample(allDev, quick ? DEV_PAIRS / 4 : DEV_PAIRS, SEED);
        try (Backend b = backend.open()) {
            LanguageModel loaded = Families.load(EmbeddedBase.folder(), b);
            Tokenizer tokenizer = Families.tokenizer(EmbeddedBase.folder());
            Samples texts = new Samples(loaded, tokenizer, allDev,
                    new ExampleEncoder(tokenizer, loaded.sizes().positions()), SAMPLES, ui()::warn);
            texts.before();

            FineTuning job = FineTuning.of(loaded, tokenizer)
                    .method(new LowRankAdaptation(LoraConfig.of(RANK, ALPHA).withParts(PARTS)))
                    .train(train).dev(dev).batchSize(BATCH).seed(SEED).build();
            Tuning tuning = job.tuning();
            TrainingPlan plan = plan(job);
            if (!job.isUnfinishedIn(out, plan)) {
                folder.clear();
            }
            TrainingRun run = new TrainingRun(ui());
            run.announce(loaded, tuning, "LoRA r 4, alpha 32 on q and v", train.size(), dev.size(), b);
            Trainer.Outcome outcome = run.train(job, plan, out, EmbeddedBase.NAME);

            List<RunReport.Sample> samples = texts.after();
            show(samples);
            run.summarise(outcome);
            Path report = new RunReporter(out, tuning.saved(), "A " + loaded.names().title() + " learns to describe restaurants",
                    new RunReport.Base(EmbeddedBase.NAME + ", a small " + loaded.names().title() + " pretrained on novels",
                            loaded.parameterCount()),
                    RunReport.Method.lora(RANK, ALPHA, PARTS, tuning.parameterCount()))
                    .subtitle("LoRA on E2E: from facts to a sentence, " + plan.steps() + " steps on a CPU").beside(Experiment.named("e2e"))
                    .samples(samples).command("lora4j demo" + (quick ? " --quick" : ""))
                    .write(plan, BATCH, train.size(), outcome, b);
            ui().print(ui().bold("Adapter   ") + out);
            ui().print(ui().bold("Report    ") + report.toAbsolutePath().toUri());
            ui().print("");
            ui().print(ui().dim("Try it:   ./lora4j generate --model base-6m --adapter " + out
                    + " --prompt \"" + samples.getFirst().input() + "\""));
        }
    }

    private static TrainingPlan plan(FineTuning job) {
        long steps = job.steps(1, 1);
        return TrainingPlan.of(steps, LEARNING_RATE, SEED).withWarmupSteps(steps / 10)
                .withEvaluateEvery(Math.max(1, steps / 3)).withCheckpointEvery(0).withLogEvery(5);
    }

    private void show(List<RunReport.Sample> samples) {
        for (RunReport.Sample sample : samples) {
            ui().print("");
            ui().print(ui().bold("Input     ") + sample.input());
            ui().print(ui().bold("Before    ") + ui().dim(shortened(sample.before())));
            ui().print(ui().bold("After     ") + ui().good(sample.after()));
            ui().print(ui().bold("Reference ") + sample.references().getFirst());
        }
        ui().print("");
    }

    /** An unadapted model rambles to its last token. */
    private static String shortened(String text) {
        String line = text.replaceAll("\\s+", " ");
        return line.length() <= 160 ? line : line.substring(0, 159) + "…";
    }
}
