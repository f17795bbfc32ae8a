package org.lora4j.sources;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The library's messages say which setting had which value; what the command line calls it, that alone knows. */
class MessagesTest {

    /** A text of the source in which two hyphens begin a word. */
    private static final Pattern OPTION = Pattern.compile("\"(?:[^\"\\\\\\n]|\\\\.)*?(--[a-z][a-z-]*)");

    /** Not options of lora4j: Java's own, which whoever starts a JVM has to know. */
    private static final List<String> OF_JAVA = List.of("--add-modules");

    @ParameterizedTest
    @ValueSource(strings = {"core", "models", "experiments", "backend-cpu", "backend-tornado"})
    void noTextOfTheLibraryNamesAnOptionOfTheCommandLine(String module) throws IOException {
        List<Path> sources = sources(module);
        assertThat(sources).isNotEmpty();
        assertThat(sources.stream().flatMap(MessagesTest::options)).isEmpty();
    }

    private static List<Path> sources(String module) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("..", module, "src", "main", "java"))) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        }
    }

    private static Stream<String> options(Path file) {
        try {
            return OPTION.matcher(Files.readString(file)).results()
                    .filter(found -> !OF_JAVA.contains(found.group(1)))
                    .map(found -> file.getFileName() + ": " + found.group()).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
