package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.optim.AdamW;
import org.lora4j.select.TargetSelector;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** The embedded base on eight lines of E2E: does it learn them by heart, and the same way each time? */
class OverfitTest {

    private static final List<TextPair> LINES = eightShortLines();

    /** The shortest line of each input, and of those the eight shortest: each input then has one answer. */
    private static List<TextPair> eightShortLines() {
        Comparator<TextPair> byLength =
                Comparator.comparingInt(pair -> pair.context().length() + pair.completion().length());
        return E2e.embedded(Split.TRAIN).stream()
                .collect(Collectors.groupingBy(TextPair::context, TreeMap::new, Collectors.minBy(byLength))).values()
                .stream().flatMap(Optional::stream).sorted(byLength).limit(8).toList();
    }

    @Test
    void eightLinesAreLearntByHeart() {
        learnByHeart("cpu");
    }

    static void learnByHeart(String backendName) {
        try (Backend backend = Backends.create(backendName)) {
            Gpt2 model = Gpt2Files.load(EmbeddedBase.folder(), backend);
            ByteLevelBpe tokenizer = ByteLevelBpe.load(EmbeddedBase.folder());
            LoraConfig config = LoraConfig.of(8, 16)
                    .withTargets(TargetSelector.byNames(List.of("c_attn", "c_proj", "c_fc")));
            LoraAdapter adapter = LoraAdapter.attach(model, config, 1);
            FineTuning job = FineTuning.of(model, tokenizer).tuning(LowRankAdaptation.of(adapter)).train(LINES).dev(LINES)
                    .seed(1).build();

            Trainer.Outcome outcome = job.run(plan(24), null, "base-6m", TrainingListener.NONE);

            assertThat(outcome.before().loss()).isGreaterThan(4);
            assertThat(outcome.after().loss()).isLessThan(0.05);
            EncodedExample example = job.examples().examples().getFirst();
            int[] prompt = Arrays.copyOf(example.tokens(), example.completionStart());
            int[] written = new Generator(model).generate(prompt, 60, Set.of(tokenizer.endOfText()), Sampling.GREEDY);
            assertThat(tokenizer.decode(written).strip()).isEqualTo(LINES.getFirst().completion());
        }
    }

    @Test
    void theBitsAreTheSameOnEveryRunWithAnyNumberOfThreads() {
        List<Double> expected = losses(1);
        assertThat(losses(1)).isEqualTo(expected);
        assertThat(losses(2)).isEqualTo(expected);
        assertThat(losses(3)).isEqualTo(expected);
    }

    /** The losses of some steps with dropout, and the sum of squares of every tensor that was trained. */
    private static List<Double> losses(int threads) {
        try (Backend backend = Backends.create("cpu", new BackendOptions(threads, Precision.STRICT))) {
            Gpt2 model = Gpt2Files.load(EmbeddedBase.folder(), backend, 0.1);
            LoraAdapter adapter =
                    LoraAdapter.attach(model, LoraConfig.of(4, 32).withParts("q", "v").withDropout(0.1), 1);
            ByteLevelBpe tokenizer = ByteLevelBpe.load(EmbeddedBase.folder());
            FineTuning job = FineTuning.of(model, tokenizer).tuning(LowRankAdaptation.of(adapter)).train(LINES).batchSize(3)
                    .seed(1).build();
            List<Double> numbers = new ArrayList<>();
            job.run(plan(4), null, "base-6m", new TrainingListener() {
                @Override
                public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                    numbers.add(loss);
                }
            });
            adapter.trainable().forEach(parameter -> numbers.add(backend.sumOfSquares(parameter.value())));
            return numbers;
        }
    }

    private static TrainingPlan plan(int steps) {
        return TrainingPlan.of(steps, 0.01, 1).withSchedule(TrainingPlan.ScheduleKind.COSINE).withWarmupSteps(3)
                .withAdamW(AdamW.Settings.PYTORCH).withClipNorm(1).withCheckpointEvery(0).withLogEvery(1);
    }
}
