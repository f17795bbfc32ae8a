package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessArgumentsTest {

    @TempDir
    private Path temp;

    private String commandLine(byte[]... args) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes("java\0Main\0".getBytes(StandardCharsets.UTF_8));
        for (byte[] arg : args) {
            bytes.writeBytes(arg);
            bytes.write(0);
        }
        return Files.write(temp.resolve("cmdline"), bytes.toByteArray()).toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void bytesThatTheLocaleCannotReadAreRefused() throws IOException {
        String[] read = {"--prompt", "Zo\uFFFD\uFFFD"};

        assertThat(ProcessArguments.broken(read, commandLine(utf8("--prompt"), utf8("Zoë"))))
                .contains("argument 2", "LC_ALL=C.UTF-8");
        assertThat(ProcessArguments.broken(read, temp.resolve("none").toString())).contains("argument 2");
    }

    @Test
    void aReplacementCharacterThatWasTypedIsText() throws IOException {
        String[] read = {"--prompt", "Zo\uFFFD"};

        assertThat(ProcessArguments.broken(read, commandLine(utf8("--prompt"), utf8("Zo\uFFFD")))).isNull();
        assertThat(ProcessArguments.broken(new String[] {"Zoë"}, commandLine(utf8("Zoë")))).isNull();
    }
}
