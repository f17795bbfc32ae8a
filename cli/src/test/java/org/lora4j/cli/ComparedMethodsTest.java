package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.experiments.reproduce.MethodFamilies;
import org.lora4j.tuning.TuningMethods;

class ComparedMethodsTest {

    @TempDir
    private Path temp;

    private Run run(String... more) {
        return Run.of(Stream.concat(Stream.of("reproduce", "methods", "--steps", "1", "--seeds", "2",
                "--dev-examples", "8", "--batch", "2", "--limit", "2", "--beam", "2", "--max-new-tokens", "8", "--quiet", "--out", temp.resolve("runs").toString()),
                Arrays.stream(more)).toArray(String[]::new));
    }

    @Test
    void aMethodIsSearchedThenTrainedAndNothingIsRunTwice() throws Exception {
        Run first = run("--only", "bitfit");

        assertThat(first.exitCode()).as(first.err()).isEqualTo(ExitCode.OK);
        assertThat(first.out()).containsPattern("BitFit +17,152 +[13]e-[23] +\\d\\.\\d{4} +\\d+\\.\\d{2}");
        assertThat(Files.readString(temp.resolve("runs/methods.html"))).contains("<svg class=\"curve methods\"", "BitFit", "17,152", "BLEU against parameters")
                .doesNotContain("<script", "http://", "https://");
        assertThat(Files.readString(temp.resolve("runs/methods.md"))).contains("| BitFit | BitFit | 17,152 |");
        Path trained = temp.resolve("runs/bitfit-seed2/trained.json");
        Object when = Files.getLastModifiedTime(trained);
        assertThat(run("--only", "bitfit").out()).isEqualTo(first.out());
        assertThat(Files.getLastModifiedTime(trained)).isEqualTo(when);
        assertThat(run("--only", "bitfit", "--train-only").out()).containsPattern("BitFit .*\\d\\.\\d{4}\\n").doesNotContain("BLEU");
    }

    @Test
    void eachSizeWritesItsTexts() {
        Run sizes = run("--only", "preembed");

        assertThat(sizes.out().lines().filter(line -> line.matches("PreEmbed.* \\d\\.\\d{4} +\\d+\\.\\d{2}")).count())
                .as(sizes.err()).isEqualTo(3);
    }

    @Test
    void everyMethodOfThePaperIsAmongThemAndIsOneThatThereIs() {
        List<String> methods = MethodFamilies.all().families().stream().flatMap(family -> family.rows().stream())
                .map(row -> row.method()).filter(method -> !method.equals(TuningMethods.LORA)).toList();

        assertThat(methods).allSatisfy(method -> assertThat(TuningMethods.parse(method).name()).startsWith(method.replaceFirst(":.*", "")));
        assertThat(MethodFamilies.all().families()).allSatisfy(family -> {
            assertThat(family.rates()).hasSize(3);
            assertThat(family.searched()).isBetween(0, family.rows().size() - 1);
        });
    }

    @Test
    void whatIsOnlyE2esIsRefused() {
        assertThat(run("--table", "3").err()).contains("--table: methods has no such option, it is for e2e");
        assertThat(run("--only", "lara").err()).contains("expected lora, houlsby, lin, pfeiffer, preembed, prelayer, bitfit, top, full");
        assertThat(Run.of("reproduce", "e2e", "--only", "lora").exitCode()).isEqualTo(ExitCode.WRONG_USE);
    }
}
