package org.lora4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With real executor processes, against the same command on one machine. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class SparkTrainingTest {

    @TempDir
    private static Path folder;
    private static LocalCluster cluster;
    private static Path pairs;
    private static byte[] expected;

    @BeforeAll
    static void startAndTrainAlone() throws Exception {
        pairs = LocalCluster.pairs(folder);
        Path out = folder.resolve("alone");
        LocalCluster.Run alone = LocalCluster.alone(LocalCluster.options(pairs, out));
        assertThat(alone.code()).as(alone.err()).isZero();
        expected = LocalCluster.adapter(out);
        cluster = new LocalCluster();
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void anyNumberOfWorkersTrainsTheBitsOfOneMachine(int workers) throws IOException {
        Path out = folder.resolve("workers-" + workers);
        LocalCluster.Run run = cluster.train(workers, LocalCluster.options(pairs, out), () -> false);
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(LocalCluster.adapter(out)).isEqualTo(expected);
        assertThat(out.resolve("metrics.jsonl")).exists();
        assertThat(out.resolve("checkpoint.safetensors")).doesNotExist();
        assertThat(run.out()).contains("Adapter").contains(out.toString());
    }

    @Test
    void aKilledExecutorCostsTheWorkSinceTheLastCheckpointAndNoBit() throws Exception {
        Path out = folder.resolve("killed");
        CompletableFuture<LocalCluster.Run> running = CompletableFuture.supplyAsync(
                () -> cluster.train(4, LocalCluster.options(pairs, out, "--steps=20", "--checkpoint-every=3"), () -> false)); // two on each
        awaitStep(out, 5, running);
        List<ProcessHandle> executors = LocalCluster.executors(ProcessHandle.current());
        assertThat(executors).hasSize(2);
        assertThat(running).isNotDone();
        executors.getLast().destroyForcibly();
        LocalCluster.Run run = running.get();
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.err()).contains("going on from the checkpoint after step");
        assertThat(LocalCluster.adapter(out)).isEqualTo(alone20());
    }

    @Test
    void aKilledDriverLosesNothingThatACheckpointHas() throws Exception {
        Path out = folder.resolve("driver");
        List<String> options = LocalCluster.options(pairs, out, "--steps=20", "--checkpoint-every=3");
        Process driver = LocalCluster.driver(folder.resolve("driver.log"), options);
        try {
            while (lines(out) < 5 && driver.isAlive()) {
                Thread.sleep(20);
            }
            assertThat(driver.isAlive()).as(Files.readString(folder.resolve("driver.log"))).isTrue();
            List<ProcessHandle> executors = LocalCluster.executors(driver.toHandle());
            driver.destroyForcibly().waitFor();
            for (ProcessHandle executor : executors) {
                executor.onExit().get(1, TimeUnit.MINUTES); // they end by themselves
            }
        } finally {
            driver.destroyForcibly();
        }
        assertThat(out.resolve("checkpoint.safetensors")).exists();
        LocalCluster.Run run = cluster.train(2, options, () -> false);
        assertThat(run.code()).as(run.err()).isZero();
        assertThat(run.err()).contains("going on from the checkpoint after step");
        assertThat(LocalCluster.adapter(out)).isEqualTo(alone20());
    }

    /** Of 20 steps on one machine. */
    private static byte[] alone20() throws IOException {
        Path alone = folder.resolve("alone-20");
        if (!Files.exists(alone)) {
            assertThat(LocalCluster.alone(LocalCluster.options(pairs, alone, "--steps=20")).code()).isZero();
        }
        return LocalCluster.adapter(alone);
    }

    @Test
    void aRunThatIsToldToStopGoesOnWithTheSameBits() throws Exception {
        Path out = folder.resolve("stopped");
        LocalCluster.Run stopped = cluster.train(2, LocalCluster.options(pairs, out), () -> lines(out) >= 2);
        if (stopped.code() != 0) { // else it was done before the word arrived
            assertThat(out.resolve("checkpoint.safetensors")).exists();
            assertThat(cluster.train(2, LocalCluster.options(pairs, out), () -> false).code()).isZero();
        }
        assertThat(LocalCluster.adapter(out)).isEqualTo(expected);
    }

    @Test
    void badDataIsNamedByFileAndLine() throws IOException {
        Path bad = Files.writeString(folder.resolve("bad.jsonl"), Files.readString(pairs) + "{\"prompt\": \"no answer\"\n");
        LocalCluster.Run run = cluster.train(2, LocalCluster.options(bad, folder.resolve("bad")), () -> false);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err()).contains("bad.jsonl").contains("27");
        assertThat(folder.resolve("bad/adapter_model.safetensors")).doesNotExist();
    }

    @Test
    void moreWorkersThanTheClusterHasRoomForAreRefused() {
        List<String> options = new ArrayList<>(LocalCluster.options(pairs, folder.resolve("many"), "--accumulate=9"));
        assertThatThrownBy(() -> cluster.train(9, options, () -> false)).hasMessageContaining("--workers 9").hasMessageContaining("room for fewer");
    }

    private static long lines(Path out) {
        try {
            return Files.exists(out.resolve("metrics.jsonl"))
                    ? Files.readAllLines(out.resolve("metrics.jsonl")).stream().filter(line -> line.contains("\"loss\"")).count() : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    private static void awaitStep(Path out, int step, CompletableFuture<LocalCluster.Run> running) throws InterruptedException {
        while (lines(out) < step && !running.isDone()) {
            Thread.sleep(20);
        }
    }
}
