package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StandardOutputTest {

    @TempDir
    private Path temp;

    /** Takes so many bytes, then none. */
    private static OutputStream full(int room, String message) {
        return new OutputStream() {
            private int left = room;

            @Override
            public void write(int b) throws IOException {
                if (left-- <= 0) {
                    throw new IOException(message);
                }
            }
        };
    }

    private Run run(OutputStream to, String... args) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(new Ui(new StandardOutput(to, StandardCharsets.UTF_8), Run.stream(err), Terminal.NONE), args);
        return new Run(code, "", Run.text(err));
    }

    private String[] command(String line) throws IOException {
        String model = TinyModel.write(temp.resolve("tiny")).toString();
        return Arrays.stream(line.split(" ")).map(word -> word.equals("TINY") ? model : word).toArray(String[]::new);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "--version", "generate --help", "doctor", "doctor --json",
            "generate --model TINY --prompt x --max-new-tokens 2", "generate --model TINY --prompt x --max-new-tokens 2 --json",
            "generate --model TINY --prompt x --max-new-tokens 2 --beam 2"})
    void resultsThatCannotBeWrittenAreAFailureInOneLine(String line) throws IOException {
        Run run = run(full(0, "No space left on device"), command(line));

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).contains("standard output", "No space left on device");
    }

    @Test
    void resultsOfWhichAPartCannotBeWrittenAreAFailureToo() throws IOException {
        assertThat(run(full(5_000, "No space left on device"), command("generate --model TINY --json --max-new-tokens 2"
                + " --prompt x".repeat(100))).exitCode()).isEqualTo(ExitCode.FAILURE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Broken pipe", "Datenübergabe unterbrochen (broken pipe)"})
    void aReaderThatHasSeenEnoughEndsTheWorkWithoutAWord(String message) throws IOException {
        Run run = run(full(2, message), command("generate --model TINY --prompt x --max-new-tokens 2"));

        assertThat(run.exitCode()).isEqualTo(ExitCode.READER_GONE);
        assertThat(run.err()).isEmpty();
    }

    @Test
    void wrongUseStaysWrongUse() {
        assertThat(run(full(0, "No space left on device"), "generate", "--nothing").exitCode()).isEqualTo(ExitCode.WRONG_USE);
    }
}
