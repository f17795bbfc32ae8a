package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * C1 can compile every kernel with a profile, which is what C2 starts from. A kernel too large for that is compiled without
 * one if C2 happens to have a long queue at that moment, and never again: every vector of it then lies on the heap for as
 * long as the process lives. Decoding ran at a tenth of its speed in one process of fifteen because of that.
 */
class ProfiledCompilationTest {

    private static final int TIER_WITH_PROFILE = 3;

    @TempDir
    private Path folder;

    @Test
    void everyKernelIsSmallEnoughToBeCompiledWithAProfile() throws IOException, InterruptedException {
        Path log = folder.resolve("compilation.log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                // at once, and no further than that tier
                "-Xbatch", "-XX:TieredStopAtLevel=" + TIER_WITH_PROFILE,
                "-XX:Tier0InvokeNotifyFreqLog=0", "-XX:Tier0BackedgeNotifyFreqLog=0",
                "-XX:Tier3InvocationThreshold=4", "-XX:Tier3MinInvocationThreshold=2", "-XX:Tier3CompileThreshold=8",
                "-XX:Tier3BackEdgeThreshold=50", "-XX:+PrintCompilation",
                "-cp", System.getProperty("java.class.path")));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("-XX:MaxVectorSize")).forEach(command::add);
        command.add(KernelCalls.class.getName());

        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();

        assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("ends").isTrue();
        List<String> lines = Files.readAllLines(log);
        assertThat(process.exitValue()).as("exit status; %s", lines.isEmpty() ? "" : lines.getLast()).isZero();
        List<String> kernels = lines.stream().filter(line -> line.contains("org.lora4j.backend.cpu")).toList();
        assertThat(kernels).as("compiled kernels").anyMatch(line -> line.contains("Dots::oneByEight"));
        assertThat(kernels).noneMatch(line -> line.contains("COMPILE SKIPPED"));
    }
}
