package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Set;
import org.lora4j.backend.Backend;
import org.lora4j.family.LanguageModel;
import org.lora4j.model.Model;
import org.lora4j.task.MeanLoss;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.Evaluation;
import org.lora4j.train.StoppedException;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingJob;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;

/** Shows a training run: what trains, a progress bar with loss, tokens/s and time left, and the dev loss as it falls. */
final class TrainingRun {

    /** Losses of single steps jump; the bar shows their running mean with this weight for the newest. */
    private static final double NEWEST = 0.05;

    private final Ui ui;

    TrainingRun(Ui ui) {
        this.ui = ui;
    }

    /** What is about to run; a remark that belongs into a log of results as well. */
    void announce(LanguageModel model, Tuning tuning, String method, int train, int dev, Backend backend) {
        announce(model, tuning, method, "pairs", train, dev, backend);
    }

    /** @param unit what the examples are called: pairs, chats */
    void announce(LanguageModel model, Tuning tuning, String method, String unit, int train, int dev, Backend backend) {
        announce(model, tuning, method, "%,d %s to learn from, %,d to measure on".formatted(train, unit, dev), backend);
        if (tuning instanceof LowRankAdaptation.Attached lora && !ui.isQuiet()) {
            sayWhichViewIsAdapted(model, lora.adapter().adaptedModules());
        }
    }

    /** @param data what is learnt from, in words */
    void announce(Model model, Tuning tuning, String method, String data, Backend backend) {
        if (ui.isQuiet()) {
            return;
        }
        long all = model.parameterCount();
        long trainable = tuning.parameterCount();
        ui.print(ui.bold("Base      ") + "%s, %d layers, %d wide, %d heads: %,d parameters".formatted(
                model.names().title(), model.sizes().blocks(), model.sizes().width(), model.sizes().heads(), all)
                + (tuning.saved() == Saved.ADAPTER ? ", frozen" : trainable == all ? ", copies of all train"
                        : ", copies of some train"));
        ui.print(ui.bold("Method    ") + "%s: %,d trainable parameters, %.2f %% of the base".formatted(
                method, trainable, 100.0 * trainable / all));
        ui.print(ui.bold("Data      ") + data);
        ui.print(ui.bold("Backend   ") + backend.name() + ", " + backend.describe());
    }

    /** A tied head is the embedding's table seen the other way, and adapting one view leaves the other as it is. */
    private void sayWhichViewIsAdapted(LanguageModel model, Set<String> adapted) {
        boolean embedding = adapted.contains(model.names().tokens());
        boolean head = adapted.contains(model.names().head());
        if (model.isTied() && embedding != head) {
            ui.info(lastWord(model.names().tokens()) + " and " + lastWord(model.names().head())
                    + " are two views of one table; only " + (embedding ? "the embedding" : "the head")
                    + " gets an update, the other view stays as it is");
        }
    }

    private static String lastWord(String module) {
        return module.substring(module.lastIndexOf('.') + 1);
    }

    Trainer.Outcome train(TrainingJob<?, ?> job, TrainingPlan plan, Path out, String baseModel) {
        try (Progress progress = ui.progress("train");
                StopSignals signals = !ui.membership().isAlone() ? StopSignals.elsewhere() : StopSignals.listen(() -> ui.info("stopping: this step is finished and a checkpoint "
                        + "written; a second signal (Ctrl-C) ends at once, without"))) {
            Display display = new Display(progress, plan.steps(), "dev " + job.measure().name(), signals);
            if (job.dev().isEmpty() && !Checkpoint.existsIn(out)) {
                display.start(); // so that the first step, the slowest, counts
            }
            try {
                return job.run(plan, out, baseModel, display, ui.membership().group());
            } catch (StoppedException stopped) {
                throw new InterruptedRun(stopped, signals.exitCode());
            }
        }
    }

    /** Tells the bar. */
    private final class Display implements TrainingListener {

        private final Progress progress;
        private final long steps;
        private final String measured; // "dev loss"
        private final StopSignals signals;
        private double smoothed = Double.NaN;
        private double speed;
        private boolean started;
        private Progress base;

        Display(Progress progress, long steps, String measured, StopSignals signals) {
            this.progress = progress;
            this.measured = measured;
            this.steps = steps;
            this.signals = signals;
        }

        @Override
        public void resumed(long step) {
            ui.info("going on from the checkpoint after step " + step);
            progress.start(step, steps);
            started = true;
        }

        @Override
        public void step(long step, double loss, double learningRate, double tokensPerSecond) {
            start();
            smoothed = Double.isNaN(smoothed) ? loss : smoothed + NEWEST * (loss - smoothed);
            speed = tokensPerSecond;
            progress.update(step, smoothed, speed);
        }

        @Override
        public void evaluating(long step, int done, int all) {
            if (started) {
                progress.update(step, measured + ": %d of %d batches".formatted(done, all));
                return;
            }
            if (base == null) {
                base = ui.progress(measured + " of the base");
                base.start(all);
            }
            base.update(done, "");
        }

        @Override
        public void evaluated(long step, Evaluation evaluation, boolean best) {
            if (base != null) {
                base.finish();
                base = null;
                start();
            }
            if (step > 0) {
                progress.update(step, smoothed, speed);
            }
            String measure = evaluation.measure().name();
            ui.info("step %,d: dev %s %.4f%s%s".formatted(step, measure, evaluation.value(),
                    measure.equals(MeanLoss.NAME) ? ", perplexity %.2f".formatted(evaluation.perplexity()) : "",
                    best || step == 0 ? "" : " (not the best)"));
        }

        @Override
        public void remark(String line) {
            ui.warn(line);
        }

        @Override
        public boolean stopRequested() {
            return signals.isReceived() || ui.membership().stop().getAsBoolean();
        }

        private void start() {
            if (!started) {
                progress.start(steps);
                started = true;
            }
        }
    }

    /** @param measure what was measured, for people: {@code accuracy} */
    void summarise(Trainer.Outcome outcome, String measure) {
        if (outcome.after() != null) {
            ui.print(ui.bold("%-10s".formatted(ClassifierRun.capital(measure))) + "%s before, %s after, on dev".formatted(
                    ClassifierScores.text(outcome.before().value()), ui.good(ClassifierScores.text(outcome.after().value()))));
        }
        ui.print(ui.bold("Training  ") + "%.1f s, %,.0f tokens/s".formatted(outcome.seconds(), outcome.tokensPerSecond()));
    }

    void summarise(Trainer.Outcome outcome) {
        if (outcome.after() != null && Double.isNaN(outcome.after().loss())) {
            ui.print(ui.bold("Dev loss  ") + "not a number, before and after");
        } else if (outcome.before() != null && outcome.after() != null) {
            ui.print(ui.bold("Dev loss  ") + "%.3f before, %s after; perplexity %.1f before, %s after".formatted(
                    outcome.before().loss(), ui.good("%.3f".formatted(outcome.after().loss())),
                    outcome.before().perplexity(), ui.good("%.1f".formatted(outcome.after().perplexity()))));
        }
        ui.print(ui.bold("Training  ") + "%.1f s, %,.0f tokens/s".formatted(
                outcome.seconds(), outcome.tokensPerSecond()));
    }
}
