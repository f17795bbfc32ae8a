package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Parameter;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.TrainingListener;

/**
 * N steps, a kill, and the other N steps give the bits of 2N steps: the parameters, the adapter's files, and every line of
 * {@code metrics.jsonl}. Checkpoints come every 4 steps, evaluations every 3.
 */
class ResumeTest {

    /** Where a run is killed: an exception thrown where the process would stop. */
    private enum Kill {
        BEFORE_THE_FIRST_STEP(0, true),
        /** All that is on disk is the checkpoint before the first step. */
        IN_THE_FIRST_STEPS(3, false),
        RIGHT_AFTER_A_CHECKPOINT(8, true),
        /** Steps 5 and 6 are lost, with an evaluation that was the best so far. */
        MIDWAY_AFTER_A_CHECKPOINT(7, false),
        RIGHT_BEFORE_A_CHECKPOINT(16, false),
        AT_THE_LAST_STEP(SmallRun.STEPS, false);

        private final long step;
        private final boolean afterCheckpoint;

        Kill(long step, boolean afterCheckpoint) {
            this.step = step;
            this.afterCheckpoint = afterCheckpoint;
        }
    }

    @TempDir
    Path folder;

    static Stream<Arguments> runs() {
        return Stream.of("reference", "cpu").flatMap(backend -> Stream.of(true, false).flatMap(evaluating ->
                Stream.of(Kill.values()).map(kill -> Arguments.of(backend, evaluating, kill))));
    }

    @ParameterizedTest(name = "{0}, evaluating: {1}, {2}")
    @MethodSource("runs")
    void aResumedRunEndsWithTheBitsOfOneThatWasNeverKilled(String backend, boolean evaluating, Kill kill)
            throws IOException {
        List<double[]> expected = run(backend, folder.resolve("whole"), evaluating, TrainingListener.NONE);
        Path killed = folder.resolve("killed");
        assertThatThrownBy(() -> run(backend, killed, evaluating, killedAt(kill))).isInstanceOf(Killed.class);
        Resumed resumed = new Resumed();

        List<double[]> actual = run(backend, killed, evaluating, resumed);

        assertThat(resumed.step).isEqualTo(kill.afterCheckpoint ? kill.step : (kill.step - 1) / 4 * 4);
        assertSame(actual, expected);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aRunThatIsKilledAgainAndAgainComesToTheSameEnd(String backend) throws IOException {
        List<double[]> expected = run(backend, folder.resolve("whole"), true, TrainingListener.NONE);
        Path killed = folder.resolve("killed");
        for (Kill kill : List.of(Kill.MIDWAY_AFTER_A_CHECKPOINT, Kill.RIGHT_AFTER_A_CHECKPOINT,
                Kill.RIGHT_BEFORE_A_CHECKPOINT, Kill.RIGHT_BEFORE_A_CHECKPOINT)) {
            assertThatThrownBy(() -> run(backend, killed, true, killedAt(kill))).isInstanceOf(Killed.class);
        }
        assertSame(run(backend, killed, true, TrainingListener.NONE), expected);
    }

    static Stream<String> backends() {
        return Stream.of("reference", "cpu");
    }

    private void assertSame(List<double[]> actual, List<double[]> expected) throws IOException {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i)).isEqualTo(expected.get(i));
        }
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        assertThat(files(killed)).isEqualTo(files(whole)).doesNotContain(Checkpoint.FILE_NAME);
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            assertThat(killed.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
        }
        assertThat(metrics(killed)).isEqualTo(metrics(whole)).doesNotHaveDuplicates();
        assertThat(metrics(whole).stream().filter(line -> line.has("loss")).map(line -> line.get("step").asInt()))
                .containsExactly(Stream.iterate(1, step -> step + 1).limit(SmallRun.STEPS).toArray(Integer[]::new));
    }

    /** The values of every trainable parameter at the end. */
    private static List<double[]> run(String backendName, Path folder, boolean evaluating, TrainingListener listener) {
        try (Backend backend = Backends.create(backendName)) {
            SmallRun run = new SmallRun(backend);
            run.train(folder, evaluating, listener);
            List<double[]> values = new ArrayList<>();
            for (Parameter parameter : run.adapter.trainable()) {
                values.add(backend.readDoubles(parameter.value()));
            }
            return values;
        }
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** The lines without their speed, the one thing that may differ. */
    private static List<ObjectNode> metrics(Path folder) throws IOException {
        List<ObjectNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("metrics.jsonl"))) {
            ObjectNode object = (ObjectNode) new ObjectMapper().readTree(line);
            object.remove("tokens_per_second");
            lines.add(object);
        }
        return lines;
    }

    private static final class Killed extends RuntimeException {
    }

    private static final class Resumed implements TrainingListener {

        private long step = -1;

        @Override
        public void resumed(long from) {
            step = from;
        }
    }

    private static TrainingListener killedAt(Kill kill) {
        return new TrainingListener() {
            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                if (step == kill.step && !kill.afterCheckpoint) {
                    throw new Killed();
                }
            }

            @Override
            public void checkpointed(long step) {
                if (step == kill.step && kill.afterCheckpoint) {
                    throw new Killed();
                }
            }
        };
    }
}
