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

/** Tasks beside E2E whose texts are scored: WikiSQL and SAMSum, on made examples. */
class WrittenTasksTest {

    private static final String QUERY = "SELECT \"Player\" FROM table WHERE \"No.\" = '42'";

    @TempDir
    private Path temp;

    @BeforeEach
    void files() throws Exception {
        for (String part : new String[] {"train", "test"}) {
            Files.writeString(temp.resolve(part + ".tables.jsonl"), """
                    {"id": "1-1", "header": ["Player", "No."], "types": ["text", "text"], "rows": [["Ann", "42"], ["Bob", "7"]]}
                    """);
            Files.writeString(temp.resolve(part + ".jsonl"), """
                    {"table_id": "1-1", "question": "Who wore 42?", "sql": {"sel": 0, "conds": [[1, 0, "42"]], "agg": 0}}
                    {"table_id": "1-1", "question": "How many players?", "sql": {"sel": 0, "conds": [], "agg": 3}}
                    """);
            Files.writeString(temp.resolve(part + ".json"), """
                    [{"id": "1", "dialogue": "Ann: I baked cookies.\\r\\nBob: Sure!", "summary": "Ann baked cookies."}]
                    """);
        }
    }

    @ParameterizedTest
    @CsvSource({"wikisql, execution", "samsum, rouge_2"})
    void aTaskIsTrainedAndScoredFromItsFolder(String task, String key) throws Exception {
        String data = task + ":" + temp;
        Run trained = Run.of("train", "--model", "base-6m", "--data", data, "--steps", "2", "--batch", "2", "--quiet", "--out",
                temp.resolve("adapter").toString());
        assertThat(trained.exitCode()).as(trained.err()).isEqualTo(ExitCode.OK);

        Run run = Run.of("evaluate", "--model", "base-6m", "--adapter", temp.resolve("adapter").toString(), "--task", task, "--data",
                data, "--beam", "1", "--max-new-tokens", "4", "--json", "--quiet");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        JsonNode scores = new ObjectMapper().readTree(run.out());
        assertThat(scores.get(key).asDouble()).isBetween(0.0, 1.0);
        assertThat(scores.get("inputs").asInt()).isEqualTo(task.equals("wikisql") ? 2 : 1);
    }

    @Test
    void aTaskWantsItsOwnData() {
        assertThat(Run.of("evaluate", "--model", "base-6m", "--task", "wikisql").err())
                .isEqualToIgnoringNewLines("lora4j: --task wikisql: give its folder as --data wikisql:DIR. See lora4j evaluate --help.");
        assertThat(Run.of("evaluate", "--model", "base-6m", "--task", "samsum", "--data", "e2e").err())
                .contains("--task samsum --data e2e: that task scores --data samsum:DIR");
    }

    @Test
    void queriesAndSummariesInFilesAreScored() throws Exception {
        Path written = Files.writeString(temp.resolve("written.txt"), QUERY + "\nSELECT COUNT(\"No.\") FROM table\n");
        Path summary = Files.writeString(temp.resolve("summary.txt"), "Ann bakes cookies\n");

        JsonNode queries = new ObjectMapper().readTree(
                Run.of("score", "--hyp", written.toString(), "--ref", "wikisql:" + temp, "--json").out());
        assertThat(queries.get("logical_form").asDouble()).isEqualTo(0.5);
        assertThat(queries.get("execution").asDouble()).isEqualTo(1);
        JsonNode rouge = new ObjectMapper().readTree(Run.of("score", "--hyp", summary.toString(), "--ref", "samsum:" + temp, "--metric",
                "rouge-1,rouge-2,rouge-l-f1", "--json").out());
        assertThat(rouge.get("rouge_1").asDouble()).as("bakes and baked have one stem").isEqualTo(1);
        assertThat(rouge.get("rouge_l_f1").asDouble()).isEqualTo(1);
        assertThat(Run.of("score", "--hyp", written.toString(), "--ref", "wikisql:" + temp, "--metric", "bleu").exitCode())
                .isEqualTo(ExitCode.WRONG_USE);
    }
}
