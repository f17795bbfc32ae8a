package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.io.torch.TorchWriter;
import org.lora4j.tensor.Shape;

/** {@code convert}, {@code merge} and {@code inspect}, as a user calls them. */
class AdapterCommandsTest {

    private static final int RANK = 2;

    @TempDir
    Path temp;

    private Path model;
    private Path loralib;

    @BeforeEach
    void makeAnAdapterOfQAndV() throws IOException {
        model = TinyModel.write(temp.resolve("model"));
        loralib = temp.resolve("lora.pt");
        TorchWriter writer = new TorchWriter("lora", "model_state_dict");
        for (int layer = 0; layer < 2; layer++) {
            String module = "transformer.h." + layer + ".attn.c_attn";
            writer.add(random(module + ".lora_A", 2 * RANK, TinyModel.WIDTH));
            writer.add(random(module + ".lora_B", 2 * TinyModel.WIDTH, RANK));
        }
        writer.write(loralib);
    }

    @ParameterizedTest
    @CsvSource({"peft, adapter", "peft-bin, adapter", "loralib, adapter.pt", "gguf, adapter.gguf"})
    void anAdapterComputesTheSameWhateverFormatItWentThrough(String format, String name) throws Exception {
        Path direct = convert(loralib, "direct", "--alpha", "8");
        Path between = convert(direct, name, "--to", format);
        Path back = convert(between, "back", "--alpha", "8", "--model", model.toString());

        assertThat(logits(back)).isEqualTo(logits(direct));
        assertThat(Files.readString(back.resolve("adapter_config.json"))).contains("\"c_attn\"\n");
    }

    @Test
    void aLoralibFileWithoutAlphaIsRefusedWithTheReason() {
        Run run = Run.of("convert", loralib.toString(), "--out", temp.resolve("x").toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("holds A and B, but not alpha").contains("--alpha 16").hasLineCount(1);
        assertThat(temp.resolve("x")).doesNotExist();
    }

    @Test
    void nothingIsReplacedWithoutBeingAskedFor() throws IOException {
        Path file = Files.writeString(temp.resolve("there.gguf"), "mine");
        Path folder = Files.createDirectories(temp.resolve("there"));
        Files.writeString(folder.resolve("notes.txt"), "mine");
        for (Path out : List.of(file, folder)) {
            Run run = Run.of("convert", loralib.toString(), "--alpha", "8", "--out", out.toString());
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).contains("--overwrite").hasLineCount(1);
        }
        assertThat(file).hasContent("mine");
        assertThat(Run.of("convert", loralib.toString(), "--alpha", "8", "--out", file.toString(), "--overwrite").exitCode())
                .isZero();
    }

