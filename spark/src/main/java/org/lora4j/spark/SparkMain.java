package org.lora4j.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.cli.Main;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The main class for {@code spark-submit}: what lora4j does on a cluster. The master is Spark's to know ({@code --master}), so
 * no command here names one.
 */
@Command(name = "lora4j-spark", sortOptions = false, mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND",
        description = "LoRA on an Apache Spark cluster. docs/spark.md says how to submit it.",
        subcommands = {SparkMain.Train.class, SparkMain.Transform.class, SparkMain.Evaluate.class, SparkMain.Sweeping.class,
            SimulateCommand.class})
public final class SparkMain implements Callable<Integer> {

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs a command and returns its exit code: 0 done, 1 failed, 2 wrong use. */
    static int run(String... args) {
        CommandLine line = new CommandLine(new SparkMain()).setCaseInsensitiveEnumValuesAllowed(true);
        line.getSubcommands().get("train").setUnmatchedArgumentsAllowed(true).setUnmatchedOptionsArePositionalParams(true);
        line.getSubcommands().get("sweep").setUnmatchedOptionsArePositionalParams(true);
        line.setExecutionExceptionHandler((thrown, command, parsed) -> {
            System.err.println("error: " + reason(thrown));
            return 1;
        });
        return line.execute(args);
    }

