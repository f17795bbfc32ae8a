package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What commands do with a folder that is not LoRA's, and what {@code train} says to options that do not fit. */
class MethodCommandsTest {

    @TempDir
    private Path folder;

    private String train(String method) {
        String out = folder.resolve("out").toString();
        Run run = Run.of("train", "--model", "base-6m", "--data", "e2e", "--method", method, "--steps", "2", "--examples", "8", "--batch", "2",
                "--dev-examples", "4", "--lr", "1e-3", "--samples", "0", "-q", "--out", out);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return out;
    }

    @Test
    void anAdapterLayerIsShownAndWritesAndIsNeitherMergedNorConvertedNorMixed() throws IOException {
        String out = train("lin:4,skip=2");

        JsonNode shown = new ObjectMapper().readTree(Run.of("inspect", out, "--json").out());
        assertThat(shown.path("method").asText()).isEqualTo("lin:4,skip=2");
        assertThat(shown.path("parameters").asInt()).isEqualTo(4 * (2 * 256 * 4 + 4 + 256 + 2 * 256));
        assertThat(shown.path("merges").booleanValue()).isFalse();
        assertThat(Run.of("inspect", out).out()).contains("merging   not possible: an adapter layer has a nonlinearity");
        assertThat(Run.of("generate", "--model", "base-6m", "--adapter", out, "--prompt", "name : Aromi", "--max-new-tokens", "2").exitCode())
                .isZero();

        Run merged = Run.of("merge", "--model", "base-6m", "--adapter", out, "--out", folder.resolve("merged").toString());
        assertThat(merged.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(merged.err()).contains("was trained by lin:4,skip=2").contains("can neither be merged, converted nor begun with: an adapter "
                + "layer has a nonlinearity between its two maps");
        assertThat(Files.exists(folder.resolve("merged/model.safetensors"))).isFalse();
        Run converted = Run.of("convert", out, "--to", "gguf", "--out", folder.resolve("a.gguf").toString());
        assertThat(converted.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(converted.err()).contains("has a nonlinearity");
        Run mixed = Run.of("generate", "--model", "base-6m", "--adapter", "a=" + out, "--adapter", "b=" + out, "--prompt", "x");
        assertThat(mixed.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(mixed.err()).contains("only LoRA's adapters share one");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--method houlsby:8 --rank 2 | --rank: --method houlsby:8 has no such option",
        "--method houlsby:8 --lora-plus-ratio 2 | --lora-plus-ratio: --method houlsby:8 has no such option",
        "--method houlsby | --method houlsby: needs a size, such as houlsby:8",
        "--method adapterdrop:8,skip=6 | skip 6 leaves none of this GPT-2's 6 blocks, say skip=3 or less",
        "--lora-plus-ratio 0 | --lora-plus-ratio 0.0: expected a positive number",
        "--lora-plus-embedding-lr 1 | --lora-plus-embedding-lr without --lora-plus-ratio",
        "--init pissa_niter_0 | --init pissa_niter_0: expected gaussian, kaiming, pissa or pissa_niter_N",
        "--init pissa --dora | --init pissa with DoRA",
    })
    void optionsThatDoNotFitAreWrongUse(String options, String message) {
        Run run = Run.of(("train --model base-6m --data e2e --examples 4 --out " + folder.resolve("out") + " " + options.strip()).split(" "));
        assertThat(run.err()).contains(message);
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
    }

    /** A damaged folder of a method is named in a line. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"peft_type\": \"LORA4J\"} | has no field 'method'",
        "{\"peft_type\": \"LORA4J\", \"method\": \"houlsby:0\"} | field 'method' is 'houlsby:0', which is none of this version's",
        "{\"peft_type\": \"LORA4J\", \"method\": \"full\"} | field 'method' is 'full', and what that trains is saved as a whole model",
        "{\"peft_type\": \"LORA4J\", \"method\": 3} | field 'method' is 3",
        "{\"peft_type\": \"LORA4J\", \"method\": \"houlsby:4\"} | has neither adapter_model.safetensors",
    })
    void aDamagedFolderIsNamed(String config, String message) throws IOException {
        Path damaged = Files.createDirectories(folder.resolve("damaged"));
        Files.writeString(damaged.resolve("adapter_config.json"), config.strip());
        Run run = Run.of("generate", "--model", "base-6m", "--adapter", damaged.toString(), "--prompt", "x");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(message.strip()).doesNotContain("\tat ");
    }
}
