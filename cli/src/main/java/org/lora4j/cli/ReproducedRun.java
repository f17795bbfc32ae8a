package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;
import org.lora4j.experiments.evaluate.DecodedLines;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.experiments.reproduce.Experiment;
import org.lora4j.experiments.reproduce.RunResult;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.io.FileErrors;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * The runs of an experiment, each in a folder of its own: train, decode, score. What is done leaves a file and is not done
 * again, training goes on from its checkpoint and decoding after its last text, so a command that was killed goes on when
 * it is given again.
 */
final class ReproducedRun {

    /** The folder of what the base writes. */
    static final String BASE = "base";

    private final Ui ui;
    private final Backend backend;
    private final Setup setup;
    private final boolean overwrite;

    /**
     * What all runs of a command share.
     *
     * @param model      the base's folder
     * @param modelName  as the user typed it
     * @param train      pairs to learn from
     * @param dev        pairs to measure the loss on
     * @param references of the inputs to decode
     * @param part       what those are of
     * @param root       the folder of all runs
     */
    record Setup(
            Path model, String modelName, List<TextPair> train, List<TextPair> dev, Map<String, List<String>> references,
            Split part, int batch, double alpha, Beam beam, int maxNewTokens, Path root) {

        String decoding() {
            return BeamChoice.text(beam, maxNewTokens);
        }

        Path folder(Experiment.TableRow row, long seed) {
            return root.resolve(row.id() + "-seed" + seed);
        }
    }

    /** @param overwrite whether a run with other options is taken away, rather than refused */
    ReproducedRun(Ui ui, Backend backend, Setup setup, boolean overwrite) {
        this.ui = ui;
        this.backend = backend;
        this.setup = setup;
        this.overwrite = overwrite;
    }

    /** What a row would train: its method in words and the number of its parameters. */
    static RunReport.Method reported(RunResult result) {
        return new RunReport.Method(result.row().method(), result.row().settings(), result.row().trainable());
    }

    /** Takes away what an earlier command has left of a run. */
    private static void forget(Path folder) {
        try {
            for (String file : List.of(RunResult.TRAINED_FILE_NAME, RunResult.FILE_NAME)) {
                Files.deleteIfExists(folder.resolve(file));
            }
        } catch (IOException e) {
            throw FileErrors.writing(folder, e);
        }
        DecodedLines.delete(folder);
    }

    // ------------------------------------------------------------------------------------------------ training

    /** Trains a row, or goes on with it, or reads what came of it. */
    RunResult train(Experiment.TableRow row, TrainingPlan plan, String command) {
        Path folder = setup.folder(row, plan.seed());
        try (RunFolder locked = RunFolder.open(folder)) {
            return train(row, plan, command, folder, locked);
        }
    }

    private RunResult train(Experiment.TableRow row, TrainingPlan plan, String command, Path folder, RunFolder locked) {
        LanguageModel model = load(setup.model);
        Tokenizer tokenizer = Families.tokenizer(setup.model);
        Tuning tuning = tuningMethod(row).attach(model, plan.seed());
        RunReport.Method method = method(row, tuning);
        RunResult asked = RunResult.asked(
                new RunResult.Row(row.id(), row.name(), method.name(), method.settings(), method.trainableParameters()),
                new RunResult.Base(setup.modelName, model.parameterCount()),
                new RunResult.Recipe(plan.seed(), plan.steps(), setup.batch, plan.learningRate(), setup.train.size(),
                        setup.dev.size()));
        RunResult trained = overwrite ? readable(folder) : RunResult.read(folder, RunResult.TRAINED_FILE_NAME);
        if (trained != null && (!overwrite || trained.isSameRun(asked, folder))) {
            trained.requireSameRun(asked, folder);
            return trained;
        }
        forget(folder);
        ui.info("%s, seed %d: %s, %,d parameters train".formatted(row.name(), plan.seed(), method.name(),
                method.trainableParameters()));
        FineTuning job = FineTuning.of(model, tokenizer).tuning(tuning).train(setup.train).dev(setup.dev)
                .batchSize(setup.batch).seed(plan.seed()).source(setup.model).build();
        if (tuning.saved() == Saved.MODEL) {
            locked.requireNoOtherModel();
        }
        // without trained.json an adapter is of a run that was cut off
        if (!job.isUnfinishedIn(folder, plan) && (overwrite || !Checkpoint.existsIn(folder))) {
            locked.clear();
        }
        Trainer.Outcome outcome = new TrainingRun(ui).train(job, plan, folder, setup.modelName);
        trained = asked.trained(new RunResult.Training(outcome.before().loss(), outcome.after().loss(), outcome.bestStep(),
                outcome.seconds(), outcome.tokensPerSecond(), backend.name() + ", " + backend.describe(), command));
        trained.write(folder, RunResult.TRAINED_FILE_NAME);
        return trained;
    }

