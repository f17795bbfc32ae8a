package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
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
