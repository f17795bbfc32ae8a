package org.lora4j.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.NextTokens;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.task.Measure.Direction;
import org.lora4j.task.SquaredErrors.Plane;
import org.lora4j.task.SquaredErrors.Point;
import org.lora4j.task.SquaredErrors.Signs;
import org.lora4j.train.Evaluation;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainerBuilder;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.FullFineTuning;
import org.lora4j.tuning.Tuning;

/** A new task is an objective, a new score a measure; the trainer takes both as they come. */
class NewTaskTest {

    private static final AdamW.Settings PLAIN = new AdamW.Settings(0.9, 0.999, 1e-8, 0,
            DecayOrder.BEFORE, false);

    @TempDir
    private Path folder;

    private static List<Point> points() {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            double x1 = Math.sin(3 * i);
            double x2 = Math.cos(5 * i);
            points.add(new Point(x1, x2, 1.5 * x1 - 0.5 * x2));
        }
        return points;
    }

    private static TrainerBuilder<Point, List<Point>> squares(Plane plane, TrainingPlan plan) {
        return Trainer.of(plane, new SquaredErrors()).parameters(plane.parameters()).examples(points(), 8, 1)
                .dev(List.of(points().subList(0, 20), points().subList(20, 40))).plan(plan);
    }

    /** Least squares of points on a plane is the plane. */
    @ParameterizedTest
    @CsvSource({"reference, 1", "cpu, 1", "reference, 2"})
    void aRegressionLearnsItsPlane(String name, int accumulation) {
        try (Backend backend = Backends.create(name)) {
            Plane plane = new Plane(backend);
            Trainer.Outcome outcome = squares(plane, TrainingPlan.of(400, 0.05, 1).withAccumulation(accumulation)
                    .withAdamW(PLAIN)).measure(new Signs(plane)).build().run();
            assertThat(plane.w()[0]).isCloseTo(1.5, within(1e-3));
            assertThat(plane.w()[1]).isCloseTo(-0.5, within(1e-3));
            assertThat(outcome.before().value()).isZero();
            assertThat(outcome.after().value()).isEqualTo(1);
            assertThat(outcome.after().targets()).isEqualTo(40);
        }
    }

    /** A measure that says what it is told to, before the first step and after each. */
    private record Scripted(Direction direction, Iterator<Double> values) implements Measure<List<Point>> {

        @Override
        public String name() {
            return "score";
        }

        @Override
        public double of(TrainableModel<List<Point>> model, List<List<Point>> batches, Workspace ws, IntConsumer done) {
            return values.next();
        }
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void theBestByTheMeasuresDirectionIsKept(Direction direction) throws IOException {
        try (Backend backend = Backends.create("reference")) {
            Plane plane = new Plane(backend);
            List<double[]> afterStep = new ArrayList<>();
            List<Boolean> bests = new ArrayList<>();
            Trainer.Outcome outcome = squares(plane, TrainingPlan.of(5, 0.05, 1).withWarmupSteps(0).withEvaluateEvery(1))
                    .measure(new Scripted(direction, List.of(0.5, 0.4, 0.7, 0.2, 0.6, 0.3).iterator())).folder(folder)
                    .listener(new TrainingListener() {
                        @Override
                        public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                            afterStep.add(plane.w());
                        }

                        @Override
                        public void evaluated(long step, Evaluation evaluation, boolean best) {
                            bests.add(best);
                        }
                    }).build().run();
            int best = direction == Direction.HIGHER_IS_BETTER ? 2 : 3;
            assertThat(outcome.bestStep()).isEqualTo(best);
            assertThat(outcome.after().value()).isEqualTo(direction == Direction.HIGHER_IS_BETTER ? 0.7 : 0.2);
            assertThat(plane.w()).isEqualTo(afterStep.get(best - 1)).isNotEqualTo(afterStep.getLast());
            assertThat(bests).isEqualTo(direction == Direction.HIGHER_IS_BETTER
                    ? List.of(true, false, true, false, false, false) : List.of(true, true, false, true, false, false));
            assertThat(Files.readAllLines(folder.resolve("metrics.jsonl")))
                    .contains("{\"step\":2,\"dev_score\":0.7,\"best\":" + (best == 2) + "}");
        }
    }

    @Test
    void whereNothingIsBetterThanTheBaseARemarkNamesTheMeasure() {
        try (Backend backend = Backends.create("reference")) {
            List<String> remarks = new ArrayList<>();
            Plane plane = new Plane(backend);
            squares(plane, TrainingPlan.of(2, 0.05, 1).withEvaluateEvery(1))
                    .measure(new Scripted(Direction.HIGHER_IS_BETTER, List.of(0.5, 0.4, 0.3).iterator()))
                    .listener(new TrainingListener() {
                        @Override
                        public void remark(String line) {
                            remarks.add(line);
                        }
                    }).build().run();
            assertThat(remarks).hasSize(1).first().asString().startsWith("the dev score was never better than before the first "
                    + "step (0.5000); kept are the values of step 1, whose dev score is 0.4000");
        }
    }

    /** A measure may be finite where the model's numbers are not: the model is run once more before it is saved. */
    @Test
    void aRunWhoseLastUpdateBroughtNaNIsNoticedByAMeasureThatDoesNotSeeIt() {
        try (Backend backend = Backends.create("reference")) {
            Plane plane = new Plane(backend);
            Trainer<Point, List<Point>> trainer = squares(plane, TrainingPlan.of(2, 0.05, 1))
                    .measure(new Scripted(Direction.HIGHER_IS_BETTER, List.of(0.5, 0.6).iterator()))
                    .listener(new TrainingListener() {
                        @Override
                        public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                            if (step == 2) {
                                backend.fill(plane.parameters().getFirst().value(), Double.NaN);
                            }
                        }
                    }).build();
            assertThatThrownBy(trainer::run).isInstanceOf(LoraException.class).hasMessageContaining("diverged");
        }
    }

    /** Of GPT-2: how many of the targets are the token with the largest logit. */
    private static final class NextTokenAccuracy implements Measure<Batch> {

        @Override
        public String name() {
            return "accuracy";
        }

        @Override
        public Direction direction() {
            return Direction.HIGHER_IS_BETTER;
        }

        @Override
        public double of(TrainableModel<Batch> model, List<Batch> batches, Workspace ws, IntConsumer done) {
            long right = 0;
            long all = 0;
            for (Batch batch : batches) {
                double[] logits = model.backend().readDoubles(((LanguageModel) model).logits(batch, ws));
                int vocabulary = model.sizes().vocabulary();
                NextTokens next = NextTokens.of(batch);
                for (int i = 0; i < next.ids().length; i++) {
                    int best = 0;
                    for (int v = 1; v < vocabulary; v++) {
                        best = logits[next.rows()[i] * vocabulary + v] > logits[next.rows()[i] * vocabulary + best] ? v : best;
                    }
                    right += best == next.ids()[i] ? 1 : 0;
                }
                all += next.ids().length;
            }
            return (double) right / all;
        }
    }

    private static final class Stop extends RuntimeException {
    }

    /** Trained by its loss, kept by its accuracy; a run that is killed goes on to the same end. */
    @Test
    void aLanguageModelIsKeptByItsAccuracyAndGoesOnAfterAKill() throws IOException {
        Trainer.Outcome whole = countUpwards(folder.resolve("whole"), TrainingListener.NONE);
        assertThat(whole.before().value()).isLessThan(0.5);
        assertThat(whole.after().value()).isGreaterThan(0.9);
        assertThatThrownBy(() -> whole.after().loss()).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("accuracy");
        assertThatThrownBy(() -> countUpwards(folder.resolve("killed"), stopAt(33))).isInstanceOf(Stop.class);
        Trainer.Outcome resumed = countUpwards(folder.resolve("killed"), TrainingListener.NONE);
        assertThat(resumed.bestStep()).isEqualTo(whole.bestStep());
        assertThat(resumed.after().value()).isEqualTo(whole.after().value());
        Path other = folder.resolve("other");
        assertThatThrownBy(() -> countUpwards(other, stopAt(33))).isInstanceOf(Stop.class);
        assertThatThrownBy(() -> countUpwards(other, new MeanLoss<>(new Completion()), TrainingListener.NONE))
                .isInstanceOf(LoraException.class).hasMessageContaining("has measure accuracy, and none was asked for");
        assertThat(metrics("killed")).isEqualTo(metrics("whole")).anyMatch(line -> line.contains("dev_accuracy"));
    }

    private List<String> metrics(String run) throws IOException {
        return Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl")).stream()
                .map(line -> line.replaceAll(",\"tokens_per_second\":[^}]*", "")).toList();
    }

    private static TrainingListener stopAt(long last) {
        return new TrainingListener() {
            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                if (step == last) {
                    throw new Stop();
                }
            }
        };
    }

    private static Trainer.Outcome countUpwards(Path folder, TrainingListener listener) {
        return countUpwards(folder, new NextTokenAccuracy(), listener);
    }

    private static Trainer.Outcome countUpwards(Path folder, Measure<Batch> measure, TrainingListener listener) {
        List<EncodedExample> examples = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            examples.add(new EncodedExample(new int[] {i, (i + 1) % 11, (i + 2) % 11, (i + 3) % 11}, 1));
        }
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            Tuning tuning = new FullFineTuning().attach(model, 1);
            return Trainer.of(model, new Completion()).parameters(tuning.trainable()).examples(examples, 4, 1)
                    .dev(Batch.byLength(examples, 4)).measure(measure).folder(folder)
                    .plan(TrainingPlan.of(60, 0.02, 1).withWarmupSteps(3).withEvaluateEvery(7).withCheckpointEvery(10)
                            .withLogEvery(1))
                    .recipe(Map.of("data", "counting")).listener(listener).build().run();
        }
    }
}