    /** What went wrong in a task, where Spark wraps it. */
    private static String reason(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof LoraException) {
                return Names.oneLine(cause.getMessage());
            }
        }
        String text = String.valueOf(thrown.getMessage());
        int at = text.indexOf(LoraException.class.getName() + ": ");
        return at < 0 ? thrown.toString().lines().findFirst().orElse("")
                : text.substring(at + LoraException.class.getName().length() + 2).lines().findFirst().orElse("");
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(System.err);
        return 2;
    }

    private static String master() {
        return new SparkConf().get("spark.master", "local[*]");
    }

    private static SparkSession session() {
        return SparkSession.builder().config(SparkCluster.settings(master())).getOrCreate();
    }

    // ------------------------------------------------------------------------------------------------ train

    /** Hands over to {@code lora4j train}. */
    @Command(name = "train", description = "lora4j train with its options, whose --workers share the micro-batches of a step.")
    static final class Train implements Callable<Integer> {

        @Parameters(arity = "0..*", paramLabel = "OPTIONS", description = "Those of lora4j train.")
        private List<String> options = List.of();

        @Override
        public Integer call() {
            List<String> words = new ArrayList<>(List.of("train", "--spark=" + master()));
            words.addAll(options);
            return Main.run(System.out, System.err, words.toArray(String[]::new));
        }
    }

    // ------------------------------------------------------------------------------------------------ transform, evaluate

    /** What a model says of a table's rows. */
    static class Asking {

        @Option(names = "--model", required = true, paramLabel = "DIR", description = "The model's folder, or base-6m.")
        private String model;

        @Option(names = "--adapter", paramLabel = "[NAME=]DIR",
                description = "The adapter; several with names where --adapter-column says which a row has.")
        private List<String> adapters = List.of();

        @Option(names = "--data", required = true, paramLabel = "PATH",
                description = "The table: JSON lines, CSV or TSV with a header, Parquet or ORC.")
        private String data;

        @Option(names = "--input-column", defaultValue = "text", paramLabel = "NAME",
                description = "The column of texts or prompts (default: ${DEFAULT-VALUE}).")
        private String input;

        @Option(names = "--second-column", defaultValue = "", paramLabel = "NAME", description = "That of second texts.")
        private String second;

        @Option(names = "--target-column", defaultValue = "", paramLabel = "NAME", description = "That of completions to be scored.")
        private String target;

        @Option(names = "--adapter-column", defaultValue = "", paramLabel = "NAME", description = "That of adapters' names.")
        private String adapter;

        Lora4jTransformer transformer(String work) {
            Lora4jTransformer transformer = new Lora4jTransformer().setModel(model).setWork(work).setInputCol(input).setSecondCol(second)
                    .setTargetCol(target).setAdapterCol(adapter);
            transformer.set(transformer.adapters(), adapters.toArray(String[]::new));
            return transformer;
        }
    }

    /** Adds a column to a table. */
    @Command(name = "transform", sortOptions = false, mixinStandardHelpOptions = true,
            description = "Adds what a model says to each row of a table: labels, texts or losses.")
    static final class Transform extends Asking implements Callable<Integer> {

        @Option(names = "--work", required = true, paramLabel = "WHAT", description = "classify, generate or score.")
        private String work;

        @Option(names = "--max-new-tokens", defaultValue = "64", paramLabel = "N",
                description = "Tokens that are written at most (default: ${DEFAULT-VALUE}).")
        private int maxNewTokens;

        @Option(names = "--output-column", defaultValue = "prediction", paramLabel = "NAME",
                description = "The column that is added (default: ${DEFAULT-VALUE}).")
        private String output;

        @Option(names = "--format", defaultValue = "parquet", paramLabel = "NAME",
                description = "Of what is written: parquet, orc or json (default: ${DEFAULT-VALUE}).")
        private String format;

        @Option(names = "--out", required = true, paramLabel = "PATH", description = "The table to write; it must not be there yet.")
        private String out;

        @Override
        public Integer call() throws IOException {
            try (SparkSession session = session()) {
                Dataset<Row> rows = transformer(work).setOutputCol(output).setMaxNewTokens(maxNewTokens).transform(Tables.read(session, super.data));
                Tables.write(rows, out, format);
            }
            return 0;
        }
    }

    /** Sums up. */
    @Command(name = "evaluate", sortOptions = false, mixinStandardHelpOptions = true,
            description = "The mean loss of a table's completions (--target-column), or the accuracy of labels (--label-column).")
    static final class Evaluate extends Asking implements Callable<Integer> {

        @Option(names = "--label-column", paramLabel = "NAME", description = "The column of the right labels.")
        private String label;

        @Override
        public Integer call() throws IOException {
            try (SparkSession session = session()) {
                Dataset<Row> table = Tables.read(session, super.data);
                if (label == null) {
                    // added in the rows' order, whatever the partitions are
                    double loss = 0;
                    long tokens = 0;
                    for (Row row : transformer("score").setOutputCol("lora4j_said").transform(table).select("lora4j_said.loss", "lora4j_said.tokens")
                            .collectAsList()) {
                        loss += row.isNullAt(0) ? 0 : row.getDouble(0);
                        tokens += row.isNullAt(1) ? 0 : row.getLong(1);
                    }
                    System.out.printf("loss %.6f, perplexity %.4f, of %,d tokens%n", loss / tokens, Math.exp(loss / tokens), tokens);
                } else {
                    Row sums = transformer("classify").setOutputCol("lora4j_said").transform(table)
                            .select(functions.col(label).cast("string").equalTo(functions.col("lora4j_said.label")).cast("long").as("right"))
                            .agg(functions.sum("right"), functions.count("right")).head();
                    System.out.printf("accuracy %.6f, %,d of %,d%n", sums.getLong(0) / (double) sums.getLong(1), sums.getLong(0), sums.getLong(1));
                }
            }
            return 0;
        }
    }

    // ------------------------------------------------------------------------------------------------ sweep

    /** Tries options. */
    @Command(name = "sweep", sortOptions = false, mixinStandardHelpOptions = true, description = {
            "Runs lora4j train for each combination of some options' values, and prints what came out.",
            "",
            "  lora4j-spark sweep --grid rank=1,4,16 --grid lr=1e-3,1e-2 --grid seed=1,2 --out sweep \\",
            "      --model base-6m --data e2e --targets q,v --epochs 1"})
    static final class Sweeping implements Callable<Integer> {

        @Option(names = "--grid", required = true, paramLabel = "OPTION=A,B,…", description = "An option of train, and its values.")
        private List<String> grid;

        @Option(names = "--out", required = true, paramLabel = "DIR", description = "A folder for each run and the table of results.")
        private Path out;

        @Parameters(arity = "0..*", paramLabel = "OPTIONS", description = "Those of lora4j train that all runs have.")
        private List<String> options = List.of();

        @Override
        public Integer call() throws IOException {
            Map<String, List<String>> values = new LinkedHashMap<>();
            for (String asked : grid) {
                int at = asked.indexOf('=');
                if (at < 1 || at == asked.length() - 1) {
                    throw new LoraException("--grid " + asked + ": expected an option and its values, such as rank=1,4,16");
                }
                values.put(asked.substring(0, at).replaceFirst("^--", ""), List.of(asked.substring(at + 1).split(",")));
            }
            try (SparkSession session = session()) {
                Dataset<Row> results = new Sweep(options, values, out).run(session);
                results.show(results.collectAsList().size(), false);
                results.coalesce(1).write().mode("overwrite").json(out.resolve("results").toString());
                return results.filter("error is not null").isEmpty() ? 0 : 1;
            }
        }
    }
}
