package org.lora4j.experiments.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.data.Split;
import org.lora4j.experiments.data.DataName;
import org.lora4j.experiments.data.WikiSql;
import org.lora4j.experiments.sql.SqlTable.Type;

class WikiSqlTest {

    private static final SqlTable TABLE = new SqlTable("1-10", List.of("Player", "No.", "Born \"in\"", "Points", "No."),
            List.of(Type.TEXT, Type.TEXT, Type.TEXT, Type.REAL, Type.REAL), List.of(
            Arrays.asList("Ann Lee", "42", "O'Fallon", 10, 1), Arrays.asList("Bob", "7", "Rome", 2.5, 2),
            Arrays.asList("Cy", "42", "Rome", "n/a", 3), Arrays.asList("Di", "9", null, 1e3, 4)));

    @TempDir
    private Path folder;

    private static SqlQuery read(String text) {
        return SqlQuery.read(text, TABLE).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "SELECT \"Player\" FROM table",
        "SELECT COUNT(\"Player\") FROM table WHERE \"No.\" = '42' AND \"Points\" > 2.5",
        "SELECT \"No. (2)\" FROM table WHERE \"Born \"\"in\"\"\" = 'O''Fallon'",
        "SELECT AVG(\"Points\") FROM table WHERE \"Player\" < 'x AND \"No.\" = ''42'''",
    })
    void aQueryIsReadAsItIsWritten(String text) {
        assertThat(read(text).text(TABLE)).isEqualTo(text);
    }

    @Test
    void wordsMayBeInSmallLettersAndSpaceIsFree() {
        assertThat(read(" select count ( \"player\" )from  table where \"NO.\"='42' ").text(TABLE))
                .isEqualTo("SELECT COUNT(\"Player\") FROM table WHERE \"No.\" = '42'");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "SELECT", "hello", "SELECT \"Nobody\" FROM table", "SELECT Player FROM table", "SELECT \"Player\" FROM table;",
        "SELECT \"Player\" FROM table; DROP TABLE t", "SELECT \"Player\" FROM table WHERE \"No.\" = '42' OR 1=1",
        "SELECT \"Player\" FROM table WHERE \"No.\" = '42", "SELECT \"Player\" FROM table WHERE \"No.\" = 42--",
        "SELECT \"Player\" FROM sqlite_master", "SELECT \"Player\" FROM table UNION SELECT \"Player\" FROM table",
        "ATTACH DATABASE '/tmp/x.db' AS x", "SELECT load_extension('x')", "PRAGMA writable_schema = 1",
        "SELECT \"Player\" FROM table WHERE \"No.\" = (SELECT 1)", "SELECT MAX(MAX(\"Player\")) FROM table",
        "SELECT \"Player\" FROM table WHERE \"No.\" = 1e999999", "SELECT \"Player\" FROM table WHERE \"No.\" = --1",
    })
    void nothingElseIsAQuery(String text) {
        assertThat(SqlQuery.read(text, TABLE)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "SELECT \"Player\" FROM table WHERE \"No.\" = '42' | [ann lee, cy]",
        "SELECT \"Player\" FROM table WHERE \"No.\" = 42 | [ann lee, cy]",
        "SELECT \"Player\" FROM table WHERE \"Player\" = 'ANN LEE' | [ann lee]",
        "SELECT COUNT(\"Player\") FROM table WHERE \"Born \"\"in\"\"\" = 'Rome' AND \"No.\" = '7' | [1.0]",
        "SELECT MAX(\"Points\") FROM table WHERE \"Player\" = 'Bob' | [2.5]",
        "SELECT MAX(\"Points\") FROM table WHERE \"Player\" = 'nobody' | [null]",
        "SELECT \"Player\" FROM table WHERE \"Points\" > '5 pts' | [ann lee, cy, di]", // the first number; and to SQLite a text is above numbers
        "SELECT \"Player\" FROM table WHERE \"Points\" = '1,000' | [di]",
        "SELECT SUM(\"No.\") FROM table | [100.0]", // texts that are numbers
        "SELECT \"Player\" FROM table WHERE \"Points\" > 2 AND \"Points\" < 11 | [ann lee, bob]",
    })
    void queriesGiveWhatWikiSqlsScorerGets(String text, String expected) {
        try (SqlDatabase database = SqlDatabase.open()) {
            assertThat(database.run(read(text), TABLE)).hasToString(expected);
        }
    }

    @Test
    void hostileValuesAreValues() {
        try (SqlDatabase database = SqlDatabase.open()) {
            assertThat(database.run(read("SELECT \"Player\" FROM table WHERE \"Player\" = 'x''; DROP TABLE t; --'"), TABLE)).isEmpty();
            assertThat(database.run(read("SELECT COUNT(\"Player\") FROM table"), TABLE)).hasToString("[4.0]");
        }
    }

    @Test
    void logicalFormsAreEqualWhateverTheOrderOfConditionsAndTheLetters() {
        SqlQuery gold = read("SELECT \"Player\" FROM table WHERE \"No.\" = '42' AND \"Player\" = 'Ann Lee'");

        assertThat(gold.hasFormOf(read("SELECT \"Player\" FROM table WHERE \"Player\" = 'ann lee' AND \"No.\" = 42"))).isTrue();
        assertThat(gold.hasFormOf(read("SELECT \"Player\" FROM table WHERE \"Player\" = 'ann lee'"))).isFalse();
        assertThat(gold.hasFormOf(read("SELECT MAX(\"Player\") FROM table WHERE \"No.\" = '42' AND \"Player\" = 'Ann Lee'"))).isFalse();
    }

    // ------------------------------------------------------------------------------------------------ files

    private void write(String questions) throws Exception {
        Files.writeString(folder.resolve("dev.tables.jsonl"), """
                {"id": "1-10", "header": ["Player", "No."], "types": ["text", "real"], "rows": [["Ann", 42], ["Bob", 7], ["Cy", 42]]}
                """);
        Files.writeString(folder.resolve("dev.jsonl"), questions);
    }

    @Test
    void aFolderAsWikiSqlReleasesItIsReadAndScored() throws Exception {
        write("""
                {"phase": 1, "table_id": "1-10", "question": "Who wore 42?", "sql": {"sel": 0, "conds": [[1, 0, 42]], "agg": 0}}
                {"phase": 1, "table_id": "1-10", "question": "How many are there?", "sql": {"sel": 0, "conds": [], "agg": 3}}
                """);

        List<WikiSqlQuestion> questions = WikiSql.questions(folder, Split.DEV);
        assertThat(DataName.of("wikisql:" + folder).open(Split.DEV).getFirst()).satisfies(pair -> {
            assertThat(pair.context()).isEqualTo("columns : Player | No. | question : Who wore 42?");
            assertThat(pair.completion()).isEqualTo("SELECT \"Player\" FROM table WHERE \"No.\" = 42");
        });
        List<String> gold = questions.stream().map(question -> question.pair().completion()).toList();
        assertThat(WikiSqlScores.of(questions, gold)).isEqualTo(new WikiSqlScores(2, 1, 1, 1));
        // another form with the same answer, and none
        assertThat(WikiSqlScores.of(questions, List.of("SELECT \"Player\" FROM table WHERE \"No.\" > 7", "how many")))
                .isEqualTo(new WikiSqlScores(2, 0, 0.5, 0.5));
        assertThat(DataName.of("wikisql:" + folder).has(Split.TRAIN)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"table_id\": \"1-11\", \"question\": \"q\", \"sql\": {\"sel\": 0, \"conds\": [], \"agg\": 0}} | line 1: table_id '1-11' is no table of dev.tables.jsonl",
        "{\"table_id\": \"1-10\", \"question\": \"q\", \"sql\": {\"sel\": 2, \"conds\": [], \"agg\": 0}} | line 1: sel is 2, expected 0 to 1",
        "{\"table_id\": \"1-10\", \"question\": \"q\", \"sql\": {\"sel\": 0, \"conds\": [[0, 3, 1]], \"agg\": 0}} | a condition's comparison is 3, expected 0 to 2",
        "{\"table_id\": \"1-10\", \"sql\": {\"sel\": 0, \"conds\": [], \"agg\": 0}} | line 1: expected a question as in WikiSQL",
        "{\"table_id\": | line 1: not JSON",
        "'' | no question in it",
    })
    void whatIsAmissIsSaidWithItsLine(String line, String message) throws Exception {
        write(line);

        assertThatThrownBy(() -> WikiSql.questions(folder, Split.DEV)).isInstanceOf(LoraException.class).hasMessageContaining(message);
    }

    @Test
    void samSumIsReadByTheNamesOfItsFiles() throws Exception {
        Files.writeString(folder.resolve("val.json"), """
                [{"id": "1", "dialogue": "Amanda: I baked cookies.\\r\\n\\r\\nJerry: Sure!", "summary": "Amanda baked cookies."}]
                """);

        assertThat(DataName.of("samsum:" + folder).open(Split.DEV)).singleElement().satisfies(pair -> {
            assertThat(pair.context()).isEqualTo("Amanda: I baked cookies.\nJerry: Sure!");
            assertThat(pair.completion()).isEqualTo("Amanda baked cookies.");
        });
        assertThatThrownBy(() -> DataName.of("samsum:" + folder).open(Split.TRAIN)).hasMessageContaining("no train part of SAMSum");
    }
}
