package org.lora4j.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.data.DataSource;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.ExampleReader;
import org.lora4j.data.Split;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.GlueRecipe;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
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
            "Trains a model on chats, prompts, pairs or texts, or on texts with labels.",
            "",
            "Without --task it learns to write: of a chat the assistant's turns, of a prompt its completion, of a text all "
                    + "(--loss-on says otherwise). Chats take the form of the model's own chat template. With --task it learns "
                    + "labels: of texts of your own (classification, regression) or of a GLUE task; the head for them trains "
                    + "whatever the method.",
            "",
            "--method says what trains: LoRA's adapter, which the folder --out gets as PEFT writes it, adapter layers, or the model's own "
                    + "parameters, and then it gets a whole model with its tokenizer, which generate --model reads; and "
                    + "metrics.jsonl and report.html. Ctrl-C finishes the step and writes a checkpoint (a second one ends at "
                    + "once), and a run that was interrupted or killed goes on from its last checkpoint when the same command is "
                    + "given again. Of the values measured on a dev set the best are kept: those with the lowest loss, or of "
                    + "labels the highest accuracy, Matthews' or Pearson's correlation, as the task is measured. A run that "
                    + "diverges fails and says what is left. The paper's E2E recipe: --lr 2e-4 --warmup 500 --epochs 5 --batch 8 "
                    + "--dropout 0.1 --label-smoothing 0.1 --rank 4 --alpha 32 --targets q,v.",
        },
        footer = {
            "  lora4j train --model base-6m --data e2e --method lora --rank 4 --alpha 32 \\",
            "      --targets q,v --epochs 1 --lr 1e-2 --out my-adapter",
            "  lora4j train --model my-model --data chats.jsonl --out my-adapter",
            "  lora4j train --model base-6m --data e2e --method full --epochs 1 --lr 1e-3 --out my-model",
            "  lora4j train --model roberta-base --task sst2 --data glue --recipe roberta-base --out my-sst2",
            "  lora4j train --model roberta-base --task classification --data reviews --epochs 3 --lr 5e-4 --out my-reviews",
        })
final class TrainCommand extends LoraCommand {

    /** The task that needs no word. */
    private static final String PAIRS = "completion";

    @Mixin
    ModelChoice model;

    @Mixin
    DataChoice data;

    @Mixin
    private ExampleChoice layout;

