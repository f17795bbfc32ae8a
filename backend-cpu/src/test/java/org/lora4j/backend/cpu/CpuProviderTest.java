package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;

/** What users read about this backend before they have one. */
class CpuProviderTest {

    @Test
    void theBackendIsFoundByItsNameAndSaysWhatItRunsOn() {
        try (Backend backend = Backends.create("cpu")) {
            assertThat(backend.name()).isEqualTo("cpu");
            assertThat(backend.describe()).matches("(128|256|512)-bit vectors, \\d+ threads?");
        }
        assertThat(new CpuProvider().unavailable()).isEmpty();
        assertThat(new CpuProvider().describe()).contains("-bit vectors");
    }

    @Test
    void withoutTheVectorModuleItSaysWhichFlagIsMissing() throws IOException, InterruptedException {
        Process java = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), WithoutModule.class.getName())
                .redirectErrorStream(true).start();
        String output = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(java.waitFor()).as(output).isZero();
        assertThat(output.lines()).hasSize(3).allMatch(line -> line.contains("--add-modules jdk.incubator.vector"));
    }

    /** Run as a program of its own. */
    static final class WithoutModule {
        public static void main(String[] arguments) {
            BackendProvider provider = new CpuProvider();
            System.out.println(provider.unavailable().orElseThrow());
            System.out.println(provider.describe());
            try {
                provider.create(BackendOptions.DEFAULT).close();
            } catch (LoraException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
