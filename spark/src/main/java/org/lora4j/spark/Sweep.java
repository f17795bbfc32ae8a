package org.lora4j.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.lora4j.LoraException;
import org.lora4j.cli.Main;

/**
 * Many runs of {@code lora4j train} over a cluster, one for each combination of some options' values: rank × learning rate ×
 * seed, say. Each is a run of its own in a folder of its own below {@code out}, so one that was killed goes on, and one that is
 * done is not done again.
 */
public final class Sweep {

    private static final String RESULT = "result.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<String> arguments;
    private final Map<String, List<String>> grid;
    private final Path out;

    /**
     * @param arguments of {@code lora4j train}, without those of the grid and {@code --out}
     * @param grid      options without their hyphens → the values to try, in this order
     * @param out       a folder that all executors see
     * @throws LoraException if there is nothing to try
     */
    public Sweep(List<String> arguments, Map<String, List<String>> grid, Path out) {
        if (grid.isEmpty() || grid.values().stream().anyMatch(List::isEmpty)) {
            throw new LoraException("a sweep over nothing: name options and their values, such as rank=1,4,16");
        }
        this.arguments = List.copyOf(arguments);
        this.grid = new LinkedHashMap<>(grid);
        this.out = out.toAbsolutePath().normalize();
    }

    /** One run: its place in the grid, and the command. */
    private record Run(List<String> values, List<String> command, String folder) implements Serializable {
    }

    /** How many runs there are. */
    public int size() {
        return grid.values().stream().mapToInt(List::size).reduce(1, Math::multiplyExact);
    }

    /**
     * Does them, as many at a time as the cluster has room for.
     *
     * @return a row for each: a column of text for each option of the grid, then {@code trainable_parameters} (long),
     *         {@code dev_measure} (text: {@code loss}, {@code accuracy}), {@code dev_before}, {@code dev}, {@code seconds}
     *         (double), {@code folder} and {@code error} (text); numbers are null where a run failed or measured none
     */
    public Dataset<Row> run(SparkSession session) {
        List<Run> runs = runs();
        List<Row> rows = JavaSparkContext.fromSparkContext(session.sparkContext()).parallelize(runs, runs.size()).map(Sweep::train).collect();
        StructType schema = new StructType();
        for (String option : grid.keySet()) {
            schema = schema.add(option.replace('-', '_'), DataTypes.StringType);
        }
        schema = schema.add("trainable_parameters", DataTypes.LongType).add("dev_measure", DataTypes.StringType)
                .add("dev_before", DataTypes.DoubleType).add("dev", DataTypes.DoubleType).add("seconds", DataTypes.DoubleType)
                .add("folder", DataTypes.StringType).add("error", DataTypes.StringType);
        return session.createDataFrame(rows, schema);
    }

    private List<Run> runs() {
        List<List<String>> places = new ArrayList<>(List.of(List.of()));
        for (List<String> values : grid.values()) {
            List<List<String>> longer = new ArrayList<>();
            for (List<String> place : places) {
                for (String value : values) {
                    List<String> next = new ArrayList<>(place);
                    next.add(value);
                    longer.add(next);
                }
            }
            places = longer;
        }
        List<String> options = List.copyOf(grid.keySet());
        List<Run> runs = new ArrayList<>();
        for (List<String> place : places) {
            StringBuilder name = new StringBuilder();
            List<String> command = new ArrayList<>(List.of("train"));
            command.addAll(arguments);
            for (int i = 0; i < place.size(); i++) {
                command.add("--" + options.get(i) + "=" + place.get(i));
                name.append(i == 0 ? "" : "_").append(options.get(i)).append('-').append(place.get(i).replaceAll("[^\\w.+-]", "-"));
            }
            Path folder = out.resolve(name.toString());
            command.add("--out=" + folder);
            command.add("--json");
            runs.add(new Run(place, command, folder.toString()));
        }
        return runs;
    }

    private static Row train(Run run) throws IOException {
        Path result = Path.of(run.folder, RESULT);
        String said = "";
        String error = null;
        if (Files.exists(result)) {
            said = Files.readString(result);
        } else {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            List<String> command = new ArrayList<>(run.command);
            if (command.stream().noneMatch(word -> word.startsWith("--threads"))) {
                command.add("--threads=" + TaskContext.get().cpus());
            }
            int code = Main.run(new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                    command.toArray(String[]::new));
            if (code == 0) {
                said = out.toString(StandardCharsets.UTF_8);
                Files.writeString(result, said);
            } else {
                error = WorkerTask.lastLine(err.toString(StandardCharsets.UTF_8));
            }
        }
        return row(run, error, JSON.readTree(said.isEmpty() ? "{}" : said));
    }

    private static Row row(Run run, String error, JsonNode said) {
        List<Object> values = new ArrayList<>(run.values);
        String measure = null;
        for (String name : said.propertyStream().map(Map.Entry::getKey).toList()) {
            if (name.startsWith("dev_") && name.endsWith("_before")) {
                measure = name.substring("dev_".length(), name.length() - "_before".length());
            }
        }
        values.add(said.has("trainable_parameters") ? said.get("trainable_parameters").longValue() : null);
        values.add(measure);
        values.add(number(said, "dev_" + measure + "_before"));
        values.add(number(said, "dev_" + measure));
        values.add(number(said, "seconds"));
        values.add(run.folder);
        values.add(error);
        return RowFactory.create(values.toArray());
    }

    private static Double number(JsonNode said, String name) {
        return said.path(name).isNumber() ? Double.valueOf(said.get(name).doubleValue()) : null;
    }
}