    @Test
    void tensorsOfTheOtherLayoutDoNotStayBesideNewOnes() throws IOException {
        Path out = convert(loralib, "adapter", "--alpha", "8", "--to", "peft");
        convert(loralib, "adapter", "--alpha", "8", "--to", "peft-bin", "--overwrite");
        assertThat(out.resolve("adapter_model.bin")).exists();
        assertThat(out.resolve("adapter_model.safetensors")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--to pfet", "--dtype int3", "--parts q,x"})
    void slipsInOptionsAreWrongUse(String options) {
        Run run = Run.of(("convert " + loralib + " --alpha 8 --out " + temp.resolve("x") + " " + options).split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("expected");
    }

    @Test
    void theAdapterMustBeNamedOnce() {
        assertThat(Run.of("inspect").exitCode()).isEqualTo(2);
        assertThat(Run.of("inspect", loralib.toString(), "--adapter", loralib.toString()).exitCode()).isEqualTo(2);
        assertThat(Run.of("inspect", temp.resolve("nothing").toString()).err()).contains("there is no such file");
    }

    @Test
    void inspectShowsNormsAndSingularValuesOfEachLayer() throws Exception {
        Run run = Run.of("inspect", loralib.toString(), "--alpha", "8", "--json");
        assertThat(run.exitCode()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.path("format").asText()).isEqualTo("loralib");
        assertThat(json.path("layers")).hasSize(2);
        JsonNode layer = json.path("layers").get(0);
        assertThat(layer.path("r").asInt()).isEqualTo(2 * RANK);
        assertThat(layer.path("scaling").asDouble()).isEqualTo(4);
        double squares = 0;
        for (JsonNode value : layer.path("singular_values")) {
            squares += value.asDouble() * value.asDouble();
        }
        assertThat(Math.sqrt(squares)).isCloseTo(layer.path("norm_delta").asDouble(), within(1e-12));
        assertThat(Run.of("inspect", loralib.toString(), "--alpha", "8").out()).contains("rank      4, alpha 16", "attn.c_attn",
                "singular values");
    }

    @Test
    void inspectOfALoralibFileWithoutAlphaSaysWhatIsMissing() {
        Run run = Run.of("inspect", loralib.toString());
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("not alpha").contains("--alpha 16");
        assertThat(run.out()).contains("alpha not said");
    }

    @ParameterizedTest
    @CsvSource({"f32, 1e-5", "bf16, 0.2", "f16, 0.02"})
    void aMergedModelHasTheLogitsOfBaseAndAdapter(String dtype, double bound) throws Exception {
        Path merged = temp.resolve("merged");
        Run run = Run.of("merge", "--model", model.toString(), "--adapter", loralib.toString(), "--alpha", "8", "--dtype", dtype,
                "--out", merged.toString(), "--backend", "reference", "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode report = new ObjectMapper().readTree(run.out());

        assertThat(report.path("merged_tensors").asInt()).isEqualTo(2);
        assertThat(report.path("max_error_ulps").asDouble()).isBetween(0.2, 0.5); // each element is rounded once
        assertThat(report.path("mean_error_ulps").asDouble()).isBetween(0.1, 0.4);
        assertThat(report.path("logits_max_change_relative").asDouble()).isLessThan(bound);
        assertThat(merged.resolve("merge_report.json")).content().isEqualToIgnoringWhitespace(run.out());
        assertThat(merged.resolve("vocab.json")).exists();
        try (Safetensors file = Safetensors.open(merged.resolve("model.safetensors"))) {
            assertThat(file.dtype("transformer.wte.weight").name()).isEqualToIgnoringCase(dtype);
        }
        assertThat(Run.of("merge", "--model", model.toString(), "--adapter", loralib.toString(), "--alpha", "8", "--out",
                merged.toString()).err()).contains("is not empty").contains("--overwrite");
    }

    @Test
    void aHelpPageHasAnExample() {
        for (String command : List.of("convert", "merge", "inspect")) {
            assertThat(Run.of(command, "--help").out()).contains("Example:\n  lora4j " + command);
        }
    }

    private Path convert(Path from, String out, String... options) {
        String[] args = new String[4 + options.length];
        args[0] = "convert";
        args[1] = from.toString();
        args[2] = "--out";
        args[3] = temp.resolve(out).toString();
        System.arraycopy(options, 0, args, 4, options.length);
        Run run = Run.of(args);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return temp.resolve(out);
    }

    private double[] logits(Path adapter) {
        Path out = temp.resolve("out.safetensors");
        Run run = Run.of("trace", "--model", model.toString(), "--adapter", adapter.toString(), "--backend", "reference", "--batch",
                TinyModel.batch(temp.resolve("batch.safetensors"), 3, 1, 4, 1, 5, 9).toString(), "--out", out.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        try (Safetensors file = Safetensors.open(out)) {
            return file.doubles("logits");
        }
    }

    private static NamedTensor random(String name, int rows, int columns) {
        return NamedTensor.of(name, DType.F32, Shape.of(rows, columns),
                new Random(name.hashCode()).doubles((long) rows * columns, -0.5, 0.5).toArray());
    }
}
