package org.lora4j.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code lora4j} in a process of its own, on this test's class path, as the launcher starts it. */
final class Lora4jProcess {

    private static final long SECONDS = 120;

    private final Process process;
    private final Path out;
    private final Path err;

    private Lora4jProcess(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** What a finished one printed. */
    record Result(int exitCode, String out, String err) {
    }

    /** @param java options of the JVM */
    static Lora4jProcess start(Path folder, List<String> java, String... args) throws IOException {
        return start(folder, List.of(), java, args);
    }

    private static Lora4jProcess start(Path folder, List<String> before, List<String> java, String... args)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseParallelGC", "-Xmn64m", "-XX:GCTimeLimit=80",
                "-XX:GCHeapFreeLimit=5", "-Xlog:disable", "-Xlog:all=error:stderr"));
        command.addAll(java);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.lora4j.cli.Main"));
        command.addAll(Arrays.asList(args));
        command.addAll(0, before);
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        return new Lora4jProcess(
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start(), out, err);
    }

    static Result run(Path folder, List<String> java, String... args) throws Exception {
        return start(folder, java, args).await();
    }

    /** One that may write so many kilobytes to a file and no more: the system's answer is that of a full disk but for its words. */
    static Result runWithRoomFor(int kilobytes, Path folder, String... args) throws Exception {
        List<String> limited = List.of("bash", "-c", "ulimit -f " + kilobytes + "; exec \"$@\"", "bash");
        return start(folder, limited, List.of("-XX:-UsePerfData"), args).await();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** SIGKILL, where there are signals. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGTERM, where there are signals. */
    void terminate() {
        process.destroy();
    }

    Result await() throws InterruptedException {
        if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
            kill();
            throw new AssertionError("still running after " + SECONDS + " s");
        }
        return new Result(process.exitValue(), text(out), text(err));
    }

    private static String text(Path file) {
        try {
            // Java announces the incubating module whatever one does; the launcher filters the line out
            return Files.readString(file).replaceAll("WARNING: Using incubator modules: .*\\R", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
