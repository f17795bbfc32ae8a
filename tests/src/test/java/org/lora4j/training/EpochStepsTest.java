package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.task.Completion;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** A step ends with its epoch, as in Transformers. */
class EpochStepsTest {

    /** What {@code Trainer} of Transformers 5 makes of as many batches. */
    @ParameterizedTest
    @CsvSource({"10, 8, 1, 2", "10, 8, 3, 6", "10, 8, 0.5, 1", "16, 8, 1, 2", "3, 8, 2, 2", "10, 1, 1.5, 15", "10, 8, 1.25, 3"})
    void epochsHaveAsManyStepsAsInTransformers(int pairs, int accumulation, double epochs, long steps) {
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = Gpt2Files.load(EmbeddedBase.folder(), backend);
            List<TextPair> train = new ArrayList<>();
            for (int i = 0; i < pairs; i++) {
                train.add(new TextPair("number " + i, "is " + i));
            }
            FineTuning job = FineTuning.of(model, ByteLevelBpe.load(EmbeddedBase.folder()))
                    .method(new LowRankAdaptation(LoraConfig.of(1, 1).withParts("q"))).train(train).batchSize(1).seed(1).build();
            assertThat(job.steps(epochs, accumulation)).isEqualTo(steps);
        }
    }

    /** The first step has a learning rate of 0, so the second meets the values that the check is made with. */
    @Test
    void theLastStepOfAnEpochIsTheMeanOverWhatIsLeft() {
        try (Backend backend = Backends.create("reference")) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 4).withParts("q", "v"), 5);
            List<EncodedExample> examples = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                examples.add(new EncodedExample(new int[] {i, (3 * i) % 11, (5 * i) % 11, (7 * i) % 11}, 1 + i % 3));
            }
            LengthGroupedBatches<EncodedExample> data = LengthGroupedBatches.of(examples, 1, 1);
            List<Batch> left = List.of(Batch.of(data.at(new Cursor(0, 8))), Batch.of(data.at(new Cursor(0, 9))));
            double expected = Evaluation.of(model, left, Workspace.forInference(backend, 8)).loss();
            TrainingPlan plan = TrainingPlan.of(3, 0.01, 3).withAccumulation(8).withWarmupSteps(1)
                    .withAdamW(AdamW.Settings.PYTORCH);
            List<Double> losses = new ArrayList<>();

            Trainer.of(model, new Completion()).parameters(adapter.trainable()).data(data).plan(plan)
                    .listener(new TrainingListener() {
                @Override
                public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                    losses.add(loss);
                }
            }).build().run();

            assertThat(losses.get(1)).isCloseTo(expected, within(1e-12));
        }
    }
}
