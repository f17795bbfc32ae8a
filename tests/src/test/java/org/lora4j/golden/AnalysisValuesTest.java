package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.cli.Main;

/** {@code lora4j analyse --json} beside NumPy's full decompositions, made by tests/golden/make_analysis.py. */
class AnalysisValuesTest {

    private static final Path RESOURCES = Path.of("src/test/resources");

    /** What is asked of every number; both sides compute in double from the same float32 files and print nine digits. */
    private static final double BOUND = 1e-6;

    @TempDir
    private Path temp;

    @ParameterizedTest(name = "{0}")
    @CsvSource({"gpt2, golden/c_attn_c_proj_c_fc", "llama, decoders/llama_gate_up_down", "roberta, classifiers/roberta_qv"})
    void everyNumberIsNumPys(String name, String base) throws IOException {
        Path expectedIn = RESOURCES.resolve("analysis").resolve(name);
        JsonNode expected = new ObjectMapper().readTree(expectedIn.resolve("expected.json").toFile());

        JsonNode found = analyse(RESOURCES.resolve(base), expectedIn.resolve("second"));

        assertThat(compare(expected.get("maps"), found.get("maps"), "maps")).isGreaterThan(100);
        Set<String> leftOut = new HashSet<>();
        found.get("left_out").forEach(left -> leftOut.add(left.get("module").asText()));
        List<String> expectedOut = new ArrayList<>();
        expected.get("left_out").forEach(module -> expectedOut.add(module.asText()));
        assertThat(leftOut).containsExactlyInAnyOrderElementsOf(expectedOut);
        assertThat(Files.readString(temp.resolve("page.csv")).lines().count()).isGreaterThan(100);
        assertThat(Files.readString(temp.resolve("page.html"))).contains("<svg").doesNotContain("<script");
    }

    private JsonNode analyse(Path base, Path second) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                "analyse", base.resolve("adapter").toString(), second.toString(), "--model", base.resolve("model").toString(), "--json",
                "--out", temp.resolve("page.html").toString());
        assertThat(code).as(err.toString(StandardCharsets.UTF_8)).isZero();
        return new ObjectMapper().readTree(out.toByteArray());
    }

    /** How many numbers there were; whatever is expected is there, and more may be. */
    private static int compare(JsonNode expected, JsonNode found, String place) {
        assertThat(found).as(place).isNotNull();
        if (expected.isNumber()) {
            assertThat(found.isNumber()).as(place).isTrue();
            assertThat(found.doubleValue()).as(place).isCloseTo(expected.doubleValue(),
                    offset(BOUND * Math.max(1, Math.abs(expected.doubleValue()))));
            return 1;
        }
        int numbers = 0;
        if (expected.isArray()) {
            assertThat(found.size()).as(place).isEqualTo(expected.size());
            for (int i = 0; i < expected.size(); i++) {
                numbers += compare(expected.get(i), found.get(i), place + "[" + i + "]");
            }
        } else if (expected.isObject()) {
            for (String name : (Iterable<String>) expected::fieldNames) {
                numbers += compare(expected.get(name), found.get(name), place + "." + name);
            }
        } else {
            assertThat(found).as(place).isEqualTo(expected);
        }
        return numbers;
    }
}
