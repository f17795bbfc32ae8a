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

    private static final RunResult ASKED = RunResult.asked(
            new RunResult.Row("qv-r4", "q, v  r 4", "LoRA", "r 4, alpha 32, on q and v", 24_576),
            new RunResult.Base("base-6m", 5_853_184), new RunResult.Recipe(110, 500, 8, 1e-2, 42_061, 1000));
    private static final RunResult TRAINED =
            ASKED.trained(new RunResult.Training(4.42, 1.87, 500, 120, 4000, "cpu", "lora4j reproduce e2e"));
    private static final RunResult RESULT = TRAINED.scored(
            new RunResult.Texts("test", 630, "beam 10", 30, new E2eScores(0.4, 5, 0.3, 0.5, 1.2)));

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
        TRAINED.write(folder, RunResult.TRAINED_FILE_NAME);
        assertThat(RunResult.read(folder, RunResult.TRAINED_FILE_NAME)).isEqualTo(TRAINED);
    }

    @Test
    void aFileHasItsFieldsSideBySide() throws Exception {
        Files.writeString(folder.resolve(RunResult.FILE_NAME), """
                {"row": "qv-r4", "name": "q, v  r 4", "method": "LoRA", "settings": "r 4, alpha 32, on q and v",
                 "base": "base-6m", "parameters": 5853184, "trainable": 24576, "seed": 110, "steps": 500, "batch": 8,
                 "learning_rate": 0.01, "train_pairs": 42061, "dev_pairs": 1000, "dev_loss_before": 4.42, "dev_loss": 1.87,
                 "best_step": 500, "training_seconds": 120.0, "tokens_per_second": 4000.0, "split": "test", "inputs": 630,
                 "decoding": "beam 10", "decoding_seconds": 30.0,
                 "scores": {"bleu": 0.4, "nist": 5.0, "meteor": 0.3, "rouge_l": 0.5, "cider": 1.2},
                 "backend": "cpu", "command": "lora4j reproduce e2e"}
                """);
        assertThat(RunResult.read(folder, RunResult.FILE_NAME)).isEqualTo(RESULT);
        assertThat(RESULT.json().path("row").asText()).isEqualTo("qv-r4");
        assertThat(RESULT.json().path("training_seconds").asDouble()).isEqualTo(120);
        assertThat(RESULT.json().size()).isEqualTo(25);
    }

    @Test
    void aRunWithOtherOptionsIsRefusedNamingWhatDiffers() {
        RunResult longer =
                RunResult.asked(ASKED.row(), ASKED.base(), new RunResult.Recipe(110, 900, 8, 1e-2, 42_061, 1000));
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
