package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;

class MetricsFileTest {

    private static final String STEP_10 = "{\"step\":10,\"loss\":3.25,\"lr\":0.01,\"tokens_per_second\":4100,\"new_key\":[1]}";
    private static final String DEV_100 = "{\"step\":100,\"dev_loss\":2.5,\"dev_perplexity\":12.25}";

    @TempDir
    Path folder;

    @Test
    void readsTrainingAndEvaluationLinesAndPassesOverUnknownKeys() {
        TrainingCurves curves = read(STEP_10, "", DEV_100);

        assertThat(curves.training()).containsExactly(new TrainingPoint(10, 3.25, 0.01, 4100));
        assertThat(curves.evaluations()).containsExactly(new EvaluationPoint(100, 2.5, 12.25));
        assertThat(curves.lastStep()).isEqualTo(100);
    }

    @Test
    void oneLineMayHoldBothKinds() {
        TrainingCurves curves = read("{\"step\":5,\"loss\":2,\"dev_loss\":1}");

        assertThat(curves.training()).containsExactly(new TrainingPoint(5, 2, Double.NaN, Double.NaN));
        assertThat(curves.evaluations()).containsExactly(new EvaluationPoint(5, 1, Math.E));
    }

    @Test
    void aLastLineCutOffAnywhereCostsOnlyItself() throws IOException {
        byte[] whole = (STEP_10 + "\n{\"step\":11,\"note\":\"é\",\"loss\":3}").getBytes(StandardCharsets.UTF_8);
        int firstLine = STEP_10.length() + 1;
        Path file = folder.resolve("metrics.jsonl");
        for (int length = firstLine; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));

            assertThat(MetricsFile.read(file).training()).as("cut to %d bytes", length)
                    .extracting(TrainingPoint::step).containsExactly(10L);
        }
    }

    @Test
    void ofAStepThatIsThereTwiceTheLaterLineCounts() {
        TrainingCurves curves = read("{\"step\":20,\"loss\":3.0}", STEP_10, "{\"step\":20,\"loss\":2.0}");

        assertThat(curves.training()).extracting(TrainingPoint::loss).containsExactly(3.25, 2.0);
    }

    @Test
    void aLossThatIsNotANumberIsReadAsSuch() {
        assertThat(read("{\"step\":1,\"loss\":NaN}", "{\"step\":2,\"loss\":null}").training())
                .extracting(TrainingPoint::loss).containsExactly(Double.NaN, Double.NaN);
    }

    @Test
    void anythingElseInTheMiddleIsAnErrorThatNamesTheLine() {
        assertThatThrownBy(() -> read(STEP_10, "hello", DEV_100)).isInstanceOf(LoraException.class)
                .hasMessageContaining("line 2").hasMessageContaining("'hello'");
        assertThatThrownBy(() -> read("{\"loss\":1}", DEV_100)).isInstanceOf(LoraException.class).hasMessageContaining("line 1");
    }

    @Test
    void aMissingFileIsAnErrorThatNamesIt() {
        Path missing = folder.resolve("no-such.jsonl");

        assertThatThrownBy(() -> MetricsFile.read(missing))
                .isInstanceOf(LoraException.class).hasMessageContaining(missing.toString());
    }

    private static TrainingCurves read(String... lines) {
        return MetricsFile.parse(List.of(lines), "metrics.jsonl");
    }
}
