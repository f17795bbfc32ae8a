package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.fixture.TornadoDevice;
import org.lora4j.nn.Parameter;
import org.lora4j.train.TrainingListener;

/** Whole training runs on a device of TornadoVM's, beside cpu's. */
class TornadoDeviceTrainingTest {

    @TempDir
    Path folder;

    @BeforeAll
    static void requireDevice() {
        TornadoDevice.requireOrSkip();
    }

    @Test
    void eightLinesAreLearntByHeart() {
        OverfitTest.learnByHeart("tornado");
    }

    @Test
    void tenAdamWLossesAreCpus() {
        List<Double> expected = losses("cpu");
        List<Double> actual = losses("tornado");
        for (int i = 0; i < 10; i++) {
            assertThat(actual.get(i)).as("step %d", i + 1).isCloseTo(expected.get(i), within(1e-4 * expected.get(i)));
        }
    }

    /** With dropout, biases, label smoothing, clipping and two batches a step. */
    private static List<Double> losses(String name) {
        try (Backend backend = Backends.create(name)) {
            List<Double> losses = new ArrayList<>();
            new SmallRun(backend).train(null, false, new TrainingListener() {
                @Override
                public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                    losses.add(loss);
                }
            });
            return losses;
        }
    }

    @Test
    void aRunOfCpusGoesOnOnTheDevice() {
        List<double[]> expected = values("cpu", folder.resolve("whole"), TrainingListener.NONE);
        Path moved = folder.resolve("moved");
        assertThatThrownBy(() -> values("cpu", moved, killedAtStep(10))).isInstanceOf(IllegalStateException.class);
        List<double[]> actual = values("tornado", moved, new TrainingListener() {
            @Override
            public void resumed(long step) {
                assertThat(step).isEqualTo(8);
            }
        });
        for (int i = 0; i < expected.size(); i++) {
            for (int j = 0; j < expected.get(i).length; j++) {
                // twelve more steps of up to 0.03, in floats of another order of summation
                assertThat(actual.get(i)[j]).isCloseTo(expected.get(i)[j], within(1e-3));
            }
        }
    }

    private static List<double[]> values(String name, Path folder, TrainingListener listener) {
        try (Backend backend = Backends.create(name)) {
            SmallRun run = new SmallRun(backend);
            run.train(folder, true, listener);
            List<double[]> values = new ArrayList<>();
            for (Parameter parameter : run.adapter.trainable()) {
                values.add(backend.readDoubles(parameter.value()));
            }
            return values;
        }
    }

    private static TrainingListener killedAtStep(long last) {
        return new TrainingListener() {
            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                if (step == last) {
                    throw new IllegalStateException("killed");
                }
            }
        };
    }
}
