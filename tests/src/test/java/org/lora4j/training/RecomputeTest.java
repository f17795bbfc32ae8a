package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Activations that are made again for backward are the ones that would have been kept, and take their memory no more. */
class RecomputeTest {

    private static final double DROPOUT = 0.1;

    /** What trains in the model; dropout, so that the second forward has to drop what the first did. */
    private enum Trains {
        Q_AND_V(model -> lora(model, LoraConfig.of(2, 8).withDropout(DROPOUT).withParts("q", "v"))),
        EVERY_LINEAR(model -> lora(model, allLinear())),
        /** Blocks of different memory; nothing is computed below the upper one. */
        THE_UPPER_LAYER_ONLY(model -> lora(model, LoraConfig.of(2, 8).withTargets(TargetSelector.byNames(List.of("c_fc")).onLayers(List.of(2))))),
        EVERYTHING(model -> model.parameters().stream().map(Parameter::trainCopy).toList());

        private final Function<Gpt2, List<Parameter>> trainable;

        Trains(Function<Gpt2, List<Parameter>> trainable) {
            this.trainable = trainable;
        }

        private static LoraConfig allLinear() {
            return LoraConfig.of(3, 8).withDropout(DROPOUT).withTargets(TargetSelector.byNames(List.of("c_attn", "c_fc", "c_proj")));
        }

        private static List<Parameter> lora(Gpt2 model, LoraConfig config) {
            List<Parameter> trainable = LoraAdapter.attach(model, config, 5).trainable();
            SmallGpt2.randomise(model.backend(), trainable);
            return trainable;
        }
    }

    static Stream<Arguments> cases() {
        return Stream.of("reference", "cpu").flatMap(backend ->
                Stream.of(Trains.values()).map(trains -> Arguments.of(backend, trains)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void lossAndGradientsHaveTheBitsOfAPassThatKeepsItsActivations(String backend, Trains trains) {
        assertThat(pass(backend, trains, true)).isEqualTo(pass(backend, trains, false));
    }

    /** The losses and gradients of three batches of different shapes in one workspace. */
    private static List<List<Double>> pass(String backendName, Trains trains, boolean recompute) {
        List<List<Double>> numbers = new ArrayList<>();
        try (Backend backend = Backends.create(backendName)) {
            Gpt2 model = SmallGpt2.of(layers(3), backend, DROPOUT);
            List<Parameter> trainable = trains.trainable.apply(model);
            Workspace keeping = Workspace.forTraining(backend, 20, 7);
            Workspace ws = recompute ? keeping.recomputing() : keeping;
            for (int[] lengths : new int[][] {{3, 5}, {9, 7}, {4}}) {
                Batch batch = SmallBatches.of(lengths, Side.RIGHT, SmallGpt2.TIED.vocabSize(), 1, lengths.length);
                trainable.forEach(Parameter::clearGradient);
                numbers.add(List.of(model.lossAndGradients(batch, 0.1, 0.1, lengths[0], ws)));
                for (Parameter parameter : trainable) {
                    double[] gradient = backend.readDoubles(parameter.gradient());
                    numbers.add(Arrays.stream(gradient).boxed().toList());
                }
            }
        }
        return numbers;
    }

    /** The block's output, which is the next one's input. */
    @Test
    void aBlockMoreTakesOneTensorMore() {
        assertThat(allocations(3, true) - allocations(2, true)).isEqualTo(1);
        assertThat(allocations(3, false) - allocations(2, false)).as("kept activations").isGreaterThan(5);
    }

    private static long allocations(int layers, boolean recompute) {
        try (Backend backend = Backends.create("reference")) {
            Gpt2 model = SmallGpt2.of(layers(layers), backend);
            Trains.Q_AND_V.trainable.apply(model);
            Batch batch = SmallBatches.of(new int[] {5, 9}, Side.RIGHT, SmallGpt2.TIED.vocabSize(), 1, 3);
            Workspace keeping = Workspace.forTraining(backend, 18, 7);
            long before = backend.allocations();
            model.lossAndGradients(batch, 1, 0, 0, recompute ? keeping.recomputing() : keeping);
            return backend.allocations() - before;
        }
    }

    private static Gpt2Config layers(int count) {
        Gpt2Config of = SmallGpt2.TIED;
        return Gpt2Config.of(of.vocabSize(), of.nPositions(), of.nEmbd(), count, of.nHead(), of.nInner())
                .withActivation(of.activation()).withLayerNormEpsilon(of.layerNormEpsilon());
    }
}
