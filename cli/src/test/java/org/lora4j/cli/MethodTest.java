package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** {@code --method}: what each trains, has for options, and leaves. */
class MethodTest {

    @TempDir
    private Path temp;
    private Path model;
    private Path data;
    private Path out;

    @BeforeEach
    void files() throws IOException {
        model = TinyModel.write(temp.resolve("model"));
        data = temp.resolve("train.jsonl");
        Files.writeString(data, """
                {"context": "a", "completion": "b"}
                {"context": "c", "completion": "d"}
                """);
        out = temp.resolve("out");
    }

    private Run train(String... more) {
        List<String> args = new ArrayList<>(List.of("train", "--model", model.toString(), "--data", data.toString(), "--steps",
                "2", "--out", out.toString(), "--samples", "0"));
        args.addAll(Arrays.asList(more));
        return Run.of(args.toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource({"full", "bitfit", "top:1", "FULL"})
    void aMethodWithoutAnAdapterLeavesAModelThatGenerates(String method) throws IOException {
        Run run = train("--method", method, "--json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode result = new ObjectMapper().readTree(run.out());
        assertThat(result.get("model").asText()).isEqualTo(out.toString());
        assertThat(result.has("adapter")).isFalse();
        assertThat(result.get("method").asText()).isEqualTo(method.toLowerCase());
        assertThat(result.get("trainable_parameters").asLong()).isPositive()
                .isLessThanOrEqualTo(result.get("parameters").asLong());

        Run written = Run.of("generate", "--model", out.toString(), "--prompt", "a", "--max-new-tokens", "2");
        assertThat(written.exitCode()).as(written.err()).isZero();
        assertThat(written.out()).as("of pairs only the completion is shown").doesNotStartWith("a");
        Run measured = Run.of("evaluate", "--model", out.toString(), "--data", data.toString());
        assertThat(measured.exitCode()).as(measured.err()).isZero();
        assertThat(Files.readString(out.resolve("report.html"))).contains("<th scope=\"row\">Method</th>")
                .doesNotContain("Paper says");
    }

    @Test
    void whatIsAnnouncedSaysWhatTrains() {
        assertThat(train("--method", "full").out()).contains("copies of all train", "full fine-tuning: ", "100.00 %", "Model     ");
        assertThat(train("--method", "top:1", "--overwrite").out()).contains("copies of some train", "the last block: ");
        assertThat(train("--overwrite").out()).contains("frozen", "LoRA r 4", "Adapter   ");
    }

    @Test
    void everyOptionThatOnlyLoraHasIsRefusedByName() {
        List<OptionSpec> options = CommandSpec.forAnnotatedObject(new LoraChoice()).options();
        assertThat(options).hasSizeGreaterThan(8);
        for (OptionSpec option : options) {
            String name = option.longestName();
            String value = switch (name) {
                case "--bias" -> "none";
                case "--init" -> "kaiming";
                case "--targets" -> "q";
                default -> "0";
            };
            Run run = option.arity().max() == 0 ? train("--method", "bitfit", name) : train("--method", "bitfit", name, value);
            assertThat(run.exitCode()).as(name).isEqualTo(ExitCode.WRONG_USE);
            assertThat(run.err()).startsWith("lora4j: " + name + ": --method bitfit has no such option, only lora has")
                    .hasLineCount(1);
        }
        assertThat(train("--method", "top:1", "--rank", "8", "--dora").err()).startsWith("lora4j: --rank, --dora: --method top:1");
        assertThat(out).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"top:0", "top", "ia3", "top:-1", ""})
    void whatIsNoMethodIsWrongUse(String method) {
        Run run = train("--method", method);
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("--method", "lora, full, bitfit or top:N").doesNotContain("`").hasLineCount(1);
    }

    @Test
    void moreBlocksThanThereAreIsWrongUse() {
        Run run = train("--method", "top:99");
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("top:99: this GPT-2 has").hasLineCount(1);
    }

    @Test
    void aTrainedModelIsReplacedOnlyWhenAskedAndGoesAsAWhole() {
        assertThat(train("--method", "full").exitCode()).isZero();
        Run again = train("--method", "full");
        assertThat(again.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(again.err()).contains("holds a trained model already", "--overwrite").hasLineCount(1);
        assertThat(train().err()).contains("holds a trained model already");
        assertThat(train("--overwrite").exitCode()).isZero();
        assertThat(out.toFile().list()).contains("adapter_config.json")
                .doesNotContain("model.safetensors", "config.json", "vocab.json", "merges.txt");
    }

    @Test
    void aModelThatWasNotTrainedThereIsNeverReplaced() throws IOException {
        TinyModel.write(out);
        byte[] before = Files.readAllBytes(out.resolve("model.safetensors"));
        for (Run run : List.of(train("--method", "full"), train("--method", "full", "--overwrite"))) {
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
            assertThat(run.err()).contains("holds a model that was not trained there").hasLineCount(1);
        }
        assertThat(train("--overwrite").exitCode()).isZero();
        assertThat(train("--overwrite").exitCode()).isZero();
        assertThat(Files.readAllBytes(out.resolve("model.safetensors"))).isEqualTo(before);
    }

    /** A run that is over diverges on its way to be replaced: nothing of the old one is left. */
    @Test
    void aModelThatDivergesLeavesNone() {
        assertThat(train("--method", "full").exitCode()).isZero();
        Run diverged = train("--method", "full", "--overwrite", "--lr", "1e30", "--warmup", "0");
        assertThat(diverged.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(diverged.err()).contains("diverged", "Lower --lr (1.0E30), set --clip 1 or lengthen --warmup");
        assertThat(out.toFile().list()).doesNotContain("model.safetensors", "config.json");
    }

    @Test
    void commandsForAdaptersSayWhatToDoWithAModelsFolder() {
        assertThat(train("--method", "bitfit").exitCode()).isZero();
        for (Run run : List.of(Run.of("inspect", out.toString()),
                Run.of("merge", "--model", model.toString(), "--adapter", out.toString(), "--out", temp.resolve("m").toString()),
                Run.of("convert", out.toString(), "--to", "gguf", "--out", temp.resolve("c").toString()),
                Run.of("generate", "--model", model.toString(), "--adapter", out.toString(), "--prompt", "a"),
                Run.of("evaluate", "--model", model.toString(), "--adapter", out.toString(), "--data", data.toString()))) {
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
            assertThat(run.err()).contains(out + ": has no adapter_config.json", "a whole model and no adapter", "use it as the model").doesNotContain("`").hasLineCount(1);
        }
    }

    @Test
    void reproduceTakesTheSameMethodsAndRefusesTheSameOptions() {
        for (String[] wrong : new String[][] {{"--method", "bitfit", "--rank", "2", "--alpha", "3"}, {"--full", "--targets", "q"},
            {"--method", "top:0"}, {"--full", "--method", "lora"}, {"--table", "18", "--method", "full"}}) {
            List<String> args = new ArrayList<>(List.of("reproduce", "e2e", "--out", out.toString()));
            args.addAll(Arrays.asList(wrong));
            Run run = Run.of(args.toArray(String[]::new));
            assertThat(run.exitCode()).as(String.join(" ", wrong)).isEqualTo(ExitCode.WRONG_USE);
            assertThat(run.err()).contains("--").hasLineCount(1);
        }
        assertThat(out).doesNotExist();
    }
}
