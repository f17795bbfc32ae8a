package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.DType;
import org.lora4j.io.FolderLock;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;

/** Where a run may write, and what it says of its dev loss. */
class RunFolderTest {

    @TempDir
    private Path temp;
    private Path model;
    private Path data;

    @BeforeEach
    void files() throws IOException {
        model = TinyModel.write(temp.resolve("model"));
        data = Files.createDirectory(temp.resolve("data"));
        Files.writeString(data.resolve("train.jsonl"), """
                {"context": "a", "completion": "b"}
                {"context": "c", "completion": "d"}
                """);
        Files.writeString(data.resolve("dev.jsonl"), """
                {"context": "a context that is longer than those", "completion": "and a completion that is longer, too"}
                """);
    }

    private Run train(String out, String... more) {
        List<String> args = new ArrayList<>(List.of("train", "--model", model.toString(), "--data", data.toString(), "--steps",
                "2", "--out", out));
        args.addAll(Arrays.asList(more));
        if (!args.contains("--samples")) {
            args.addAll(List.of("--samples", "0"));
        }
        return Run.of(args.toArray(String[]::new));
    }

    @Test
    void anEmptyNameIsNoFolder() {
        for (String empty : List.of("", " ")) {
            Run run = train(empty);
            assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
            assertThat(run.err()).startsWith("lora4j: --out '': expected the name of a file or folder").hasLineCount(1);
        }
    }

    @Test
    void theModelsAndTheDatasFolderAreRefusedByWhateverName() throws IOException {
        Path link = Files.createSymbolicLink(temp.resolve("link"), model);
        for (Object out : List.of(model, model + "/", temp.resolve("data/../model"), link, link + "/", data)) {
            Run run = train(out.toString(), "--overwrite");
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
            assertThat(run.err()).startsWith("lora4j: --out ").contains("Choose another folder").hasLineCount(1);
        }
        assertThat(model.resolve("metrics.jsonl")).doesNotExist();
        assertThat(data.toFile().list()).containsExactlyInAnyOrder("train.jsonl", "dev.jsonl");
    }

    @Test
    void aFolderThatIsBeingWrittenIsRefusedByEveryCommand() throws IOException {
        assertThat(train(temp.resolve("adapter").toString()).exitCode()).isZero();
        Path out = temp.resolve("out");
        String adapter = temp.resolve("adapter").toString();
        try (FolderLock other = FolderLock.take(out)) {
            for (Run run : List.of(train(out.toString()), train(out.toString(), "--overwrite"),
                    Run.of("demo", "--quick", "--out", out.toString()),
                    Run.of("merge", "--model", model.toString(), "--adapter", adapter, "--out", out.toString()),
                    Run.of("convert", adapter, "--out", out.toString()),
                    Run.of("reproduce", "e2e", "--quick", "--out", out.toString()))) {
                assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
                assertThat(run.err()).startsWith("lora4j: --out " + out + ": is being written by another lora4j").hasLineCount(1);
            }
            assertThat(out.toFile().list()).containsExactly(FolderLock.FILE_NAME);
        }
        assertThat(train(out.toString()).exitCode()).isZero();
    }

    /** The paper's recipe is of its own data, not of this. */
    @Test
    void theReportOfOtherDataHasNoRecipeOfThePapersBesideIt() throws IOException {
        Path out = temp.resolve("out");
        assertThat(train(out.toString()).exitCode()).isZero();
        assertThat(Files.readString(out.resolve("report.html")))
                .contains("id=\"recipe-heading\"", "Learning rate").doesNotContain("Paper says", "42,061");
    }

    @Test
    void aRunThatBeginsAnewTakesTheOldAdapterAwayFirst() {
        Path out = temp.resolve("out");
        assertThat(train(out.toString()).exitCode()).isZero();
        Run diverged = train(out.toString(), "--overwrite", "--lr", "1e30", "--warmup", "0");
        assertThat(diverged.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(diverged.err()).contains("diverged", "the last good state is the base");
        assertThat(out.resolve("adapter_model.safetensors")).doesNotExist();
        assertThat(out.resolve("adapter_config.json")).doesNotExist();
    }

    @Test
    void aDevLossThatIsNeverANumberLosesNoAdapter() throws IOException {
        poison();
        Path out = temp.resolve("out");
        Run run = train(out.toString(), "--json", "--evaluate-every", "1", "--lr", "0.1", "--warmup", "0");
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("the dev loss is NaN before anything was learned",
                "the values of the last step (2) are kept");
        assertThat(run.out()).contains("\"dev_loss\" : null").contains("\"best_step\" : 2");
        assertThat(largestB(out)).isPositive().isFinite();
    }

    @Test
    void aDevLossThatIsNeverBetterKeepsWhatWasLearnedAndSaysSo() throws IOException {
        Path out = temp.resolve("out");
        Run run = train(out.toString(), "--lr", "300", "--warmup", "0");
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("warning: the dev loss was never better than before the first step");
        assertThat(largestB(out)).isPositive().isFinite();
    }

    @Test
    void whatIsHardlyMeantIsRemarkedOn() {
        Run run = train(temp.resolve("out").toString(), "--warmup", "50", "--alpha", "0", "--accumulate", "8",
                "--evaluate-every", "9");
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("--warmup 50: the run has no more than 2 steps", "--alpha 0: ",
                "--accumulate 8: an epoch has 1 batches", "--evaluate-every 9: the run has 2 steps");
    }

    /** Positions that only the dev set has are not numbers. */
    private void poison() throws IOException {
        Path file = model.resolve("model.safetensors");
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        try (Safetensors source = Safetensors.open(file)) {
            for (String name : source.names()) {
                double[] values = source.doubles(name);
                if (name.endsWith("wpe.weight")) {
                    Arrays.fill(values, 6 * TinyModel.WIDTH, values.length, Double.NaN);
                }
                writer.add(name, DType.F32, source.info(name).shape(), values);
            }
        }
        writer.write(file);
    }

    private static double largestB(Path out) {
        try (Safetensors adapter = Safetensors.open(out.resolve("adapter_model.safetensors"))) {
            return adapter.names().stream().filter(name -> name.contains("lora_B"))
                    .flatMapToDouble(name -> Arrays.stream(adapter.doubles(name))).map(Math::abs).max().orElseThrow();
        }
    }
}
