package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher for Windows: run there; elsewhere read, for what goes wrong in such files. */
class WindowsLauncherTest {

    private static final Path SCRIPT = Path.of("src/dist/bin/lora4j.cmd");

    @TempDir
    private Path temp;

    @Test
    void eachLineEndsAsWindowsNeedsIt() throws IOException {
        String text = Files.readString(SCRIPT, StandardCharsets.US_ASCII);
        assertThat(text.replace("\r\n", "")).doesNotContain("\r", "\n");
        assertThat(text).endsWith("\r\n");
    }

    @Test
    void everyLabelThatIsJumpedToIsThere() throws IOException {
        Set<String> labels = new TreeSet<>();
        Set<String> wanted = new TreeSet<>();
        for (String line : lines()) {
            if (line.startsWith(":")) {
                labels.add(line.substring(1));
            }
            Matcher jump = Pattern.compile("(?:goto |call :)(\\w+)").matcher(line);
            while (jump.find()) {
                wanted.add(jump.group(1));
            }
        }
        assertThat(wanted).hasSizeGreaterThan(4).isSubsetOf(labels);
    }

    /** An unquoted name with a space, a parenthesis or an ampersand in it would break the line. */
    @Test
    void everyVariableThatMayHoldAPathIsQuoted() throws IOException {
        List<String> paths = List.of("%home%", "%java%", "%program%", "%answer%", "%LORA4J_JAVA_HOME%", "%JAVA_HOME%",
                "%ProgramFiles%", "%USERPROFILE%", "%TEMP%", "%~1", "%~dp0", "%%~fD", "%%~fI");
        for (String line : lines()) {
            if (!line.startsWith("rem ")) {
                String outside = outsideQuotes(line);
                assertThat(paths).as(line).noneMatch(outside::contains);
            }
        }
    }

    /** Blocks are expanded as a whole before they run, so none may hold what is set within. */
    @Test
    void noBlockSpansLines() throws IOException {
        assertThat(lines()).noneMatch(line -> outsideQuotes(line).stripTrailing().endsWith("("));
        assertThat(lines()).contains("setlocal EnableExtensions DisableDelayedExpansion"); // a prompt may hold "!"
    }

    @Test
    void javaGetsTheOptionsThatTheOtherLauncherGivesIt() throws IOException {
        String run = lines().stream().filter(line -> line.contains("org.lora4j.cli.Main")).findFirst().orElseThrow();
        String shell = Files.readString(Path.of("../lora4j")).replace("$vector_module", "jdk.incubator.vector");
        List<String> options = Arrays.stream(run.split(" ")).filter(word -> word.startsWith("-") && !word.equals("-cp")).toList();
        assertThat(options).hasSizeGreaterThan(8).allSatisfy(option -> assertThat(shell).contains(option));
        assertThat(run).contains("%LORA4J_JAVA_OPTS% -cp \"%home%\\lib\\*\" org.lora4j.cli.Main %*");
        assertThat(lines()).contains("set \"needed=25\"");
        assertThat(shell).contains("needed=25");
    }

    @Test
    @EnabledOnOs(OS.WINDOWS)
    void onWindowsItStarts() throws Exception {
        Path dist = temp.resolve("a folder (x86)");
        Files.copy(SCRIPT, Files.createDirectories(dist.resolve("bin")).resolve("lora4j.cmd"));
        Files.createDirectories(dist.resolve("lib"));
        ProcessBuilder builder = new ProcessBuilder("cmd", "/c", dist.resolve("bin\\lora4j.cmd").toString(), "--version");
        builder.environment().put("LORA4J_JAVA_HOME", System.getProperty("java.home"));
        Process process = builder.redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(out).contains("org.lora4j.cli.Main"); // which no jar has here
    }

    private static List<String> lines() throws IOException {
        return Files.readAllLines(SCRIPT, StandardCharsets.US_ASCII);
    }

    private static String outsideQuotes(String line) {
        StringBuilder outside = new StringBuilder();
        boolean quoted = false;
        for (char c : line.toCharArray()) {
            if (c == '"') {
                quoted = !quoted;
            } else if (!quoted) {
                outside.append(c);
            }
        }
        return outside.toString();
    }
}
