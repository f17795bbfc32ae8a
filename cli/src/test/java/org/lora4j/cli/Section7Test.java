package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code reproduce section7}, as short as it can be. */
class Section7Test {

    @TempDir
    private Path folder;

    private Run run(String... more) {
        List<String> all = new ArrayList<>(List.of("reproduce", "section7", "--steps", "2", "--batch", "2", "--dev-examples", "2",
                "--out", folder.resolve("runs").toString()));
        all.addAll(List.of(more));
        return Run.of(all.toArray(String[]::new));
    }

    @Test
    void fourRunsBecomeThreePagesAndAreNotTrainedAgain() throws IOException {
        Run first = run("-q");
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(first.out()).contains("| qv-r64-seed111 |", "| by chance |", "Table 7");
        for (String file : List.of("ranks.html", "seeds.html", "seeds-r8.html", "seeds.json", "seeds.csv", "section7.md")) {
            assertThat(folder.resolve("runs").resolve(file)).exists();
        }
        JsonNode ranks = new ObjectMapper().readTree(folder.resolve("runs/ranks.json").toFile());
        assertThat(ranks.at("/maps/1/similarity/A_right")).hasSize(8);
        assertThat(ranks.at("/maps/1/similarity/A_right/0")).hasSize(64);
        assertThat(ranks.at("/maps/1/updates/1/amplification/r").intValue()).isEqualTo(64);
        Path trained = folder.resolve("runs/qv-r8-seed110/trained.json");
        FileTime before = Files.getLastModifiedTime(trained);

        Run again = run("-q", "--json");

        assertThat(again.exitCode()).as(again.err()).isZero();
        assertThat(Files.getLastModifiedTime(trained)).isEqualTo(before);
        assertThat(new ObjectMapper().readTree(again.out()).path("runs")).hasSize(4);
    }

    @Test
    void whatItDoesNotVaryIsRefused() {
        for (List<String> options : List.of(List.of("--rank", "4"), List.of("--targets", "k"), List.of("--seeds", "1,2,3"), List.of("--seeds", "1,1"),
                List.of("--full"), List.of("--table", "5"))) {
            Run run = run(options.toArray(String[]::new));
            assertThat(run.exitCode()).as(options.toString()).isEqualTo(ExitCode.WRONG_USE);
            assertThat(run.err()).contains(options.getFirst());
        }
    }
}
