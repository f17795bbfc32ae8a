package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.CountingBackend;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.task.Completion;
import org.lora4j.train.Step;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.BitFit;
import org.lora4j.tuning.FullFineTuning;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.lora.LoraConfig;

/** Partial gradients: how they are made, rounded and added. */
class StepTest {

    private static final int TOKENS = 64;
    private static final TrainingPlan PLAN = TrainingPlan.of(10, 0.05, 7).withClipNorm(1).withLabelSmoothing(0.1);

    static Stream<Arguments> runs() {
        return Stream.of("reference", "cpu").flatMap(backend -> Stream.of(
                new LowRankAdaptation(LoraConfig.of(2, 4).withParts("q", "v").withDropout(0.2)), new FullFineTuning(),
                new BitFit()).flatMap(method -> IntStream.rangeClosed(1, 5)
                .mapToObj(batches -> Arguments.of(backend, method, batches))));
    }

    /** Batches of 1 to 5 examples, so of very different numbers of targets. */
    private static List<Batch> batches(int count) {
        List<EncodedExample> examples = SmallRun.examples("step", 15);
        List<Batch> batches = new ArrayList<>();
        int from = 0;
        for (int i = 1; i <= count; i++) {
            batches.add(Batch.of(examples.subList(from, from + i)));
            from += i;
        }
        return batches;
    }

    private static Step<Batch> step(Backend backend, TuningMethod method) {
        Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend, 0.1);
        Tuning tuning = method.attach(model, 5);
        for (Parameter parameter : tuning.trainable()) { // B too, or A has no gradient
            double[] values = backend.readDoubles(parameter.value());
            IntStream.range(0, values.length).forEach(i -> values[i] += 0.1 * Math.sin(i + 1));
            backend.upload(values, parameter.value());
        }
        return Step.of(model, new Completion(), tuning.trainable(), PLAN, TOKENS);
    }

    private static List<double[]> gradients(Step<Batch> step) {
        return IntStream.range(0, step.trainable().size()).mapToObj(step::readGradient).toList();
    }

    private static List<double[]> values(Backend backend, Step<Batch> step) {
        return step.trainable().stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
    }

    private static void assertSame(List<double[]> actual, List<double[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).isEqualTo(expected.get(i));
        }
    }

    /** Shards are steps of their own on models of their own; what they found is read, and added in their order. */
    @ParameterizedTest(name = "{0}, {1}, {2} micro-batches")
    @MethodSource("runs")
    void microBatchesHaveTheBitsOfAsManyShardsAddedInOrder(String name, TuningMethod method, int count) {
        List<Batch> batches = batches(count);
        long targets = batches.stream().mapToLong(Batch::targets).sum();
        try (Backend backend = Backends.create(name)) {
            Step<Batch> whole = step(backend, method);
            double loss = whole.gradients(batches, targets, 40);

            List<Step<Batch>> shards = IntStream.range(0, count).mapToObj(i -> step(backend, method)).toList();
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += shards.get(i).gradients(List.of(batches.get(i)), targets, 40 + i);
            }
            Step<Batch> first = shards.getFirst();
            for (Step<Batch> other : shards.subList(1, count)) {
                for (int p = 0; p < first.trainable().size(); p++) {
                    first.addGradient(p, other.readGradient(p));
                }
            }

            assertThat(sum).isEqualTo(loss);
            assertSame(gradients(first), gradients(whole));
            assertThat(gradients(whole)).anyMatch(gradient -> gradient[0] != 0);
            assertThat(first.apply(0.05)).isEqualTo(whole.apply(0.05));
            assertSame(values(backend, first), values(backend, whole));
        }
    }

    /** What was in the parameters' gradients before does not count, and one micro-batch has the bits of the model alone. */
    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("runs")
    void oneMicroBatchHasTheBitsOfTheModelItself(String name, TuningMethod method, int count) {
        Batch batch = batches(count).getLast();
        try (Backend backend = Backends.create(name)) {
            Step<Batch> step = step(backend, method);
            step.gradients(batches(3), 30, 1);
            step.gradients(List.of(batch), 17, 9);
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend, 0.1);
            Tuning tuning = method.attach(model, 5);
            for (int i = 0; i < tuning.trainable().size(); i++) {
                backend.copy(step.trainable().get(i).value().matrix(), tuning.trainable().get(i).value().matrix());
            }
            model.lossAndGradients(batch, 1.0 / 17, 0.1, 9, Workspace.forTraining(backend, TOKENS, PLAN.seed()));
            assertSame(gradients(step), tuning.trainable().stream().map(p -> backend.readDoubles(p.gradient())).toList());
        }
    }

    /** The gradients' sum lies beside them only where there is something to add. */
    @Test
    void onlyAStepOfSeveralMicroBatchesTakesMemoryForTheirSum() {
        CountingBackend backend = new CountingBackend();
        Gpt2Config config = Gpt2Config.of(11, 8, 8, 2, 2);
        LanguageModel model = Families.of(config.names()).empty(config, backend);
        Tuning tuning = new FullFineTuning().attach(model, 0);
        Step<Batch> step = Step.of(model, new Completion(), tuning.trainable(), PLAN, TOKENS);
        int[] ids = {1, 2, 3, 4};
        Batch batch = new Batch(1, 4, ids, null, ids);
        step.gradients(List.of(batch), 3, 0);
        backend.taken();
        step.gradients(List.of(batch), 3, 1);
        assertThat(backend.taken()).isZero();
        step.gradients(List.of(batch, batch), 6, 2);
        assertThat(backend.taken()).isEqualTo(tuning.parameterCount());
        step.gradients(List.of(batch, batch, batch), 9, 4);
        assertThat(backend.taken()).isZero();
    }

    @Test
    void gradientsAreWrittenRoundedToTheBackendsType() {
        try (Backend backend = Backends.create("cpu")) {
            Step<Batch> step = step(backend, new BitFit());
            double[] values = new double[(int) step.trainable().getFirst().size()];
            Arrays.fill(values, 0.1);
            step.writeGradient(0, values);
            assertThat(step.readGradient(0)).containsOnly((float) 0.1);
            step.addGradient(0, values);
            assertThat(step.readGradient(0)).containsOnly((float) 0.1 + (float) 0.1);
            assertThatThrownBy(() -> step.addGradient(0, new double[1])).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("with 1 numbers, expected " + values.length);
        }
    }

    @Test
    void aNormThatIsNotFiniteUpdatesNothing() {
        try (Backend backend = Backends.create("cpu")) {
            Step<Batch> step = step(backend, new BitFit());
            List<double[]> before = values(backend, step);
            double[] infinite = new double[(int) step.trainable().getFirst().size()];
            infinite[0] = Double.POSITIVE_INFINITY;
            step.writeGradient(0, infinite);
            assertThat(step.apply(0.1)).isInfinite();
            assertSame(values(backend, step), before);
        }
    }
}
