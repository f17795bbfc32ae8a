package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import picocli.CommandLine.Command;

class FailuresTest {

    /** A command that fails as it is told to. */
    @Command(name = "fail")
    private static final class Fail extends LoraCommand {

        private final Throwable thrown;

        Fail(Throwable thrown) {
            this.thrown = thrown;
        }

        @Override
        protected int run() throws Exception {
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown == null) {
                throw wrongUse("--a and --b exclude each other");
            }
            throw (Exception) thrown;
        }
    }

    private static Run run(Throwable thrown, String... options) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        String[] args = Stream.concat(Stream.of("fail"), Stream.of(options)).toArray(String[]::new);
        int exitCode = Main.commandLine(new Ui(Run.stream(out), Run.stream(err), Terminal.NONE))
                .addSubcommand(new Fail(thrown))
                .execute(args);
        return new Run(exitCode, Run.text(out), Run.text(err));
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                arguments(new LoraException("--rank 900: larger than the matrix."),
                        "lora4j: --rank 900: larger than the matrix."),
                arguments(new NoSuchFileException("gpt3"),
                        "lora4j: gpt3: there is no such file or folder."),
                arguments(new UncheckedIOException(new NoSuchFileException("gpt3")),
                        "lora4j: gpt3: there is no such file or folder."),
                arguments(new AccessDeniedException("/root"),
                        "lora4j: /root: permission denied; choose another place or change its permissions."),
                arguments(new FileSystemException("a", null, "No space left on device"),
                        "lora4j: a: No space left on device."),
                arguments(new FileNotFoundException("x (Is a directory)"),
                        "lora4j: x (Is a directory)"),
                arguments(new IOException("two\n  lines"),
                        "lora4j: reading or writing failed: two lines"),
                arguments(new IllegalStateException("odd"),
                        "lora4j: unexpected IllegalStateException: odd, a mistake in lora4j. Run with --verbose for the stack trace."));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void aFailureIsOneLineWithoutAStackTraceAndExitCode1(Throwable thrown, String line) {
        Run run = run(thrown);

        assertThat(run).isEqualTo(new Run(ExitCode.FAILURE, "", line + System.lineSeparator()));
    }

    @Test
    void outOfMemorySaysHowMuchThereIsAndWhatToDo() {
        Run run = run(new OutOfMemoryError("Java heap space"));

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err().lines()).singleElement().asString()
                .startsWith("lora4j: out of memory (Java heap space): Java may use " + Bytes.text(Runtime.getRuntime().maxMemory()))
                .contains("--batch", "LORA4J_JAVA_OPTS=-Xmx");
    }

    @Test
    void verboseAddsTheStackTrace() {
        assertThat(run(new LoraException("no"), "--verbose").err()).startsWith("lora4j: no").contains("at org.lora4j.cli.FailuresTest");
    }

    @Test
    void optionsThatDoNotGoTogetherAreWrongUse() {
        Run run = run(null);

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).isEqualToIgnoringNewLines("lora4j: --a and --b exclude each other. See lora4j fail --help.");
    }
}
