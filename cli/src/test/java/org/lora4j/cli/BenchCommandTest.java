package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {

    private static final List<String> ONCE = List.of("--warmup", "0", "--warmup-seconds", "0", "--runs", "1");

    // benchmarks/side-by-side finds the numbers by these names
    @ParameterizedTest
    @CsvSource({
        "product --size 8x8x8, 8x8x8 x·Wᵀ, GFLOP/s",
        "step --shape base-6m --batch 1 --length 4, 'step lora, loss on all', tokens/s",
        "step --shape base-6m --batch 1 --length 4 --method full --loss half, 'step full, loss on half', tokens/s",
        "decode --shape base-6m --length 2, weights read in decoding, GB/s",
        "latency --shape base-6m --batch 1 --length 4, LoRA merged, passes/s",
        "adapters --shape base-6m --rows 2 --adapters 2 --length 4, 'decode, 2 adapters', tokens/s",
        "beam --inputs 1, beam search, inputs/s",
        "e2e --batch 2 --steps 1, e2e, examples/s",
        "e2e --batch 1 --steps 1 --pad 256, e2e padded to 256, examples/s",
    })
    void aBenchmarkGivesItsRateByName(String options, String name, String unit) throws IOException {
        Run run = bench(options, "--json");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        JsonNode measured = new ObjectMapper().readTree(run.out()).path("results").path(name);
        assertThat(measured.path("unit").asText()).isEqualTo(unit);
        assertThat(measured.path("median").asDouble()).isPositive();
    }

    @Test
    void withoutJsonItIsALineForEachRateAndOneForMemory() {
        Run run = bench("product --size 8x8x8");

        assertThat(run.out()).contains("8x8x8 gᵀ·x", "median", "fastest", "slowest", "GFLOP/s", "peak resident memory");
    }

    // benchmarks/side-by-side asks in these words
    @Test
    void servingAnswersALineWithALineUntilTheInputEnds() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream("""
                2 product 8x8x8 x·Wᵀ, W frozen
                1 step base-6m 1 4 lora half bf16
                1 decode base-6m 2 float32
                1 weights base-6m int8
                2 e2e 1 2 0
                cpu 1 product 8x8x8 gᵀ·x
                memory
                1 dance
                once more
                1 product 8x8x8 upwards
                """.getBytes(StandardCharsets.UTF_8)));
        Run run;
        try {
            run = Run.of("bench", "serve", "--threads", "1");
        } finally {
            System.setIn(before);
        }

        List<String> lines = run.out().lines().toList();
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(lines).hasSize(10);
        List<String> units = List.of("1.024E-6 GFLOP", "4.0 tokens", "2.0 tokens", "1.0 tokens", "1.0 examples");
        for (int i = 0; i < units.size(); i++) {
            assertThat(lines.get(i)).endsWith(" " + units.get(i));
            assertThat(Double.parseDouble(lines.get(i).split(" ")[0])).isPositive();
        }
        assertThat(lines.get(5)).matches("(error .*as Linux does|[0-9.E-]+ 1.024E-6 GFLOP)");
        assertThat(lines.get(6)).matches("-?\\d+");
        assertThat(lines.get(7)).startsWith("error work 'dance': expected product MxKxN FORM");
        assertThat(lines.get(8)).startsWith("error 'once more': expected how many runs of what");
        assertThat(lines.get(9)).startsWith("error product 8x8x8 upwards: expected one of the forms x·Wᵀ, g·W");
    }

    @Test
    void theMachineIsShownWithWhetherSomethingDisturbedIt() {
        Run run = bench("machine --threads 1");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("multiply-add, 1 thread", "read, 1 thread", "vectors of ")
                .containsPattern("nothing else seems to use this machine|not the machine's own speeds");
    }

    @Test
    void sequencesAreNotPaddedToLessThanTheirLength() {
        Run run = bench("e2e --batch 1 --steps 1 --pad 3");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("--pad 3: expected at least ", "at most 256");
    }

    @Test
    void negativeCountsAreWrongUse() {
        assertThat(bench("step --batch 0").exitCode()).isEqualTo(ExitCode.WRONG_USE);
    }

    private static Run bench(String options, String... more) {
        List<String> all = new ArrayList<>(List.of("bench"));
        all.addAll(List.of(options.split(" ")));
        all.addAll(ONCE);
        all.addAll(List.of(more));
        return Run.of(all.toArray(String[]::new));
    }
}
