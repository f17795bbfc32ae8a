package org.lora4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.cli.Main;

/** In one process; {@link SparkTrainingTest} has executors. */
class TransformerTest {

    @TempDir
    private static Path folder;
    private static SparkSession session;
    private static Path adapter;

    @BeforeAll
    static void trainAnAdapter() throws IOException {
        adapter = folder.resolve("adapter");
        assertThat(LocalCluster.alone(LocalCluster.options(LocalCluster.pairs(folder), adapter)).code()).isZero();
        session = SparkSession.builder().config(SparkCluster.settings("local[2]")).config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "2").getOrCreate();
    }

    @AfterAll
    static void stop() throws IOException {
        session.close();
    }

    private static Dataset<Row> table(String... lines) throws IOException {
        Path file = Files.writeString(Files.createTempFile(folder, "table", ".jsonl"), String.join("\n", lines));
        return Tables.read(session, file.toString()).repartition(2);
    }

    private static String said(String... command) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        assertThat(Main.run(stream, stream, command)).as(out.toString(StandardCharsets.UTF_8)).isZero();
        return out.toString(StandardCharsets.UTF_8).strip();
    }

    @Test
    void rowsAreAnsweredByTheAdapterThatTheirColumnNames() throws IOException {
        Dataset<Row> rows = table("{\"id\": 1, \"text\": \"number : 7 | of : things\", \"by\": \"mine\"}",
                "{\"id\": 2, \"text\": \"number : 7 | of : things\"}", "{\"id\": 3, \"by\": \"mine\"}");
        List<Row> answered = new Lora4jTransformer().setModel("base-6m").setAdapters(Map.of("mine", adapter.toString())).setAdapterCol("by")
                .setWork("generate").setMaxNewTokens(8).setOutputCol("said").transform(rows).orderBy("id").select("said").collectAsList();
        String prompt = "number : 7 | of : things";
        assertThat(prompt + answered.get(0).getString(0)).isEqualTo(said("generate", "-q", "--model=base-6m", "--adapter=" + adapter,
                "--prompt=" + prompt, "--max-new-tokens=8", "--temperature=0"));
        assertThat((prompt + answered.get(1).getString(0)).strip()).isEqualTo(said("generate", "-q", "--model=base-6m", "--prompt=" + prompt,
                "--max-new-tokens=8", "--temperature=0"));
        assertThat(answered.get(2).isNullAt(0)).isTrue();
    }

    @Test
    void scoresAreThoseOfEvaluation() throws IOException {
        Path pairs = folder.resolve("pairs.jsonl");
        Dataset<Row> scored = new Lora4jTransformer().setModel("base-6m").setAdapter(adapter.toString()).setWork("score")
                .setInputCol("prompt").setTargetCol("completion").transform(Tables.read(session, pairs.toString()).repartition(2));
        Row sums = scored.selectExpr("sum(prediction.loss)", "sum(prediction.tokens)").head();
        String evaluated = said("evaluate", "-q", "--json", "--model=base-6m", "--adapter=" + adapter, "--data=" + pairs, "--split=train");
        double loss = new ObjectMapper().readTree(evaluated).get("loss").doubleValue();
        assertThat(sums.getDouble(0) / sums.getLong(1)).isCloseTo(loss, within(1e-5));
    }

    @Test
    void aParquetTableIsTheJsonLinesThatTrainingReads() throws IOException {
        Path table = folder.resolve("pairs.parquet");
        Path pairs = folder.resolve("pairs.jsonl");
        session.read().json(pairs.toString()).coalesce(1).write().parquet(table.toString());
        JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
        List<String> lines = Files.readAllLines(Tables.asLines(spark, table.toString()));
        ObjectMapper json = new ObjectMapper();
        List<String> expected = Files.readAllLines(pairs);
        assertThat(lines).hasSameSizeAs(expected);
        for (int i = 0; i < lines.size(); i++) {
            assertThat(json.readTree(lines.get(i))).isEqualTo(json.readTree(expected.get(i)));
        }
        assertThat(Tables.asLines(spark, pairs.toString())).isNull(); // training reads these itself
    }

    @Test
    void aTransformerIsSavedAndLoaded() throws IOException {
        Lora4jTransformer one = new Lora4jTransformer().setModel("base-6m").setWork("generate").setInputCol("prompt").setMaxNewTokens(3);
        Path place = folder.resolve("transformer");
        one.save(place.toString());
        Lora4jTransformer loaded = Lora4jTransformer.load(place.toString());
        assertThat(loaded.uid()).isEqualTo(one.uid());
        assertThat(loaded.extractParamMap().toSeq().size()).isEqualTo(one.extractParamMap().toSeq().size());
        assertThat(loaded.explainParam(loaded.inputCol())).contains("current: prompt");
        assertThat(loaded.explainParam(loaded.maxNewTokens())).contains("current: 3");
    }

    @Test
    void aColumnThatIsNotThereIsNamed() throws IOException {
        Dataset<Row> rows = table("{\"id\": 1, \"prompt\": \"a\"}");
        assertThatThrownBy(() -> new Lora4jTransformer().setModel("base-6m").setWork("generate").transform(rows))
                .hasMessageContaining("inputCol is text").hasMessageContaining("id, prompt");
        assertThatThrownBy(() -> new Lora4jTransformer().setModel("base-6m").setWork("dance").setInputCol("prompt").transform(rows))
                .hasMessageContaining("work is dance");
    }

    @Test
    void aSweepRunsEachCombinationOnceAndNamesWhatFails() throws IOException {
        Path pairs = folder.resolve("pairs.jsonl");
        List<String> options = List.of("--model=base-6m", "--data=" + pairs, "--targets=q,v", "--alpha=8", "--batch=4", "--steps=2", "--samples=0");
        Sweep sweep = new Sweep(options, Map.of("rank", List.of("1", "0")), folder.resolve("sweep"));
        List<Row> rows = sweep.run(session).collectAsList();
        assertThat(rows).hasSize(2);
        assertThat(rows.getFirst().<Long>getAs("trainable_parameters")).isEqualTo(6 * 2 * 2 * 256);
        assertThat(rows.getFirst().<String>getAs("error")).isNull();
        assertThat(rows.getLast().<String>getAs("error")).contains("rank");
        assertThat(folder.resolve("sweep/rank-1/adapter_model.safetensors")).exists();
        long written = Files.getLastModifiedTime(folder.resolve("sweep/rank-1/result.json")).toMillis();
        sweep.run(session).collectAsList();
        assertThat(Files.getLastModifiedTime(folder.resolve("sweep/rank-1/result.json")).toMillis()).isEqualTo(written);
    }
}
