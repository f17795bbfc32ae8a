package org.lora4j.sources;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * In an exported package no public constructor takes more than seven values, a record's own included: what has more is made
 * by {@code with…} methods, a builder, or of small records, so that each value stands beside its name.
 */
class ConstructorsTest {

    private static final int MOST = 7;

    private static final Pattern EXPORTED = Pattern.compile("^\\s*exports ([\\w.]+)", Pattern.MULTILINE);

    @ParameterizedTest
    @ValueSource(strings = {"core", "models", "experiments", "backend-cpu", "backend-tornado"})
    void noPublicConstructorTakesEightValues(String module) throws IOException, ClassNotFoundException {
        Path sources = Path.of("..", module, "src", "main", "java");
        List<String> packages = EXPORTED.matcher(Files.readString(sources.resolve("module-info.java"))).results()
                .map((MatchResult found) -> found.group(1)).toList();
        List<String> tooLong = new ArrayList<>();
        int seen = 0;
        for (String name : packages) {
            try (Stream<Path> files = Files.list(sources.resolve(name.replace('.', '/')))) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    String type = file.getFileName().toString().replaceFirst("\\.java$", "");
                    if (!type.equals("package-info")) {
                        seen++;
                        look(Class.forName(name + "." + type, false, getClass().getClassLoader()), tooLong);
                    }
                }
            }
        }
        assertThat(seen).isPositive();
        assertThat(tooLong).isEmpty();
    }

    private static void look(Class<?> type, List<String> tooLong) {
        if (!Modifier.isPublic(type.getModifiers())) {
            return;
        }
        Arrays.stream(type.getConstructors()).filter(made -> made.getParameterCount() > MOST)
                .forEach(made -> tooLong.add(made.getParameterCount() + " values: " + made));
        for (Class<?> inner : type.getDeclaredClasses()) {
            look(inner, tooLong);
        }
    }
}
