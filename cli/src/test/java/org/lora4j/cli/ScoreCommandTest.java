package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCommandTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void files() throws IOException {
        write("hyp", "the cat is on the mat", "a dog");
        write("groups", "The cat is on the mat.", "a cat sits on a mat", "", "A dog!");
        write("ref0", "The cat is on the mat.", "A dog!");
        write("ref1", "a cat sits on a mat", "");
        write("predicted", "1", "0", "1", "1");
        write("gold", "1", "0", "0", "1");
    }

    private void write(String name, String... lines) throws IOException {
        Files.write(folder.resolve(name), List.of(lines));
    }

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    private JsonNode json(String... options) throws IOException {
        String[] line = new String[options.length + 2];
        line[0] = "score";
        System.arraycopy(options, 0, line, 1, options.length);
        line[line.length - 1] = "--json";
        Run run = Run.of(line);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        return new ObjectMapper().readTree(run.out());
    }

    @Test
    void printsTheFiveScoresOfE2eAndCallsMeteorWhatItIs() {
        Run run = Run.of("score", "--hyp", at("hyp"), "--ref", at("groups"));

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out().lines().map(line -> line.substring(0, line.indexOf(':'))))
                .containsExactly("BLEU", "NIST", "METEOR without paraphrases", "ROUGE-L", "CIDEr");
        assertThat(run.out()).contains("ROUGE-L: 1.0000");
    }

    @Test
    void severalFilesAndOneFileOfGroupsAreTheSameReferences() throws IOException {
        JsonNode groups = json("--hyp", at("hyp"), "--ref", at("groups"));
        JsonNode files = json("--hyp", at("hyp"), "--ref", at("ref0"), "--ref", at("ref1"));

        assertThat(files).isEqualTo(groups);
        assertThat(groups.get("segments").asInt()).isEqualTo(2);
        assertThat(groups.get("references").asInt()).isEqualTo(3);
    }

    @Test
    void metricsAreChosenAndSegmentsShown() throws IOException {
        JsonNode scores = json("--hyp", at("hyp"), "--ref", at("ref0"), "--metric", "ter,rouge-l", "--per-segment");

        assertThat(scores.fieldNames()).toIterable().containsExactly("segments", "references", "ter", "rouge_l", "per_segment");
        // mat against mat. in 6 words, dog against dog! in 2
        assertThat(scores.get("ter").asDouble()).isEqualTo(2 / 8.0);
        assertThat(scores.at("/per_segment/1/ter").asDouble()).isEqualTo(0.5);
        assertThat(scores.at("/per_segment/0/rouge_l").asDouble()).isEqualTo(1);
    }

    @Test
    void labelsHaveMeasuresOfTheirOwn() throws IOException {
        JsonNode scores = json("--hyp", at("predicted"), "--ref", at("gold"), "--metric", "accuracy,f1,matthews,pearson,spearman");

        assertThat(scores.get("accuracy").asDouble()).isEqualTo(0.75);
        assertThat(scores.get("f1").asDouble()).isEqualTo(0.8);
        assertThat(scores.get("matthews").asDouble()).isEqualTo(scores.get("pearson").asDouble());
    }

    @Test
    void theEmbeddedReferencesAndOtherRulesAreThere() throws IOException {
        assertThat(Run.of("score", "--hyp", at("hyp"), "--ref", "e2e:test").err())
                .contains("has 2 lines, but e2e:test has references for 630");
        assertThat(json("--hyp", at("hyp"), "--ref", at("groups"), "--rules", "generation-eval").fieldNames()).toIterable()
                .containsExactly("segments", "references", "bleu", "meteor_without_paraphrases", "ter");
    }

    @Test
    void lineCountsThatDifferAreSaidWithTheFirstThatIsAlone() throws IOException {
        write("longer", "a", "b", "a bird");

        Run run = Run.of("score", "--hyp", at("longer"), "--ref", at("groups"));

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("longer has 3 lines", "groups has references for 2", "line 3, 'a bird'");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void wrongUseIsSaidInOneLine() {
        assertWrong("there is no such metric (nearest: bleu)", "--metric", "blue");
        assertWrong("accuracy score labels, the others texts", "--metric", "bleu,accuracy");
        assertWrong("expected e2e or generation-eval", "--rules", "wmt");
        assertWrong("give one of the two", "--keep-case", "--lower-case");
    }

    private void assertWrong(String says, String... options) {
        String[] line = new String[options.length + 5];
        System.arraycopy(new String[] {"score", "--hyp", at("hyp"), "--ref", at("ref0")}, 0, line, 0, 5);
        System.arraycopy(options, 0, line, 5, options.length);
        Run run = Run.of(line);
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).contains(says);
    }

    @Test
    void whatIsNoNumberIsNamedWithItsLine() throws IOException {
        write("words", "1", "two", "3", "4");

        assertThat(Run.of("score", "--hyp", at("words"), "--ref", at("gold"), "--metric", "pearson").err())
                .contains("words, line 2: 'two' is no number");
    }
}
