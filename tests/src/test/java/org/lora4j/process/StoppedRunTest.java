package org.lora4j.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.train.Checkpoint;

/** A run that is asked to stop by a signal. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class StoppedRunTest {

    private static final int TERMINATED = 143;

    @TempDir
    private Path temp;

    /** With --overwrite over a finished adapter, and without checkpoints of its own accord. */
    @Test
    void itWritesACheckpointSaysHowToGoOnAndTheSameCommandEndsWithTheSameBits() throws Exception {
        Path whole = temp.resolve("whole");
        assertThat(train(whole).await().exitCode()).isZero();
        Path out = temp.resolve("out");
        assertThat(Lora4jProcess.run(temp, List.of(), "train", "--model", "base-6m", "--data", "e2e", "--examples", "8",
                "--dev-examples", "2", "--steps", "1", "--samples", "0", "--out", out.toString()).exitCode()).isZero();

        Lora4jProcess process = train(out);
        while (process.isAlive() && steps(out) < 3) {
            Thread.sleep(5);
        }
        Lora4jProcess.Result second = train(out).await();
        process.terminate();
        Lora4jProcess.Result stopped = process.await();

        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.err()).contains("is being written by another lora4j (process ").hasLineCount(1);
        assertThat(stopped.exitCode()).isEqualTo(TERMINATED);
        assertThat(stopped.err()).contains("lora4j: stopped after step ", "give the same command again");
        assertThat(Checkpoint.existsIn(out)).isTrue();
        assertThat(out.resolve("adapter_config.json")).doesNotExist(); // not the old adapter's

        Lora4jProcess.Result last = train(out).await();
        assertThat(last.exitCode()).isZero();
        assertThat(last.err()).contains("going on from the checkpoint after step ");
        assertThat(out.resolve("adapter_model.safetensors")).hasSameBinaryContentAs(whole.resolve("adapter_model.safetensors"));
        try (var left = Files.list(out)) {
            assertThat(left.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(
                    "adapter_config.json", "adapter_model.safetensors", "metrics.jsonl", "report.html");
        }
    }

    private static long steps(Path run) throws IOException {
        Path log = run.resolve("metrics.jsonl");
        return !Checkpoint.existsIn(run) && Files.exists(log) ? Files.readString(log).lines().filter(l -> l.contains("\"lr\"")).count() : 0;
    }

    private Lora4jProcess train(Path out) throws IOException {
        return Lora4jProcess.start(temp, List.of(), "train", "--model", "base-6m", "--data", "e2e", "--examples", "40",
                "--dev-examples", "8", "--batch", "2", "--steps", "150", "--lr", "1e-2", "--dropout", "0.1",
                "--checkpoint-every", "0", "--log-every", "1", "--samples", "0", "--overwrite", "--out", out.toString());
    }
}
