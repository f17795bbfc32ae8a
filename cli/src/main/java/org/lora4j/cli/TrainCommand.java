package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.family.LanguageModel;
import org.lora4j.optim.AdamW;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan.ScheduleKind;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lora4j train}. */
@Command(
        name = "train",
        description = {
            "Trains a model on pairs of context and completion.",
            "",
            "The loss is on the completions only. --method says what trains: LoRA's adapter, which the folder --out gets as PEFT "
                    + "writes it, or the model's own parameters, and then it gets a whole model with its tokenizer, which "
                    + "generate --model reads; and metrics.jsonl and report.html. Ctrl-C finishes the step and writes a checkpoint (a second one ends at once), and a run "
                    + "that was interrupted or killed goes on from its last checkpoint when the same command is given again. "
                    + "Of the values measured on a dev set those with the lowest loss are kept; a run that diverges fails and "
                    + "says what is left. The paper's E2E recipe: --lr 2e-4 --warmup 500 --epochs 5 --batch 8 --dropout 0.1 "
                    + "--label-smoothing 0.1 --rank 4 --alpha 32 --targets q,v.",
        },
        footer = {
            "  lora4j train --model base-6m --data e2e --method lora --rank 4 --alpha 32 \\",
            "      --targets q,v --epochs 1 --lr 1e-2 --out my-adapter",
            "  lora4j train --model base-6m --data e2e --method full --epochs 1 --lr 1e-3 --out my-model",
        })
final class TrainCommand extends LoraCommand {

    @Mixin
    private ModelChoice model;

