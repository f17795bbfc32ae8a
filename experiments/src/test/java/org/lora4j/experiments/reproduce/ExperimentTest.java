package org.lora4j.experiments.reproduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.experiments.metrics.E2eScores;
import org.lora4j.experiments.reproduce.Experiment.TableRow;

class ExperimentTest {

    private static final RunResult RESULT = new RunResult("qv-r4", "q, v  r 4", "LoRA", "r 4, alpha 32, on q and v", "base-6m",
            5_853_184, 24_576, 110, 500, 8, 1e-2, 42_061, 1000, 4.42, 1.87, 500, 120, 4000, "test", 630, "beam 10", 30,
            new E2eScores(0.4, 5, 0.3, 0.5, 1.2), "cpu", "lora4j reproduce e2e");

    @TempDir
    Path folder;

    @Test
    void theRowsOfTable5HaveOneBudget() {
        for (TableRow row : Experiment.named("e2e").table("5").rows()) {
            // A and B of each matrix have r rows and columns, 256 and 256 long, in 6 layers
            assertThat(row.targets().split(",").length * row.rank() * 2 * 256 * 6).as(row.name()).isEqualTo(24_576);
        }
    }

    @Test
    void theRowsOfTable18AreThePapersRanksWithItsScores() {
        assertThat(Experiment.named("e2e").table("18").rows()).extracting(TableRow::rank).containsExactly(1, 2, 4, 8, 64);
        assertThat(Experiment.named("e2e").table("18").rows()).allSatisfy(row -> {
            assertThat(row.paper().row()).isEqualTo("r " + row.rank());
            assertThat(row.paper().bleu()).isBetween(0.68, 0.71);
            assertThat(row.paper().devLoss()).isBetween(1.15, 1.24);
        });
    }

    @Test
    void aNameThatIsNotThereIsRefusedWithThoseThatAre() {
        assertThatThrownBy(() -> Experiment.named("glue")).isInstanceOf(LoraException.class).hasMessageContaining("there are e2e");
        assertThatThrownBy(() -> Experiment.named("e2e").table("7")).isInstanceOf(LoraException.class)
                .hasMessage("`table` 7: expected 18 or 5 or 3");
    }

    @Test
    void aResultIsReadBackAsItWasWritten() {
        RESULT.write(folder, RunResult.FILE_NAME);
        assertThat(RunResult.read(folder, RunResult.FILE_NAME)).isEqualTo(RESULT);
        assertThat(RunResult.read(folder, RunResult.TRAINED_FILE_NAME)).isNull();
    }

    @Test
    void aRunWithOtherOptionsIsRefusedNamingWhatDiffers() {
        RunResult longer = new RunResult("qv-r4", "q, v  r 4", "LoRA", "r 4, alpha 32, on q and v", "base-6m", 5_853_184,
                24_576, 110, 900, 8, 1e-2, 42_061, 1000, 0, 0, 0, 0, 0, null, 0, null, 0, null, "cpu", "");
        assertThatThrownBy(() -> RESULT.requireSameRun(longer, folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("has steps 500, asked is 900");
        RESULT.requireSameRun(RESULT, folder);
    }

    @Test
    void aFileThatIsNoResultIsRefused() throws Exception {
        Files.writeString(folder.resolve(RunResult.FILE_NAME), "[1, 2");
        assertThatThrownBy(() -> RunResult.read(folder, RunResult.FILE_NAME)).isInstanceOf(LoraException.class)
                .hasMessageContaining("is not the result of a run");
    }
}
