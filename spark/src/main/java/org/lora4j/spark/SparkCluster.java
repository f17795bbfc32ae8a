package org.lora4j.spark;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.lora4j.LoraException;
import org.lora4j.cli.Cluster;
import scala.reflect.ClassTag$;

/** {@code lora4j train --spark MASTER}, and the same of {@code spark-submit}: one barrier stage whose tasks are the workers. */
public final class SparkCluster implements Cluster {

    private static final String LOCAL_CLUSTER = "local-cluster";
    private static final int SECONDS_FOR_ROOM = 120;
    private static final int MOST_LOSSES = 100; // executors that a long run outlives

    /** Found by {@link java.util.ServiceLoader}. */
    public SparkCluster() {
    }

    @Override
    public int train(Work work, PrintStream out, PrintStream err, BooleanSupplier stop) {
        try (JavaSparkContext spark = new JavaSparkContext(settings(work.master()))) {
            try {
                return train(spark, work, out, err, stop);
            } finally {
                clearUp(spark);
            }
        }
    }

    /** The same on a context that is there already. */
    static int train(JavaSparkContext spark, Work work, PrintStream out, PrintStream err, BooleanSupplier stop) {
        List<String> arguments = new ArrayList<>(List.of("train"));
        List<Path> shipped = new ArrayList<>(work.shipped());
        for (String argument : work.arguments()) {
            if (argument.equals("--data=-")) {
                throw new LoraException("--data -: a pipe ends on this machine, and all workers read the data. Give a file");
            }
            Path lines = argument.startsWith("--data=") ? Tables.asLines(spark, argument.substring("--data=".length())) : null;
            if (lines != null) {
                shipped.add(lines);
            }
            arguments.add(lines == null ? argument : "--data=" + lines);
        }
        byte[] secret = new byte[Meeting.SECRET];
        new SecureRandom().nextBytes(secret);
        String host = spark.getConf().get("spark.driver.host");
        Shipment shipment = Shipment.of(spark, shipped);
        try (Meeting meeting = Meeting.on(host, secret); Reception reception = Reception.open(meeting, out, err, stop)) {
            WorkerTask task = new WorkerTask(arguments, shipment, new InetSocketAddress(host, meeting.port()), secret);
            spark.setJobGroup("lora4j", "lora4j train on " + work.workers() + " workers", true); // a task is told to end by an interrupt
            List<Object> ranks = new ArrayList<>();
            for (int rank = 0; rank < work.workers(); rank++) {
                ranks.add(rank);
            }
            Integer[] codes = null;
            for (int lost = 0; codes == null; lost++) {
                try {
                    codes = (Integer[]) spark.parallelize(ranks, work.workers()).rdd().barrier()
                            .mapPartitions(task, false, ClassTag$.MODULE$.<Integer>apply(Integer.class)).collect();
                } catch (Exception e) { // Scala throws what it does not declare
                    if (lost == MOST_LOSSES || !isLoss(e)) {
                        throw refused(e, work);
                    }
                    err.println("a worker was lost; the run goes on from its last checkpoint");
                }
            }
            reception.finish();
            return Arrays.stream(codes).mapToInt(Integer::intValue).filter(code -> code != 0).findFirst().orElse(0);
        } catch (IOException e) {
            throw new LoraException("--spark: this machine cannot listen on " + host + " for worker 0: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LoraException("interrupted while worker 0 was speaking", e);
        }
    }

    /** A process or machine is gone. Spark does not begin such a stage again by itself, since it cannot know that we can. */
    private static boolean isLoss(Exception e) {
        String text = String.valueOf(e.getMessage());
        return e instanceof SparkException && (text.contains("ExecutorLostFailure") || text.contains(WorkerTask.GONE));
    }

    private static LoraException refused(Exception e, Work work) {
        String text = String.valueOf(e.getMessage());
        if (text.contains("SPARK-24819")) {
            return new LoraException("--workers " + work.workers() + ": the cluster " + work.master() + " has room for fewer at a time. "
                    + "Give fewer workers, or the cluster more executors or cores", e);
        }
        if (!(e instanceof SparkException) && e instanceof RuntimeException runtime) {
            return runtime instanceof LoraException known ? known : new LoraException("Spark failed: " + e, e);
        }
        return new LoraException("Spark gave the run up: " + text.lines().findFirst().orElse("") + ". What was done until the last "
                + "checkpoint is in --out; the same command goes on from it", e);
    }

    // ------------------------------------------------------------------------------------------------ the context

    /** What lora4j needs of Spark, where the user's own settings say nothing. */
    static SparkConf settings(String master) {
        if (System.getProperty("log4j2.configurationFile") == null) {
            System.setProperty("log4j2.configurationFile", "org/lora4j/spark/log4j2.properties");
        }
        SparkConf settings = new SparkConf().setMaster(master).setIfMissing("spark.app.name", "lora4j")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "2s")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", Integer.toString(SECONDS_FOR_ROOM / 2));
        String options = settings.get("spark.executor.extraJavaOptions", "");
        for (String needed : List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED")) {
            options += options.contains(needed) ? "" : " " + needed;
        }
        settings.set("spark.executor.extraJavaOptions", options.strip());
        if (master.startsWith(LOCAL_CLUSTER)) {
            requireHome();
            settings.setIfMissing("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                    .setIfMissing("spark.ui.enabled", "false").setIfMissing("spark.driver.host", "127.0.0.1")
                    .setIfMissing("spark.driver.bindAddress", "127.0.0.1");
        }
        return settings;
    }

    private static void requireHome() {
        String home = System.getenv("SPARK_HOME");
        if (home == null || !Files.isDirectory(Path.of(home, "jars"))) {
            throw new LoraException("--spark local-cluster: its executors are started from SPARK_HOME, which is "
                    + (home == null ? "not set" : home + ", where no folder jars is") + ". ./lora4j sets it in a checkout; else point it to a "
                    + "Spark 4.2 distribution");
        }
    }

    /** Executors of a local cluster leave their logs and copies in SPARK_HOME. */
    private static void clearUp(JavaSparkContext spark) {
        String application = spark.sc().applicationId();
        if (spark.master().startsWith(LOCAL_CLUSTER)) {
            spark.close();
            Shipment.delete(Path.of(System.getenv("SPARK_HOME"), "work", application));
        }
    }

    // ------------------------------------------------------------------------------------------------ worker 0's words

    /** Where worker 0 calls: once, and again after each new beginning. */
    private static final class Reception implements AutoCloseable {

        private static final long A_MOMENT_MS = 200;

        private final PrintStream out;
        private final PrintStream err;
        private final Meeting meeting;
        private volatile SocketChannel caller;
        private volatile Thread showing;

        private Reception(Meeting meeting, PrintStream out, PrintStream err) {
            this.meeting = meeting;
            this.out = out;
            this.err = err;
        }

        static Reception open(Meeting meeting, PrintStream out, PrintStream err, BooleanSupplier stop) {
            Reception reception = new Reception(meeting, out, err);
            Thread.ofVirtual().start(reception::welcome);
            Thread.ofVirtual().start(() -> reception.watch(stop));
            return reception;
        }

        private void welcome() {
            try {
                while (true) {
                    SocketChannel worker = meeting.welcome(-1, 1).channel();
                    caller = worker;
                    showing = Thread.ofVirtual().start(() -> {
                        try {
                            Voice.show(worker, out, err);
                        } catch (IOException e) {
                            // its process has ended in the middle of a word
                        }
                    });
                }
            } catch (IOException e) {
                // the run is over
            }
        }

        private void watch(BooleanSupplier stop) {
            try {
                SocketChannel told = null;
                while (meeting.isOpen()) {
                    if (stop.getAsBoolean() && caller != null && caller != told) {
                        told = caller;
                        Voice.stop(told);
                    }
                    Thread.sleep(A_MOMENT_MS);
                }
            } catch (IOException | InterruptedException e) {
                // it has ended by itself
            }
        }

        /** Waits for the last word. */
        void finish() throws InterruptedException {
            Thread last = showing;
            if (last != null) {
                last.join();
            }
        }

        @Override
        public void close() throws IOException {
            if (caller != null) {
                caller.close();
            }
        }
    }
}
