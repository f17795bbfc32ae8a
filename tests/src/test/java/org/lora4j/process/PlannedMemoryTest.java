package org.lora4j.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code plan} says is what the system says of a process that takes such steps, within a tenth; larger models in docs/plan.md. */
class PlannedMemoryTest {

    @TempDir
    private Path temp;

    private JsonNode run(String... args) throws Exception {
        Lora4jProcess.Result result = Lora4jProcess.run(temp, List.of("-XX:MaxRAMPercentage=75"), args);
        assertThat(result.exitCode()).as(result.err()).isZero();
        return new ObjectMapper().readTree(result.out());
    }

    @ParameterizedTest
    @EnabledOnOs(OS.LINUX) // which has VmHWM
    @CsvSource({"base-6m, lora, 16, 128", "base-6m, full, 8, 64"})
    void planForetellsThePeakOfAStep(String shape, String method, String batch, String length) throws Exception {
        long peak = run("bench", "step", "--shape", shape, "--method", method, "--batch", batch, "--length", length, "--runs", "1",
                "--warmup", "1", "--warmup-seconds", "0", "--json", "--quiet").get("peak_resident_bytes").asLong();
        long planned = run("plan", "--model", shape, "--method", method, "--batch", batch, "--length", length, "--json")
                .at("/rows/0/memory_bytes").asLong();

        assertThat(planned).isCloseTo(peak, withinPercentage(10));
    }
}
