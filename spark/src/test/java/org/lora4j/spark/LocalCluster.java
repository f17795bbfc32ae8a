package org.lora4j.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.lora4j.cli.Cluster;
import org.lora4j.cli.Main;

/** Two executors, each a process of its own with two cores to run tasks on. */
final class LocalCluster implements AutoCloseable {

    private static final List<String> OPTIONS = List.of("--model=base-6m", "--method=lora", "--rank=2", "--alpha=16", "--targets=q,v", "--lr=1e-2",
            "--batch=2", "--accumulate=4", "--steps=6", "--checkpoint-every=2", "--log-every=1", "--dropout=0.1", "--samples=0", "--threads=1");

    final JavaSparkContext spark = new JavaSparkContext(SparkCluster.settings("local-cluster[2,2,1024]")
            .set("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "2"));

    /** Waits for both executors. */
    LocalCluster() throws InterruptedException {
        while (spark.statusTracker().getExecutorInfos().length < 3) { // with the driver
            Thread.sleep(50);
        }
    }

    /** How a run ended, and what it said. */
    record Run(int code, String out, String err) {
    }

    /** Of the same options, on a cluster or alone. */
    static List<String> options(Path data, Path out, String... more) {
        Map<String, String> options = new LinkedHashMap<>();
        for (String option : Stream.of(OPTIONS, List.of("--data=" + data, "--out=" + out), List.of(more)).flatMap(List::stream).toList()) {
            options.put(option.substring(0, option.indexOf('=')), option); // the last of a name counts
        }
        return List.copyOf(options.values());
    }

    Run train(int workers, List<String> options, BooleanSupplier stop) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = SparkCluster.train(spark, new Cluster.Work("local-cluster[2,2,1024]", workers, options, List.of()), stream(out), stream(err), stop);
        return new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Run alone(List<String> options) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        List<String> words = new ArrayList<>(List.of("train"));
        words.addAll(options);
        int code = Main.run(stream(out), stream(err), words.toArray(String[]::new));
        return new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** {@code lora4j train --spark} in a process of its own, with one executor. */
    static Process driver(Path log, List<String> options) throws IOException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(option -> option.startsWith("--")).toList());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "train", "--spark=local-cluster[1,2,1024]", "--workers=2"));
        command.addAll(options);
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    /** Pairs of several lengths, so that micro-batches have different numbers of targets. */
    static Path pairs(Path folder) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 26; i++) {
            lines.append("{\"prompt\": \"number : %d | of : things\", \"completion\": \"%s.\"}%n".formatted(i, "one more ".repeat(1 + i % 5) + i));
        }
        return Files.writeString(folder.resolve("pairs.jsonl"), lines);
    }

    static byte[] adapter(Path out) throws IOException {
        return Files.readAllBytes(out.resolve("adapter_model.safetensors"));
    }

    /** The executors' processes: children of this one. */
    static List<ProcessHandle> executors(ProcessHandle driver) {
        return driver.children().filter(child -> child.info().commandLine().orElse("").contains("CoarseGrainedExecutorBackend")
                || child.info().command().orElse("").endsWith("java")).toList();
    }

    @Override
    public void close() {
        spark.close();
    }
}
