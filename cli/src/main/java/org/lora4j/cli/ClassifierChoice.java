package org.lora4j.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.StartingAdapter;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.backend.Backend;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.GlueRecipe;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.lora.LoraConfig;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code train} wants to know of a classifier beside its task. */
final class ClassifierChoice {

    @Mixin
    private RecipeChoice recipes;

    @Option(names = "--dev", paramLabel = "PATH",
            description = "A file to measure on, where --data has no dev part.")
    private Path dev;

    @Option(names = "--adapter", paramLabel = "PATH",
            description = "Classifiers: begin with this adapter's updates, as the paper's MRPC, RTE and STS-B begin with MNLI's; its head "
                    + "is left out where its labels are others. A PEFT folder, or a loralib file, whose alpha is --alpha.")
    private Path adapter;

    @Option(names = "--new-head", description = "Classifiers: leave out the head that the model or the adapter has.")
    private boolean newHead;

    @Option(names = "--base-dropout", paramLabel = "P",
            description = "Classifiers: dropout inside the base (default: as its config.json says).")
    private Double baseDropout;

    @Option(names = "--head-dropout", paramLabel = "P", description = "Classifiers: dropout in the head (default: the same).")
    private Double headDropout;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    Path dev() {
        return dev;
    }

    Path adapter() {
        return adapter;
    }

    /** Sets the recipe's options, where one is asked for, before anything is read of them. */
    Optional<GlueRecipe> recipe(TaskChoice task, Ui ui) {
        Optional<GlueRecipe> recipe = recipes.recipe(task.glue());
        recipe.ifPresent(known -> {
            recipes.apply(known, ui);
            if (known.fromMnli() && adapter == null) {
                ui.warn("--recipe " + known.name() + ": the paper begins " + known.task().title() + " with an adapter that was trained "
                        + "on MNLI; --adapter names it. This run begins with the base alone");
            }
        });
        return recipe;
    }

    /** Refuses values that make no sense. */
    void check(MethodChoice methods) {
        if (adapter != null) {
            methods.requireLora("--adapter " + adapter);
            TaskChoice.refuse(command.commandLine().getCommandSpec(), "--adapter", MethodChoice.ofNewAdapters(), "a new one");
        }
        requireShare("--base-dropout", baseDropout);
        requireShare("--head-dropout", headDropout);
    }

    private void requireShare(String option, Double share) {
        if (share != null && !(share >= 0 && share < 1)) {
            throw new ParameterException(command.commandLine(), option + " " + share + ": expected 0 or more and below 1");
        }
    }

    /** Loads the base with a head for these labels. */
    SequenceClassifier load(ModelChoice model, Labels labels, long seed, Backend backend, Consumer<String> remarks) {
        ClassifierHead head = ClassifierHead.of(labels).withSeed(seed);
        BaseDropout dropout = baseDropout == null ? BaseDropout.CONFIGURED : new BaseDropout(baseDropout, baseDropout, null);
        return Families.classifier(model.folder(), backend, newHead ? head.renewed() : head,
                headDropout == null ? dropout : dropout.withHead(headDropout), model.heldIn(), remarks);
    }

    /**
     * Attaches what trains: the method, or the adapter to begin with.
     *
     * @param byRecipe whether a recipe says alpha, which a loralib file does not
     */
    Tuning attach(SequenceClassifier model, MethodChoice methods, long seed, boolean byRecipe, Ui ui) {
        if (adapter == null) {
            return methods.attach(model, methods.method(), seed);
        }
        StoredAdapter stored = AdapterFiles.read(adapter, new LoralibFormat.Options(methods.givenAlpha(byRecipe), List.of(), null));
        return LowRankAdaptation.of(StartingAdapter.attach(model, stored, newHead, ui::info));
    }

    /** What trains, in words. */
    String text(Tuning tuning, MethodChoice methods) {
        return adapter == null ? methods.text(tuning) : tuning.title() + " " + settings(tuning);
    }

    /** For the report. */
    RunReport.Method reported(Tuning tuning, MethodChoice methods) {
        return adapter == null ? methods.reported(tuning)
                : new RunReport.Method(tuning.title(), settings(tuning), tuning.parameterCount());
    }

    private String settings(Tuning tuning) {
        LoraConfig config = ((LowRankAdaptation.Attached) tuning).adapter().config();
        return "r " + config.rank() + ", alpha " + Names.number(config.alpha()) + ", begun with " + adapter;
    }
}