    /** Null also where it cannot be read, and is about to be written over. */
    private static RunResult readable(Path folder) {
        try {
            return RunResult.read(folder, RunResult.TRAINED_FILE_NAME);
        } catch (LoraException e) {
            return null;
        }
    }

    private TuningMethod tuningMethod(Experiment.TableRow row) {
        return isLora(row) ? new LowRankAdaptation(config(row.rank(), setup.alpha, row.targets()))
                : TuningMethods.parse(row.method());
    }

    private static boolean isLora(Experiment.TableRow row) {
        return row.method().equals(TuningMethods.LORA);
    }

    private RunReport.Method method(Experiment.TableRow row, Tuning tuning) {
        return isLora(row)
                ? RunReport.Method.lora(row.rank(), setup.alpha, List.of(row.targets().split(",")), tuning.parameterCount())
                : MethodChoice.reportedOther(tuning);
    }

    static LoraConfig config(int rank, double alpha, String targets) {
        return LoraConfig.of(rank, alpha).withTargets(targets, List.of());
    }

    private LanguageModel load(Path model) {
        return Families.load(model, backend, 0, WeightType.FLOAT32, ui::warnOnce);
    }

    // ------------------------------------------------------------------------------------------------ texts and scores

    /** Decodes with what was trained, and scores. */
    RunResult score(Experiment.TableRow row, RunResult trained) {
        Path folder = setup.folder(row, trained.recipe().seed());
        RunResult done = RunResult.read(folder, RunResult.FILE_NAME);
        if (done != null && done.texts() != null && done.texts().inputs() == setup.references.size()
                && done.texts().split().equals(setup.part.toString())
                && done.texts().decoding().equals(setup.decoding())) {
            return done;
        }
        LanguageModel model = load(isLora(row) ? setup.model : folder);
        if (isLora(row)) {
            PeftFormat.load(model, folder).freeze();
        }
        TaskScores.Result found = decode(row.name() + ", decode", model, folder);
        RunResult scored = trained.scored(new RunResult.Texts(
                setup.part.toString(), setup.references.size(), setup.decoding(), found.seconds(), found.scores()));
        scored.write(folder, RunResult.FILE_NAME);
        return scored;
    }

    /** What the base writes, and how that scores. */
    TaskScores.Result base() {
        Path folder = setup.root.resolve(BASE);
        return decode("the base, decode", load(setup.model), folder);
    }

    /** The texts of a run whose scores are there. */
    List<Decoded> texts(Experiment.TableRow row, RunResult result) {
        return DecodedLines.read(setup.folder(row, result.recipe().seed()));
    }

    private TaskScores.Result decode(String task, LanguageModel model, Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new LoraException("--out: " + FileErrors.writing(folder, e).getMessage(), e);
        }
        TextDecoding decoding =
                new TextDecoding(model, Families.tokenizer(setup.model), setup.beam, setup.maxNewTokens);
        if (overwrite) {
            decoding.forgetOthers(folder, List.copyOf(setup.references.keySet()));
        }
        return new TaskScores(ui).of(task, decoding, setup.references, folder);
    }
}
