package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.tensor.Shape;

class CompareCommandTest {

    @TempDir
    private Path temp;
    private Path model;
    private Path page;

    @BeforeEach
    void aTinyModel() throws Exception {
        model = TinyModel.write(temp.resolve("model"));
        page = temp.resolve("out.html");
    }

    @Test
    void cpuIsWithinItsBoundAndThePageAndTheNumbersSaySo() throws Exception {
        Run run = Run.of("compare", "--model", model.toString(), "--random", "2x5", "--out", page.toString(), "--quiet");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("cpu beside reference", "layer 0", "outside", "within its bound everywhere");
        JsonNode numbers = new ObjectMapper().readTree(temp.resolve("out.json").toFile()).at("/backends/0");
        assertThat(numbers.at("/backend").asText()).isEqualTo("cpu");
        assertThat(numbers.at("/within_bounds").asBoolean()).isTrue();
        assertThat(numbers.at("/first_over_bound").isNull()).isTrue();
        assertThat(numbers.at("/places").findValuesAsText("place"))
                .contains("transformer.embeddings", "transformer.h.0.ln_1", "lm_head", "loss",
                        "transformer.h.0.attn.c_attn.lora_A.weight");
        assertThat(numbers.at("/places")).allSatisfy(
                place -> assertThat(place.at("/relative_error").asDouble()).isLessThanOrEqualTo(place.at("/bound").asDouble()));
        String html = Files.readString(page);
        assertThat(html).contains("is within its bound everywhere", "lora4j compare --model", "layer 0")
                .doesNotContain("<script", "http://", "https://");
    }

    @Test
    void jsonGoesToStandardOutputAndToTheFileAlike() throws Exception {
        Run run = Run.of("compare", "--model", model.toString(), "--random", "1x4", "--steps", "1", "--json",
                "--out", page.toString(), "--quiet");

        ObjectMapper mapper = new ObjectMapper();
        assertThat(mapper.readTree(run.out())).isEqualTo(mapper.readTree(temp.resolve("out.json").toFile()));
    }

    @Test
    void aBatchWithoutLabelsIsItsOwnTarget() {
        Path batch = temp.resolve("batch.safetensors");
        new SafetensorsWriter()
                .add("input_ids", DType.I64, Shape.of(1, 4), new long[] {1, 2, 3, 4})
                .add("attention_mask", DType.I64, Shape.of(1, 4), new long[] {1, 1, 1, 0}).write(batch);

        Run run = Run.of("compare", "--model", model.toString(), "--batch", batch.toString(), "--steps", "0",
                "--out", page.toString());

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(page).content().contains("1 × 4 tokens, 2 targets");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "--backends reference,gpu | --backends gpu: there is no such backend here; found cpu, reference",
            "--backends reference | names nothing to compare with reference",
            "--random 2by8 | --random 2by8: expected two numbers such as 2x16",
            "--random 2x1 | --random 2x1: expected at least one sequence of 2 to",
            "--steps -1 | --steps -1: must be 0 or more",
            "--lr 0 | --lr 0.0: must be a positive number",
            "--text x --batch y | --batch and --text: give one of the two",
            "--out page.txt | the page's name must end in .html"})
    void whatCannotBeMeantIsWrongUse(String options, String message) {
        Run run = Run.of(("compare --model " + model + " " + options).split(" "));

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains(message.strip());
        assertThat(page).doesNotExist();
    }

    @Test
    void anIdThatTheModelDoesNotHaveIsToldWithItsFile() {
        Path batch = temp.resolve("batch.safetensors");
        new SafetensorsWriter().add("input_ids", DType.I64, Shape.of(1, 2), new long[] {1, 99999}).write(batch);

        Run run = Run.of("compare", "--model", model.toString(), "--batch", batch.toString(), "--out", page.toString());

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("batch.safetensors", "99999").doesNotContain("\n\tat ");
    }
}
