package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What decodes with a beam: generate, evaluate, reproduce. */
class DecodingCommandsTest {

    private static final String SMALL = "--beam 2 --max-new-tokens 6 --limit 3";

    @TempDir
    Path folder;

    @Test
    void generateSearchesWithABeam() throws IOException {
        Run run = run("generate --model base-6m --prompt once --prompt house --beam 3 --max-new-tokens 5 --json");
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        JsonNode texts = new ObjectMapper().readTree(run.out());
        assertThat(texts).hasSize(2);
        assertThat(texts.get(0).get("prompt").asText()).isEqualTo("once");
        assertThat(texts.get(0).get("score").asDouble()).isNegative();
        assertThat(texts.get(0).get("tokens").size()).isBetween(0, 5);
    }

    @Test
    void evaluateDecodesE2ePrintsTheFiveScoresAndWritesTheScorersFiles() throws IOException {
        Run run = run("evaluate --task e2e --model base-6m " + SMALL + " --out " + folder.resolve("texts"));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("BLEU", "NIST", "METEOR", "without paraphrases", "ROUGE-L", "CIDEr", "3 inputs of test");
        assertThat(Files.readAllLines(folder.resolve("texts/hypotheses.txt"))).hasSize(3);
        assertThat(Files.readString(folder.resolve("texts/references.txt")).strip().split("\n\n")).hasSize(3);

        // nothing is decoded again
        Run again = run("evaluate --task e2e --model base-6m " + SMALL + " --json --out " + folder.resolve("texts"));
        JsonNode json = new ObjectMapper().readTree(again.out());
        assertThat(json.get("inputs").asInt()).isEqualTo(3);
        assertThat(json.has("meteor_without_paraphrases")).isTrue();
        assertThat(run.out()).contains("%.4f".formatted(json.get("nist").asDouble()));

        Run other = run("evaluate --task e2e --model base-6m --beam 3 --max-new-tokens 6 --limit 3 --out " + folder.resolve("texts"));
        assertThat(other.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(other.err()).contains("was decoded with beam 2, asked is 3", "--overwrite");
        assertThat(run("evaluate --task e2e --model base-6m --beam 3 --max-new-tokens 6 --limit 3 --overwrite --out "
                + folder.resolve("texts")).exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void reproduceTrainsDecodesScoresAndGoesOnWhereItStopped() throws IOException {
        String command = "reproduce e2e --steps 2 --dev-examples 8 --seeds 1,2 " + SMALL + " --out " + folder.resolve("runs");
        Run run = run(command);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("q, v  r 4", "24,576", "the base alone", "table.md");
        Path first = folder.resolve("runs/qv-r4-seed1");
        assertThat(first).isDirectoryContaining("glob:**/{adapter_model.safetensors,result.json}");
        assertThat(Files.readString(first.resolve("report.html")))
                .contains("LoRA on E2E", "Beside the paper", "Not what the paper says", "BLEU", "Scripts say");
        assertThat(Files.readString(folder.resolve("runs/report.html"))).contains("Our runs", "seed 2");
        assertThat(Files.readString(folder.resolve("runs/table.md"))).contains("| q, v, r 4 | 24,576 |", " ± ");

        Files.delete(first.resolve("result.json")); // as if it had been killed before the scores
        long trained = Files.getLastModifiedTime(first.resolve("trained.json")).toMillis();
        Run again = run(command);
        assertThat(again.exitCode()).as(again.err()).isEqualTo(ExitCode.OK);
        assertThat(Files.getLastModifiedTime(first.resolve("trained.json")).toMillis()).isEqualTo(trained);
        assertThat(first.resolve("result.json")).exists();

        Run longer = run(command.replace("--steps 2", "--steps 3"));
        assertThat(longer.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(longer.err()).contains("has steps 2, asked is 3");
    }

    @Test
    void reproduceSaysWhatThereIs() {
        Run run = run("reproduce --list");
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("e2e", "--table 18", "--table 5", "the paper says", "the scripts say", "Length penalty");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "reproduce | which experiment?",
        "reproduce glue | there are e2e",
        "reproduce e2e --table 7 | --table 7: expected 18 or 5 or 3",
        "reproduce e2e --table 18 --full | --table 18 --full",
        "reproduce e2e --steps 5 --epochs 1 | --epochs 1",
        "reproduce e2e --beam 0 | --beam 0: expected 1 to 1000",
        "reproduce e2e --split devv | 'devv'",
        "evaluate --task e2e --model base-6m --limit -1 | --limit -1",
        "evaluate --model base-6m | --data",
        "generate --model base-6m --prompt x --beam 2 --temperature 1 | --beam and --temperature",
        "generate --model base-6m --prompt x --beam 2 --no-repeat-ngram -1 | --no-repeat-ngram -1",
    })
    void whatMakesNoSenseIsWrongUse(String command, String says) {
        Run run = run(command);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains(says);
    }

    private static Run run(String command) {
        List<String> arguments = new ArrayList<>(List.of(command.split(" ")));
        return Run.of(arguments.toArray(String[]::new));
    }
}
