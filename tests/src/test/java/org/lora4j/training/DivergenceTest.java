package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.optim.AdamW;
import org.lora4j.task.Completion;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** A run whose values stop being finite is an error, whenever they do, and says what is left of it. */
class DivergenceTest {

    private static final int STEPS = 9;

    @TempDir
    private Path folder;

    private final List<double[]> afterStep = new ArrayList<>();
    private final List<Double> saved = new ArrayList<>();

    /** The last step among them: its update is nobody's forward but the check's. */
    @ParameterizedTest
    @CsvSource({"1, 0", "2, 0", "5, 0", "9, 0", "1, 3", "5, 3", "6, 3", "9, 3"})
    void aBadUpdateIsAnErrorThatNamesWhatIsLeft(long bad, long evaluateEvery) {
        String message = message(bad, evaluateEvery, Double.NaN, 4);

        assertThat(message).contains("diverged", "Lower `learningRate` (0.01)").doesNotContain("\n");
        long kept = evaluateEvery > 0 && bad > 3 ? -1 : bad - 1; // the dev loss decides, or it is the step before the bad one
        if (kept == 0) {
            assertThat(message).contains("the last good state is the base");
            assertThat(saved).isEmpty();
            assertThat(Checkpoint.existsIn(folder)).isFalse(); // so that another try needs no --overwrite
        } else {
            assertThat(message).contains(kept > 0 ? "is of step " + kept : "is of step ");
            assertThat(saved.getLast()).isFinite();
        }
        if (kept > 0) {
            assertThat(saved.getLast()).isEqualTo(sum(afterStep.get((int) kept - 1)));
        }
    }

    /** Finite, and yet no loss comes of them: what 1e30 for a learning rate gives. */
    @ParameterizedTest
    @ValueSource(longs = {1, 9})
    void valuesTooLargeForTheModelAreAnErrorToo(long bad) {
        assertThat(message(bad, 0, 1e38, 4)).contains("the loss is NaN", "diverged");
    }

    @Test
    void noCheckpointHoldsWhatCannotBeGoneOnWith() {
        assertThat(message(8, 0, Double.NaN, 4)).contains("is of step 7");
        try (Safetensors checkpoint = Safetensors.open(folder.resolve(Checkpoint.FILE_NAME))) {
            assertThat(checkpoint.metadata().get("lora4j.progress")).contains("\"step\":4"); // that of step 8 was due
            for (String name : checkpoint.names()) {
                assertThat(Arrays.stream(checkpoint.doubles(name)).allMatch(Double::isFinite)).as(name).isTrue();
            }
        }
    }

    /** The message of a run into whose update of step {@code bad} this value is put. */
    private String message(long bad, long evaluateEvery, double value, long checkpointEvery) {
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 4).withParts("q", "v"), 5);
            TrainingPlan plan = TrainingPlan.of(STEPS, 0.01, 3).withSchedule(TrainingPlan.ScheduleKind.CONSTANT).withWarmupSteps(0)
                    .withAdamW(AdamW.Settings.PYTORCH).withEvaluateEvery(evaluateEvery).withCheckpointEvery(checkpointEvery)
                    .withLogEvery(1);
            List<EncodedExample> examples = examples();
            List<Batch> dev = evaluateEvery > 0 ? Batch.byLength(examples, 4) : List.of();
            Trainer<EncodedExample, Batch> trainer = Trainer.of(model, new Completion()).parameters(adapter.trainable())
                    .examples(examples, 2, 1).dev(dev).plan(plan).folder(folder)
                    .save(() -> saved.add(sum(values(backend, adapter)))).listener(new TrainingListener() {
                @Override
                public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                    afterStep.add(values(backend, adapter));
                    if (step == bad) {
                        adapter.trainable().forEach(parameter -> backend.fill(parameter.value(), value));
                    }
                }
            }).build();
            String[] message = new String[1];
            assertThatThrownBy(trainer::run).isInstanceOf(LoraException.class)
                    .satisfies(thrown -> message[0] = thrown.getMessage());
            return message[0];
        }
    }

    private static List<EncodedExample> examples() {
        List<EncodedExample> examples = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            examples.add(new EncodedExample(new int[] {i, i + 1, i + 2, (i * 3) % 11}, 2));
        }
        return examples;
    }

    private static double[] values(Backend backend, LoraAdapter adapter) {
        return adapter.trainable().stream().map(Parameter::value)
                .flatMapToDouble(value -> Arrays.stream(backend.readDoubles(value))).toArray();
    }

    private static double sum(double[] values) {
        return Arrays.stream(values).sum();
    }
}
