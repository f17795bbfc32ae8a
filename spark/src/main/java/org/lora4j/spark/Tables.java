package org.lora4j.spark;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;

/** Data that Spark reads, and writes. */
final class Tables {

    private Tables() {
    }

    /**
     * A table: JSON lines, CSV or TSV with a header, Parquet or ORC, told by the name's ending or that of the files in a folder.
     *
     * @param place a path, or what Spark knows as one (hdfs:…, s3a:…)
     */
    static Dataset<Row> read(SparkSession session, String place) {
        return switch (format(place)) {
            case "parquet" -> session.read().parquet(place);
            case "orc" -> session.read().orc(place);
            case "csv" -> session.read().option("header", true).option("multiLine", true).option("escape", "\"").csv(place);
            case "tsv" -> session.read().option("header", true).option("sep", "\t").csv(place);
            default -> session.read().json(place);
        };
    }

    /**
     * Data of columns as the JSON lines that training reads, in a temporary file; null for what training reads itself.
     *
     * @param place Parquet or ORC, a file or a folder of such files
     */
    static @Nullable Path asLines(JavaSparkContext spark, String place) {
        if (!List.of("parquet", "orc").contains(formatOrNone(place))) {
            return null;
        }
        Dataset<Row> rows = read(SparkSession.builder().sparkContext(spark.sc()).getOrCreate(), place);
        try {
            Path folder = Files.createTempDirectory("lora4j-");
            Path lines = folder.resolve("data.jsonl");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> Shipment.delete(folder)));
            try (BufferedWriter out = Files.newBufferedWriter(lines)) {
                for (String line : rows.toJSON().collectAsList()) {
                    out.write(line);
                    out.write('\n');
                }
            }
            return lines;
        } catch (IOException e) {
            throw new LoraException("--data " + place + ": its rows cannot be written to the temporary folder: " + e, e);
        }
    }

    static void write(Dataset<Row> rows, String place, String format) {
        switch (format) {
            case "parquet" -> rows.write().parquet(place);
            case "orc" -> rows.write().orc(place);
            case "json" -> rows.write().json(place);
            default -> throw new LoraException("--format " + format + ": expected parquet, orc or json");
        }
    }

    private static String format(String place) {
        String format = formatOrNone(place);
        if (format.isEmpty()) {
            throw new LoraException(place + ": its name does not say what it is. Expected .json, .jsonl, .csv, .tsv, .parquet or .orc, "
                    + "or a folder of such files");
        }
        return format;
    }

    /** The ending that says how a table is written: of the name, or of a file in the folder; empty where none does. */
    private static String formatOrNone(String place) {
        String ending = ending(place);
        if (ending.isEmpty() && !place.contains(":") && Files.isDirectory(Path.of(place))) {
            try (Stream<Path> files = Files.list(Path.of(place))) {
                ending = files.map(file -> ending(file.getFileName().toString())).filter(found -> !found.isEmpty()).findFirst().orElse("");
            } catch (IOException e) {
                throw FileErrors.reading(Path.of(place), e);
            }
        }
        return ending;
    }

    private static String ending(String name) {
        String lower = name.toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|snappy)$", "");
        for (String known : List.of("parquet", "orc", "csv", "tsv", "jsonl", "json")) {
            if (lower.endsWith("." + known)) {
                return known.equals("jsonl") ? "json" : known;
            }
        }
        return "";
    }
}