    @Mixin
    private DataChoice data;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "The run's folder, for the adapter or the model.")
    private Path out;

    @Option(names = "--overwrite",
            description = "Replace what another command has trained or left unfinished in the folder: it is removed when training "
                    + "begins. An unfinished run of the same command goes on, and a model that was not trained there stays.")
    private boolean overwrite;

    @Mixin
    private MethodChoice methods;

    @Option(names = "--epochs", paramLabel = "X",
            description = "Times to go through the data (default: 1).")
    private Double epochs;

    @Option(names = "--steps", paramLabel = "N", description = "Optimiser steps, instead of --epochs.")
    private Long steps;

    @Option(names = "--batch", defaultValue = "8", paramLabel = "N",
            description = "Examples in a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(names = "--accumulate", defaultValue = "1", paramLabel = "N",
            description = "Batches whose gradients make one step; the last step of an epoch has those that are left "
                    + "(default: ${DEFAULT-VALUE}).")
    private int accumulation;

    @Option(names = "--lr", defaultValue = "2e-4", paramLabel = "X",
            description = "The learning rate's peak (default: ${DEFAULT-VALUE}, the paper's on E2E; base-6m learns "
                    + "well with 1e-2).")
    private double learningRate;

    @Option(names = "--schedule", defaultValue = "linear", paramLabel = "KIND",
            description = "linear or cosine to zero, or constant (default: ${DEFAULT-VALUE}).")
    private ScheduleKind schedule;

    @Option(names = "--warmup", paramLabel = "N",
            description = "Steps in which the learning rate rises (default: 500, or a tenth of the steps if that is less).")
    private Long warmup;

    @Option(names = "--weight-decay", defaultValue = "0.01", paramLabel = "X",
            description = "AdamW's decay (default: ${DEFAULT-VALUE}).")
    private double weightDecay;

    @Option(names = "--adam-epsilon", defaultValue = "1e-6", paramLabel = "X",
            description = "AdamW's epsilon (default: ${DEFAULT-VALUE}).")
    private double epsilon;

    @Option(names = "--decay-order", defaultValue = "before", paramLabel = "WHEN",
            description = "Weight decay before the update, as PyTorch does, or after it, as the authors do "
                    + "(default: ${DEFAULT-VALUE}).")
    private DecayOrder decayOrder;

    @Option(names = "--adam-epsilon-raw",
            description = "Add epsilon before the second moment's bias is corrected, as the authors do, not after it.")
    private boolean epsilonOnRaw;

    @Option(names = "--label-smoothing", defaultValue = "0", paramLabel = "X",
            description = "Share of the target's probability spread over the vocabulary (default: ${DEFAULT-VALUE}).")
    private double labelSmoothing;

    @Option(names = "--clip", defaultValue = "0", paramLabel = "X",
            description = "Limit of the gradients' global norm, 0 for none (default: ${DEFAULT-VALUE}).")
    private double clip;

    @Option(names = "--seed", defaultValue = "110", paramLabel = "N",
            description = "Of initialisation, order and dropout (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--examples", defaultValue = "0", paramLabel = "N",
            description = "Train on N pairs drawn from the data, 0 for all (default: ${DEFAULT-VALUE}).")
    private int examples;

    @Option(names = "--dev-examples", defaultValue = "0", paramLabel = "N",
            description = "Evaluate on N pairs drawn from the dev set, 0 for all (default: ${DEFAULT-VALUE}).")
    private int devExamples;

    @Option(names = "--evaluate-every", defaultValue = "0", paramLabel = "N",
            description = "Steps between evaluations, 0 for only before and after (default: ${DEFAULT-VALUE}).")
    private long evaluateEvery;

    @Option(names = "--checkpoint-every", defaultValue = "200", paramLabel = "N",
            description = "Steps between checkpoints, 0 for none but that of an interruption (default: ${DEFAULT-VALUE}).")
    private long checkpointEvery;

    @Option(names = "--log-every", defaultValue = "10", paramLabel = "N",
            description = "Steps between lines of metrics.jsonl (default: ${DEFAULT-VALUE}).")
    private long logEvery;

    @Option(names = "--recompute",
            description = "Make activations again for backward instead of keeping them: the same adapter, bit for bit, in "
                    + "less memory and more time.")
    private boolean recompute;

    @Option(names = "--samples", defaultValue = "3", paramLabel = "N",
            description = "Inputs of the dev set for which the report shows what the model writes before and after "
                    + "(default: ${DEFAULT-VALUE}).")
    private int samples;

    @Option(names = "--json", description = "Print what came out as JSON, for programs.")
    private boolean json;

    @Mixin
    private BackendChoice backend;

    @Override
    protected int run() {
        checkOptions();
        TuningMethod method = methods.method();
        Destination.reading("--model", model.folder()).and("--data", data.path()).requireFolderApart(out);
        try (RunFolder folder = RunFolder.open(out)) {
            if (!overwrite) {
                folder.requireNothingTrained();
            }
            train(method, folder);
        }
        return ExitCode.OK;
    }

    private void train(TuningMethod method, RunFolder folder) {
        List<TextPair> train = data.open(Split.TRAIN);
        List<TextPair> dev = data.has(Split.DEV) ? data.open(Split.DEV) : List.of();
        train = examples > 0 ? FineTuning.sample(train, examples, seed) : train;
        dev = devExamples > 0 ? FineTuning.sample(dev, devExamples, seed) : dev;
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            Tokenizer tokenizer = model.tokenizer();
            Tuning tuning = methods.attach(loaded, method, seed);
            if (tuning.saved() == Saved.MODEL) {
                folder.requireNoOtherModel();
                if (model.heldIn() != WeightType.FLOAT32) {
                    ui().warn("--base-dtype: the model is saved with what does not train as it was held, rounded to " + model.heldIn()
                            .name().toLowerCase(Locale.ROOT));
                }
            }
            FineTuning job = FineTuning.of(loaded, tokenizer).tuning(tuning).train(train).dev(dev).batchSize(batchSize)
                    .tooLong(data.tooLong()).seed(seed).source(model.folder()).build();
            int learned = job.examples().examples().size();
            int measured = job.devExamples().examples().size();
            sayWhatWasTooLong(job, dev.size());
            TrainingPlan plan = plan(job);
            remarkOn(plan, job);
            if (overwrite && !job.isUnfinishedIn(out, plan)) {
                folder.clear();
            }
            TrainingRun run = new TrainingRun(ui());
            if (!json) {
                run.announce(loaded, tuning, methods.text(method), learned, measured, b);
            }
            Samples texts = new Samples(loaded, tokenizer, dev, samples, ui()::warn);
            texts.before();
            Trainer.Outcome outcome = run.train(job, plan, out, model.name());
            Path report = new RunReporter(out, tuning.saved(), tuning.title() + " on " + data.name(),
                    new RunReport.Base(model.name(), loaded.parameterCount()), methods.reported(tuning))
                    .subtitle("%,d steps on %,d pairs".formatted(plan.steps(), learned)).beside(data.experiment())
                    .samples(texts.after()).command(commandText()).write(plan, batchSize, learned, outcome, b);
            if (json) {
                ui().printJson(result(loaded, job, plan, outcome, report));
            } else {
                run.summarise(outcome);
                ui().print(ui().bold(tuning.saved() == Saved.ADAPTER ? "Adapter   " : "Model     ") + out);
                ui().print(ui().bold("Report    ") + report);
            }
        }
    }

    /** What is no mistake, and yet hardly meant. */
    private void remarkOn(TrainingPlan plan, FineTuning job) {
        long total = plan.steps();
        if (methods.learnsNothing()) {
            ui().warn("--alpha 0: the update is multiplied by 0, so it learns nothing and changes nothing");
        }
        if (plan.warmupSteps() >= total && warmup != null && warmup > 0) {
            ui().warn("--warmup %d: the run has no more than %d steps, so the learning rate never gets above %s of --lr %s".formatted(
                    warmup, total, Double.toString(plan.learningRateAt(total - 1)), Double.toString(learningRate)));
        }
        if (job.batchesPerEpoch() < accumulation) {
            ui().warn("--accumulate %d: an epoch has %d batches, and a step ends with its epoch".formatted(
                    accumulation, job.batchesPerEpoch()));
        }
        if (job.dev().isEmpty() && (evaluateEvery > 0 || devExamples > 0)) {
            ui().warn((evaluateEvery > 0 ? "--evaluate-every " + evaluateEvery : "--dev-examples " + devExamples)
                    + ": there are no dev examples to measure on. A folder or zip with a dev part beside the train part has them");
        } else if (evaluateEvery > total) {
            ui().warn("--evaluate-every %d: the run has %d steps, and is measured before and after only".formatted(
                    evaluateEvery, total));
        }
    }

    /** Refuses what is wrong whatever the data and the model; the plan checks the rest. */
    private void checkOptions() {
        require(epochs == null || epochs > 0 && Double.isFinite(epochs), "--epochs", epochs, "more than 0");
        require(steps == null || epochs == null, "--steps " + steps + " --epochs", epochs, "one of the two");
        require(batchSize >= 1, "--batch", batchSize, "at least 1");
        require(examples >= 0, "--examples", examples, "0 (all) or more");
        require(devExamples >= 0, "--dev-examples", devExamples, "0 (all) or more");
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "--weight-decay", weightDecay, "0 or more");
        require(epsilon > 0 && Double.isFinite(epsilon), "--adam-epsilon", epsilon, "a positive number");
        require(samples >= 0, "--samples", samples, "0 or more");
        plan(steps == null ? 1 : steps); // refuses the rest before anything is loaded
    }

    private void require(boolean holds, String option, Object found, String expected) {
        if (!holds) {
            throw wrongUse(option + " " + found + ": expected " + expected);
        }
    }

    private TrainingPlan plan(FineTuning job) {
        return plan(steps != null ? steps : job.steps(epochs == null ? 1 : epochs, accumulation));
    }

    private TrainingPlan plan(long total) {
        long rise = warmup != null ? warmup : Math.min(500, total / 10);
        AdamW.Settings adamW = new AdamW.Settings(0.9, 0.999, epsilon, weightDecay, decayOrder, epsilonOnRaw);
        return option(() -> TrainingPlan.of(total, learningRate, seed).withAccumulation(accumulation).withSchedule(schedule)
                .withWarmupSteps(rise).withAdamW(adamW).withLabelSmoothing(labelSmoothing).withClipNorm(clip)
                .withEvaluateEvery(evaluateEvery).withCheckpointEvery(checkpointEvery).withLogEvery(logEvery)
                .withRecompute(recompute));
    }

    private void sayWhatWasTooLong(FineTuning job, int devPairs) {
        job.examples().remarks("train").forEach(ui()::warn);
        job.devExamples().remarks("dev").forEach(ui()::warn);
        if (devPairs > 0 && job.dev().isEmpty()) {
            ui().warn("nothing is left of the dev part, so no dev loss is measured and the last step's weights are kept");
        }
    }

    private static void put(Map<String, Object> result, String part, ExampleEncoder.Result examples) {
        result.put(part + "examples", examples.examples().size());
        result.put(part + "dropped", examples.dropped());
        result.put(part + "truncated", examples.truncated());
    }

    private Map<String, Object> result(
            LanguageModel loaded, FineTuning job, TrainingPlan plan, Trainer.Outcome outcome, Path report) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put(job.tuning().saved() == Saved.ADAPTER ? "adapter" : "model", out.toString());
        result.put("method", job.tuning().name());
        result.put("report", report.toString());
        result.put("parameters", loaded.parameterCount());
        result.put("trainable_parameters", job.tuning().parameterCount());
        put(result, "", job.examples());
        put(result, "dev_", job.devExamples());
        result.put("steps", plan.steps());
        result.put("best_step", outcome.bestStep());
        result.put("dev_loss_before", finiteLoss(outcome.before()));
        result.put("dev_loss", finiteLoss(outcome.after()));
        result.put("seconds", outcome.seconds());
        result.put("tokens_per_second", outcome.tokensPerSecond());
        return result;
    }

    /** Null where nothing was measured, and for what JSON has no word for. */
    private static Double finiteLoss(Evaluation evaluation) {
        return evaluation == null || !Double.isFinite(evaluation.loss()) ? null : Double.valueOf(evaluation.loss());
    }
}