    @Mixin
    TaskChoice task;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "The run's folder, for the adapter or the model.")
    Path out;

    @Option(names = "--overwrite",
            description = "Replace what another command has trained or left unfinished in the folder: it is removed when training "
                    + "begins. An unfinished run of the same command goes on, and a model that was not trained there stays.")
    boolean overwrite;

    @Mixin
    ClassifierChoice classifier;

    @Mixin
    MethodChoice methods;

    @Mixin
    PlanChoice plans;

    @Option(names = "--examples", defaultValue = "0", paramLabel = "N",
            description = "Train on N examples drawn from the data, 0 for all (default: ${DEFAULT-VALUE}).")
    int examples;

    @Option(names = "--dev-examples", defaultValue = "0", paramLabel = "N",
            description = "Evaluate on N examples drawn from the dev set, 0 for all (default: ${DEFAULT-VALUE}).")
    int devExamples;

    @Option(names = "--samples", defaultValue = "3", paramLabel = "N",
            description = "Inputs of the dev set for which the report shows what the model writes before and after "
                    + "(default: ${DEFAULT-VALUE}).")
    private int samples;

    @Option(names = "--json", description = "Print what came out as JSON, for programs.")
    boolean json;

    @Mixin
    ClusterChoice cluster;

    @Mixin
    BackendChoice backend;

    @Override
    protected int run() {
        boolean pairs = task.other(PAIRS, PAIRS).isPresent();
        data.requireGiven();
        Optional<GlueRecipe> recipe = Optional.empty();
        if (pairs) {
            TaskChoice.refuse(spec(), "training on pairs", TaskChoice.ofClassifiers(), "texts with labels (--task)");
            takeDefaults();
        } else {
            TaskChoice.refuse(spec(), "--task " + task.title(), 
                    List.of("--too-long", "--samples", "--columns", "--template", "--loss-on"), "pairs");
            recipe = classifier.recipe(task, ui());
            classifier.check(methods);
        }
        checkOptions();
        methods.readTextsBy(model::tokenizer);
        TuningMethod method = methods.method();
        Destination.reading("--model", model.folder()).and("--data", pairs ? data.path() : data.place())
                .and("--dev", classifier.dev()).and("--adapter", classifier.adapter()).requireFolderApart(out);
        if (cluster.isGiven()) {
            return trainOnCluster();
        }
        ClassifierRun run = pairs ? null : new ClassifierRun(this, ui(), recipe);
        try (RunFolder folder = ui().membership().leads() ? RunFolder.open(out) : RunFolder.ofAnother(out)) {
            if (!overwrite) {
                folder.requireNothingTrained();
            }
            if (pairs) {
                train(method, folder);
            } else {
                run.train(folder);
            }
        }
        return ExitCode.OK;
    }

    private int trainOnCluster() {
        Cluster.Work work = cluster.work(plans.accumulation());
        try (StopSignals signals = StopSignals.listen(() -> ui().info("stopping: this step is finished and a checkpoint written; a "
                + "second signal (Ctrl-C) ends at once, without"))) {
            int code = Cluster.find().train(work, ui().resultStream(), ui().remarkStream(), signals::isReceived);
            return code != ExitCode.OK && signals.isReceived() ? signals.exitCode() : code;
        }
    }

    private void train(TuningMethod method, RunFolder folder) {
        ExampleReader<Example> reader = layout.reader();
        List<? extends Example> train = data.open(Split.TRAIN, reader);
        List<? extends Example> dev = dev(reader);
        train = examples > 0 ? FineTuning.sample(train, examples, plans.seed()) : train;
        dev = devExamples > 0 ? FineTuning.sample(dev, devExamples, plans.seed()) : dev;
        try (Backend b = backend.open()) {
            LanguageModel loaded = model.load(b);
            Tokenizer tokenizer = model.tokenizer();
            Tuning tuning = methods.attach(loaded, method, plans.seed());
            checkPlace(folder, tuning);
            ChatTemplate template = layout.template(model, tokenizer);
            FineTuning job = FineTuning.of(loaded, tokenizer).tuning(tuning).lossOn(layout.lossOn()).chatTemplate(template).train(train).dev(dev).batchSize(plans.batchSize())
                    .tooLong(data.tooLong()).seed(plans.seed()).source(model.folder()).build();
            int learned = job.examplesLearned();
            job.remarks().forEach(ui()::warn);
            if (template == null && job.takesStandardForm()) {
                ui().info("the model has no chat template: chats are written in a standard form, <|user|> and <|assistant|> on lines of "
                        + "their own and " + tokenizer.endOfTextToken() + " behind each turn; the adapter says so");
            }
            if (!dev.isEmpty() && job.dev().isEmpty()) {
                ui().warn("nothing is left of the dev part, so no dev loss is measured and the last step's weights are kept");
            }
            TrainingPlan plan = methods.plan(plans.plan(job));
            if (methods.learnsNothing()) {
                ui().warn("--alpha 0: the update is multiplied by 0, so it learns nothing and changes nothing");
            }
            plans.remarkOn(plan, job, devExamples, ui());
            if (overwrite && !job.isUnfinishedIn(out, plan)) {
                folder.clear();
            }
            TrainingRun run = new TrainingRun(ui());
            if (!json) {
                run.announce(loaded, tuning, methods.text(tuning), ExampleChoice.unit(train), learned,
                        job.examplesMeasured(), b);
            }
            boolean leads = ui().membership().leads();
            Samples texts = new Samples(loaded, tokenizer, dev, job.encoder(), leads ? samples : 0, ui()::warn);
            texts.before();
            Trainer.Outcome outcome = run.train(job, plan, out, model.name());
            if (!leads) {
                return;
            }
            Path report = new RunReporter(out, tuning.saved(), tuning.title() + " on " + data.name(),
                    new RunReport.Base(model.name(), loaded.parameterCount()), methods.reported(tuning))
                    .subtitle("%,d steps on %,d %s".formatted(plan.steps(), learned, ExampleChoice.unit(train))).beside(data.experiment())
                    .samples(texts.after()).command(commandText()).write(plan, plans.batchSize(), learned, outcome, b);
            if (json) {
                ui().printJson(result(loaded, job, plan, outcome, report));
            } else {
                run.summarise(outcome);
                ui().print(ui().bold(tuning.saved() == Saved.ADAPTER ? "Adapter   " : "Model     ") + out);
                ui().print(ui().bold("Report    ") + report);
            }
        }
    }

    /** The file of {@code --dev}, or the data's part of that name; none where there is neither. */
    private List<? extends Example> dev(ExampleReader<Example> reader) {
        return classifier.dev() != null ? DataSource.of(classifier.dev()).open(Split.DEV, reader)
                : data.has(Split.DEV, reader) ? data.open(Split.DEV, reader) : List.of();
    }

    /** For options that are not given, what suits the model's family. */
    private void takeDefaults() {
        Map<String, String> options = new LinkedHashMap<>();
        Families.tuningDefaults(model.folder()).settings().forEach((setting, value) -> options.put(OptionNames.of(setting), value));
        if (!methods.isLora()) {
            options.keySet().retainAll(List.of("--lr"));
        }
        boolean usual = options.entrySet().stream().allMatch(option -> spec().findOption(option.getKey()).defaultValue()
                .equals(option.getValue()));
        String taken = usual ? "" : RecipeChoice.fill(spec().commandLine(), options);
        if (!taken.isEmpty()) {
            ui().info("for a model of this kind, where nothing is said:" + taken);
        }
    }

    /** Whether what will be saved may go into the folder. */
    void checkPlace(RunFolder folder, Tuning tuning) {
        if (tuning.saved() == Saved.MODEL) {
            folder.requireNoOtherModel();
            if (model.heldIn() != WeightType.FLOAT32) {
                ui().warn("--base-dtype: the model is saved with what does not train as it was held, rounded to " + model.heldIn()
                        .name().toLowerCase(Locale.ROOT));
            }
        }
    }

    /** The command as one would type it again. */
    String commandLine() {
        return commandText();
    }

    /** Refuses what is wrong whatever the data and the model; the plan checks the rest. */
    private void checkOptions() {
        plans.check();
        cluster.check(plans.accumulation());
        require(examples >= 0, "--examples", examples, "0 (all) or more");
        require(devExamples >= 0, "--dev-examples", devExamples, "0 (all) or more");
        require(samples >= 0, "--samples", samples, "0 or more");
    }

    private void require(boolean holds, String option, Object found, String expected) {
        if (!holds) {
            throw wrongUse(option + " " + found + ": expected " + expected);
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
