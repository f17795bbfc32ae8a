package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {

    @Test
    void jsonParsesAndAgreesWithTheExitCode() throws Exception {
        Run run = Run.of("doctor", "--json");

        JsonNode found = new ObjectMapper().readTree(run.out());
        assertThat(found.at("/java/version").asText()).isEqualTo(Runtime.version().toString());
        assertThat(found.at("/system/cores").asInt()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(found.at("/memory/heapBytes").asLong()).isEqualTo(Runtime.getRuntime().maxMemory());
        assertThat(found.at("/memory/physicalBytes").asLong()).isPositive();
        assertThat(found.at("/vectors/bits").asInt()).as("with the vector module").isGreaterThanOrEqualTo(64);
        assertThat(found.at("/backends").findValuesAsText("name")).contains("reference");
        assertThat(run.exitCode()).isEqualTo(found.at("/ready").asBoolean() ? ExitCode.OK : ExitCode.FAILURE);
        assertThat(run.err()).isEmpty();
    }

    @Test
    void aBackendThatCannotRunHasAReasonAndOneThatCanHasNone() {
        assertThat(Diagnosis.make(null).backends()).allSatisfy(backend -> {
            assertThat(backend.reason() == null).isEqualTo(backend.available());
            assertThat(backend.description() == null).isNotEqualTo(backend.available());
        });
    }

    @Test
    void theBaseAndTheDataAreEmbedded() {
        assertThat(Diagnosis.make(null).embedded()).allSatisfy(embedded -> {
            assertThat(embedded.present()).as(embedded.resource()).isTrue();
            assertThat(embedded.bytes()).isPositive();
        });
    }

    @Test
    void theTextHasALineForEachBackend() {
        Run run = Run.of("doctor");

        assertThat(run.out()).contains("Java ", "Memory ", "Vectors ", "reference ", "cpu ", "base-6m ", "e2e ");
        assertThat(run.out()).doesNotContain("\u001b");
    }

    @Test
    void aModelIsMeasuredAgainstTheRoomOfEachBackend() {
        Run small = Run.of("doctor", "--model", "base-6m");
        Run huge = Run.of("doctor", "--model", "gpt2-xl", "--batch", "64", "--length", "1024");

        assertThat(small.out()).contains("fits: needs ", " for a LoRA step of 8 × 64 tokens, rank 4 on q and v, has room for ");
        assertThat(huge.out()).contains("too small: needs ", "(1.56 billion weights)", "smaller model");
    }

    @Test
    void aLengthThatTheModelDoesNotHaveIsWrongUse() {
        Run run = Run.of("doctor", "--model", "gpt2", "--length", "2000");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("--length 2000", "at most 1024 tokens");
    }
}
