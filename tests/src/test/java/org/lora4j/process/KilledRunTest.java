package org.lora4j.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.train.Checkpoint;

/** A run that is killed without warning, whenever that may be, ends as one that was never killed. */
class KilledRunTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int STEPS = 30;

    @TempDir
    private Path temp;

    @Test
    void theSameCommandAgainEndsWithTheSameBitsAndEveryStepOnce() throws Exception {
        Path whole = temp.resolve("whole");
        assertThat(train(whole).await().exitCode()).isZero();

        Path killed = temp.resolve("killed");
        int kills = 0;
        for (int i = 0; i < 2; i++) {
            Lora4jProcess process = train(killed);
            while (process.isAlive() && !Checkpoint.existsIn(killed)) {
                Thread.sleep(5);
            }
            Thread.sleep(ThreadLocalRandom.current().nextInt(500));
            kills += process.isAlive() ? 1 : 0;
            process.kill();
            if (!Checkpoint.existsIn(killed)) {
                break; // it was through before the blow fell
            }
        }
        Lora4jProcess.Result last = kills == 0 ? null : train(killed).await();

        if (last != null) {
            assertThat(last.err()).contains("going on from the checkpoint after step");
            assertThat(last.exitCode()).isZero();
        }
        assertThat(killed.resolve("adapter_model.safetensors")).hasSameBinaryContentAs(whole.resolve("adapter_model.safetensors"));
        assertThat(killed.resolve("adapter_config.json")).hasSameBinaryContentAs(whole.resolve("adapter_config.json"));
        assertThat(metrics(killed)).isEqualTo(metrics(whole));
        assertThat(Checkpoint.existsIn(killed)).isFalse();
        try (var left = Files.list(killed)) {
            assertThat(left.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(
                    "adapter_config.json", "adapter_model.safetensors", "metrics.jsonl", "report.html");
        }
    }

    private Lora4jProcess train(Path out) throws IOException {
        return Lora4jProcess.start(temp, List.of(), "train", "--model", "base-6m", "--data", "e2e", "--examples", "40",
                "--dev-examples", "8", "--batch", "2", "--steps", Integer.toString(STEPS), "--lr", "1e-2", "--dropout", "0.1",
                "--evaluate-every", "10", "--checkpoint-every", "2", "--log-every", "1", "--samples", "0",
                "--out", out.toString());
    }

    /** The lines without their speeds, which no two runs share. */
    private static List<JsonNode> metrics(Path run) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            JsonNode object = JSON.readTree(line);
            ((ObjectNode) object).remove("tokens_per_second");
            lines.add(object);
        }
        assertThat(lines.stream().filter(line -> line.has("loss")).map(line -> line.get("step").asInt()))
                .hasSize(STEPS).doesNotHaveDuplicates();
        return lines;
    }
}
