package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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
    void whatEachTypeOfTheBaseTakesIsSaid() {
        assertThat(Run.of("doctor").out()).doesNotContain("--base-dtype");
        String text = Run.of("doctor", "--model", "qwen2.5-0.5b", "--batch", "1", "--length", "16").out();

        assertThat(text).contains("(494.0 million weights)");
        List<Double> gigabytes = Stream.of("float32", "bf16", "int8", "nf4").map(type -> {
            Matcher found = Pattern.compile(type + " +([0-9.]+) (MiB|GiB)").matcher(text);
            assertThat(found.find()).as(type).isTrue();
            return Double.parseDouble(found.group(1)) / (found.group(2).equals("MiB") ? 1024 : 1);
        }).toList();
        double step = gigabytes.get(0) - 494.03e6 * 4 / 0x1p30; // the adapter and the activations
        assertThat(step).isBetween(0.01, 0.3);
        // two bytes; one and a factor for each row; half a one and a scale of a byte for 64, but the tied table of 136.1 million in two
        assertThat(gigabytes.get(1) - step).isBetween(0.91, 0.94);
        assertThat(gigabytes.get(2) - step).isBetween(0.45, 0.48);
        assertThat(gigabytes.get(3) - step).isBetween(0.41, 0.45);
    }

    @Test
    void aLengthThatTheModelDoesNotHaveIsWrongUse() {
        Run run = Run.of("doctor", "--model", "gpt2", "--length", "2000");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("--length 2000", "at most 1024 tokens");
    }
}
