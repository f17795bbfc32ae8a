package org.lora4j.experiments.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.Place;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.sql.SqlQuery;
import org.lora4j.experiments.sql.SqlQuery.Aggregate;
import org.lora4j.experiments.sql.SqlQuery.Comparison;
import org.lora4j.experiments.sql.SqlQuery.Condition;
import org.lora4j.experiments.sql.SqlTable;
import org.lora4j.experiments.sql.SqlTable.Type;
import org.lora4j.experiments.sql.WikiSqlQuestion;
import org.lora4j.io.FileErrors;
import org.lora4j.io.TextInput;

/**
 * WikiSQL (Zhong et al. 2017): write the query that answers a question about a table. Read from a folder as its authors release
 * it, {@code train.jsonl} and {@code train.tables.jsonl} and the like for dev and test; {@code train.db}, which holds the same
 * tables, is not needed.
 *
 * <pre>
 *   {"table_id": "1-10", "question": "Who wore number 42?", "sql": {"sel": 0, "agg": 0, "conds": [[1, 0, "42"]]}}
 *   {"id": "1-10", "header": ["Player", "No."], "types": ["text", "text"], "rows": [["Ann", "42"]]}
 * </pre>
 */
public final class WikiSql {

    private static final String NAME = "WikiSQL";
    private static final ObjectMapper JSON = new ObjectMapper();

    private WikiSql() {
    }

    /** Takes what stands in a line; says what is amiss by an exception. */
    private interface Line {
        void read(JsonNode json, int number);
    }

    /** Whether the folder has such a part. */
    public static boolean has(Path folder, Split split) {
        return Files.isRegularFile(folder.resolve(split + ".jsonl")) && Files.isRegularFile(folder.resolve(split + ".tables.jsonl"));
    }

    /** The pairs of one part, in the order of the file. */
    public static List<TextPair> open(Path folder, Split split) {
        return questions(folder, split).stream().map(WikiSqlQuestion::pair).toList();
    }

    /**
     * The questions of one part, in the order of the file.
     *
     * @throws LoraException if a file is not there or not as expected, or has no question
     */
    public static List<WikiSqlQuestion> questions(Path folder, Split split) {
        if (!Files.isDirectory(folder)) {
            throw new LoraException(folder + ": no such folder. Expected the folder with " + NAME + "'s " + split + ".jsonl and "
                    + split + ".tables.jsonl");
        }
        Map<String, SqlTable> tables = new HashMap<>();
        Path tableFile = folder.resolve(split + ".tables.jsonl");
        lines(tableFile, (json, number) -> {
            SqlTable table = table(json, tableFile, number);
            tables.put(table.id(), table);
        });
        List<WikiSqlQuestion> questions = new ArrayList<>();
        Path file = folder.resolve(split + ".jsonl");
        lines(file, (json, number) -> questions.add(question(json, tables, tableFile, file, number)));
        if (questions.isEmpty()) {
            throw new LoraException(file + ": no question in it");
        }
        return questions;
    }

    private static void lines(Path file, Line each) {
        if (!Files.isRegularFile(file)) {
            throw new LoraException(file + ": no such file. " + NAME + " has its questions in PART.jsonl and its tables in PART.tables.jsonl");
        }
        int number = 0;
        try (BufferedReader text = new BufferedReader(TextInput.open(file))) {
            for (String line = text.readLine(); line != null; line = text.readLine()) {
                number++;
                if (!line.isBlank()) {
                    each.read(JSON.readTree(line), number);
                }
            }
        } catch (JsonProcessingException e) {
            throw unexpected(file, number, "not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    private static LoraException unexpected(Path file, int line, String problem) {
        return new LoraException(Names.oneLine(file + ", line " + line + ": " + problem));
    }

    private static SqlTable table(JsonNode json, Path file, int number) {
        List<String> columns = new ArrayList<>();
        json.path("header").forEach(name -> columns.add(name.asText().strip()));
        List<Type> types = new ArrayList<>();
        json.path("types").forEach(type -> types.add(type.asText().equals("real") ? Type.REAL : Type.TEXT));
        List<List<Object>> rows = new ArrayList<>();
        for (JsonNode row : json.path("rows")) {
            List<Object> cells = new ArrayList<>();
            for (JsonNode cell : row) {
                cells.add(cell.isNull() ? null : cell.isIntegralNumber() && cell.canConvertToLong() ? (Object) cell.longValue()
                        : cell.isNumber() ? (Object) cell.doubleValue() : cell.asText());
            }
            if (cells.size() != columns.size()) {
                throw unexpected(file, number, "a row of " + cells.size() + " cells in a table of " + columns.size() + " columns");
            }
            rows.add(cells);
        }
        if (!json.path("id").isTextual() || columns.isEmpty() || types.size() != columns.size()) {
            throw unexpected(file, number, "expected a table as in " + NAME + ", with id, header, a type for each column, and rows");
        }
        return new SqlTable(json.path("id").asText(), columns, types, rows);
    }

    private static WikiSqlQuestion question(JsonNode json, Map<String, SqlTable> tables, Path tableFile, Path file, int number) {
        String id = json.path("table_id").asText();
        SqlTable table = tables.get(id);
        if (table == null) {
            throw unexpected(file, number, "table_id " + Names.quoted(id) + " is no table of " + tableFile.getFileName());
        }
        JsonNode sql = json.path("sql");
        if (!json.path("question").isTextual() || !sql.path("sel").isInt() || !sql.path("conds").isArray()) {
            throw unexpected(file, number, "expected a question as in " + NAME + ", with question, and sql with sel, agg and conds");
        }
        List<Condition> conditions = new ArrayList<>();
        for (JsonNode condition : sql.path("conds")) {
            int column = index(condition.path(0), table.columns().size(), "a condition's column", file, number);
            int comparison = index(condition.path(1), Comparison.values().length, "a condition's comparison", file, number);
            JsonNode value = condition.path(2);
            if (!value.isTextual() && !value.isNumber()) {
                throw unexpected(file, number, "a condition compares with " + value + ", expected a text or a number");
            }
            conditions.add(new Condition(column, Comparison.values()[comparison], value.asText(), value.isNumber()));
        }
        SqlQuery query = new SqlQuery(index(sql.path("sel"), table.columns().size(), "sel", file, number),
                Aggregate.values()[index(sql.path("agg"), Aggregate.values().length, "agg", file, number)], conditions);
        return new WikiSqlQuestion(json.path("question").asText().strip(), table, query, new Place(file.toString(), number));
    }

    private static int index(JsonNode value, int count, String what, Path file, int number) {
        if (!value.isInt() || value.intValue() < 0 || value.intValue() >= count) {
            throw unexpected(file, number, what + " is " + (value.isMissingNode() ? "missing" : value) + ", expected 0 to " + (count - 1));
        }
        return value.intValue();
    }
}
