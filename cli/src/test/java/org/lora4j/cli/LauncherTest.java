package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher script, with pretended JDKs, a pretended Maven and no others in reach. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {

    private static final Path SCRIPT = Path.of("..", "lora4j").toAbsolutePath().normalize();
    private static final List<String> TOOLS = List.of(
            "cat", "date", "find", "grep", "head", "mkdir", "mkfifo", "mv", "readlink", "rm", "sed", "sleep", "stty", "touch");

    @TempDir
    private Path temp;
    private Path tools;
    private Path jdks;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void aMachineWithoutJava() throws IOException {
        tools = Files.createDirectory(temp.resolve("tools"));
        for (String tool : TOOLS) {
            for (String bin : List.of("/bin", "/usr/bin")) {
                if (Files.exists(Path.of(bin, tool))) {
                    program(tools.resolve(tool), "exec " + bin + "/" + tool + " \"$@\"");
                }
            }
        }
        jdks = Files.createDirectory(temp.resolve("jdks"));
        environment.put("PATH", tools.toString());
        environment.put("HOME", temp.toString());
        environment.put("LORA4J_JDK_FOLDERS", jdks.toString());
    }

    // ------------------------------------------------------------------------------------------------ finding Java

    @Test
    void theNearestFitIsTakenFromTheFoldersAndTheArgumentsArriveAsTheyWere() throws Exception {
        jdk(jdks, "jdk-26", "26");
        jdk(jdks, "jdk-25", "25.0.3");
        jdk(jdks, "jdk-17", "17.0.15");

        Run run = launch(distribution(), "generate", "--prompt", "name : Blue Spice | \"pub\"  é");

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).startsWith("java 25.0.3\n")
                .endsWith("[org.lora4j.cli.Main]\n[generate]\n[--prompt]\n[name : Blue Spice | \"pub\"  é]\n");
        assertThat(run.exitCode()).isEqualTo(7);
    }

    @Test
    void itsOwnVariableComesFirstAndItsOptionsAreWords() throws Exception {
        environment.put("LORA4J_JAVA_HOME", jdk(temp, "my own jdk", "26.0.1").toString());
        environment.put("JAVA_HOME", jdk(jdks, "jdk-25", "25").toString());
        environment.put("LORA4J_JAVA_OPTS", "-Xmx3g -Dx=y");

        Run run = launch(distribution(), "doctor");

        assertThat(run.out()).startsWith("java 26.0.1\n").contains("[-Xmx3g]\n[-Dx=y]\n");
    }

    @Test
    void anOldJavaHomeIsPassedOver() throws Exception {
        environment.put("JAVA_HOME", jdk(temp, "old", "1.8.0_392").toString());
        jdk(jdks, "jdk-25", "25");

        assertThat(launch(distribution(), "doctor").out()).startsWith("java 25\n");
    }

    @Test
    void aJavaWithoutAReleaseFileIsAsked() throws Exception {
        Path jdk = jdk(temp, "shim", "25.0.1");
        Files.delete(jdk.resolve("release"));
        environment.put("PATH", tools + ":" + jdk.resolve("bin"));

        assertThat(launch(distribution(), "doctor").out()).startsWith("java 25.0.1\n");
    }

    @Test
    void whereThereIsNoneItSaysWhereItLookedAndHowToInstallOne() throws Exception {
        Path old = jdk(temp, "old", "17.0.15");
        environment.put("JAVA_HOME", old.toString());
        Path older = jdk(jdks, "older", "11.0.2");
        environment.put("PATH", tools + ":" + older.resolve("bin"));

        Run run = launch(distribution(), "doctor");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains(
                "needs a JDK 25 or later and found none",
                "LORA4J_JAVA_HOME: not set",
                "JAVA_HOME=" + old + ": Java 17",
                "java on PATH, " + older.resolve("bin/java") + ": Java 11",
                older + ": Java 11",
                "sdk install java 25-tem",
                "LORA4J_JAVA_HOME=/path/to/jdk");
    }

    @Test
    void aJavaThatWasAskedForByNameAndIsTooOldIsAnErrorNotAnotherJava() throws Exception {
        Path old = jdk(temp, "old", "21");
        environment.put("LORA4J_JAVA_HOME", old.toString());
        jdk(jdks, "jdk-25", "25");

        Run run = launch(distribution(), "doctor");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("LORA4J_JAVA_HOME=" + old + ": Java 21");
    }

    @Test
    void itRunsThroughASymbolicLinkFromAnyFolder() throws Exception {
        jdk(jdks, "jdk-25", "25");
        Path link = Files.createSymbolicLink(temp.resolve("link"), distribution());
        Path bin = Files.createDirectory(temp.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("lora4j"), Path.of("../link/bin/lora4j"));

        Run run = launch(bin, "doctor");

        assertThat(run.out()).contains("[" + temp.toRealPath().resolve("a folder/dist/lib/a.jar") + "]");
        assertThat(link).exists();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a:b", "a b", "it's", "100%", "a\"b", "dollar$HOME", "star*", "-dash", "back\\slash", "line\nbreak\n"})
    void itRunsInAFolderOfAnyName(String name) throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")) || !name.contains(":"));
        jdk(jdks, "jdk-25", "25");
        Path folder = Files.createDirectories(temp.resolve(name)).resolve("dist");
        Files.move(distribution(), folder);

        Run run = launch(folder, "doctor");

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(7);
        String classPath = run.out().substring(run.out().indexOf("[-cp]\n[") + 7, run.out().indexOf("]\n[org.lora4j.cli.Main]"));
        assertThat(classPath).isEqualTo(name.contains(":") ? "/proc/self/fd/8/a.jar" : folder.toRealPath() + "/lib/a.jar");
    }

    /** Shells in which nothing of bash's own works; macOS's sh is an old bash in that mode. */
    @ParameterizedTest
    @ValueSource(strings = {"dash", "bash --posix", "busybox sh", "mksh", "zsh --emulate sh"})
    void itRunsInAnyShell(String shell) throws Exception {
        List<String> command = new ArrayList<>(List.of(shell.split(" ")));
        assumeTrue(Stream.of("/bin", "/usr/bin").anyMatch(bin -> Files.exists(Path.of(bin, command.getFirst()))));
        jdk(jdks, "jdk-25", "25");
        environment.put("PATH", tools + ":/bin:/usr/bin");
        environment.put("JAVA_HOME", jdks.resolve("jdk-25").toString());
        command.addAll(List.of(distribution().resolve("bin/lora4j").toString(), "predict", "--text", "a film"));

        Run run = finish(start(command));

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).endsWith("[predict]\n[--text]\n[a film]\n");
        assertThat(run.exitCode()).isEqualTo(7);
    }

    @Test
    void aDistributionThatBringsAJavaRunsOnThatOne() throws Exception {
        environment.put("JAVA_HOME", jdk(jdks, "jdk-25", "25").toString());
        Path dist = distribution();
        jdk(dist, "runtime", "25.0.9");

        assertThat(launch(dist, "doctor").out()).startsWith("java 25.0.9\n");

        environment.put("LORA4J_JAVA_HOME", jdks.resolve("jdk-25").toString());
        assertThat(launch(dist, "doctor").out()).startsWith("java 25\n");
    }

    // ------------------------------------------------------------------------------------------------ the locale

    @ParameterizedTest
    @CsvSource(nullValues = "unset", value = {
            // asked for, given to Java with a machine's list of locales, and without
            "en_US.UTF-8, C.UTF-8, C.UTF-8", "en_US.utf8, C.UTF-8, C.UTF-8", "C, C.UTF-8, C.UTF-8", "POSIX, C.UTF-8, C.UTF-8",
            "'', C.UTF-8, C.UTF-8", "unset, C.UTF-8, C.UTF-8", "fr_FR, C.UTF-8, fr_FR", "de_DE.UTF-8, de_DE.UTF-8, C.UTF-8",
            "de_DE, de_DE, de_DE"})
    void javaGetsALocaleThatReadsUtf8WhereTheOneAskedForIsNotThere(String asked, String listed, String unlisted)
            throws Exception {
        jdk(jdks, "jdk-25", "25");
        environment.put("LC_ALL", asked == null ? "" : asked);

        assertThat(launch(distribution(), "doctor").out()).contains("\nLC_ALL=" + unlisted + "\n");

        program(tools.resolve("locale"), """
                if [ "$1" = -a ]; then echo C; echo C.UTF-8; echo de_DE; echo de_DE.UTF-8; exit; fi
                case $LC_ALL in *.UTF-8) [ "$LC_ALL" = en_US.UTF-8 ] || { echo UTF-8; exit; } ;; esac
                case $LC_ALL in de_DE) echo ISO-8859-1 ;; *) echo "locale: Cannot set LC_ALL" >&2; echo ANSI_X3.4-1968 ;; esac
                """);
        Run run = launch(distribution(), "doctor");

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("\nLC_ALL=" + listed + "\n");
    }

    @Test
    void onAMachineWithoutCUtf8AnotherUtf8LocaleIsTaken() throws Exception {
        jdk(jdks, "jdk-25", "25");
        environment.put("LC_ALL", "en_GB.UTF-8");
        program(tools.resolve("locale"), """
                if [ "$1" = -a ]; then echo C; echo ja_JP.eucjp; echo ja_JP.utf8; exit; fi
                case $LC_ALL in ja_JP.utf8) echo UTF-8 ;; *) echo ANSI_X3.4-1968 ;; esac
                """);

        assertThat(launch(distribution(), "doctor").out()).contains("\nLC_ALL=ja_JP.utf8\n");
    }

    // ------------------------------------------------------------------------------------------------ closed streams

    @ParameterizedTest
    @CsvSource({"2>&-, 7", "<&-, 7", "<&- 2>&-, 7", ">&-, 1", ">&- 2>&-, 1"})
    void aClosedStreamLeavesItsNumberToNoFile(String closed, int exitCode) throws Exception {
        Path java = jdk(jdks, "jdk-25", "25").resolve("bin/java");
        // each stream is open on something; printing to a closed standard output is a failure
        program(java, "true <&0 && true 9>&1 && true 9>&2 || exit 9\necho result || exit 1\nexit 7\n");
        Path dist = distribution();

        Run run = launch("/bin/sh", "-c", "\"$0\" doctor " + closed, dist.resolve("bin/lora4j").toString());

        assertThat(run.exitCode()).isEqualTo(exitCode);
        assertThat(run.out()).isEqualTo(exitCode == 7 ? "result\n" : "");
    }

    // ------------------------------------------------------------------------------------------------ building

    @Test
    void itBuildsOnceAndAgainWhenASourceChanges() throws Exception {
        jdk(jdks, "jdk-25", "25");
        Path checkout = checkout();
        maven("");

        assertThat(launch(checkout, "doctor").err()).isEqualTo("Building lora4j (first run, about a minute) …\n");
        assertThat(launch(checkout, "doctor").err()).isEmpty();
        FileTime later = FileTime.from(Instant.now().plusSeconds(5));
        Files.setLastModifiedTime(checkout.resolve("core/src/main/A.java"), later);
        assertThat(launch(checkout, "doctor").err()).isEqualTo("Building lora4j (sources have changed) …\n");

        assertThat(builds()).hasSize(2).allSatisfy(build -> assertThat(build).endsWith("-pl cli -am"));
    }

    @Test
    void twoFirstRunsAtOnceBuildOnce() throws Exception {
        jdk(jdks, "jdk-25", "25");
        Path checkout = checkout();
        maven("sleep 1");

        Process first = start(checkout, "doctor");
        Process second = start(checkout, "doctor");

        assertThat(finish(first).out()).startsWith("java 25\n");
        assertThat(finish(second).out()).startsWith("java 25\n");
        assertThat(builds()).hasSize(1);
    }

    @Test
    void theLockOfABuildThatWasKilledIsTakenAway() throws Exception {
        jdk(jdks, "jdk-25", "25");
        Path checkout = checkout();
        maven("");
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        Path lock = Files.createDirectories(checkout.resolve("cli/target/.lora4j-lock"));
        Files.writeString(lock.resolve("owner"), gone.pid() + "\n");

        assertThat(launch(checkout, "doctor").exitCode()).isEqualTo(7);
        assertThat(lock).doesNotExist();
    }

    @Test
    void aBuildThatFailsShowsItsWholeLog() throws Exception {
        jdk(jdks, "jdk-25", "25");
        Path checkout = checkout();
        maven("echo 'A.java:[3,1] does not compile'; exit 1");

        Run run = launch(checkout, "doctor");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("A.java:[3,1] does not compile", "the build failed");
        assertThat(checkout.resolve("cli/target/.lora4j-lock")).doesNotExist();
    }

    @Test
    void withoutMavenItSaysSo() throws Exception {
        jdk(jdks, "jdk-25", "25");

        Run run = launch(checkout(), "doctor");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("Maven (mvn) is not on PATH", "apt install maven");
    }

    @Test
    void aJavaWithoutACompilerRunsButDoesNotBuild() throws Exception {
        Path jre = jdk(jdks, "jre", "25");
        Files.delete(jre.resolve("bin/javac"));
        maven("");

        assertThat(launch(distribution(), "doctor").exitCode()).isEqualTo(7);
        Run run = launch(checkout(), "doctor");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains(jre + ": Java 25 without a compiler");
    }

    // ------------------------------------------------------------------------------------------------ the machine

    /** A folder that is laid out like a JDK and whose java prints its arguments and exits with 7. */
    private static Path jdk(Path parent, String name, String version) throws IOException {
        Path jdk = Files.createDirectories(parent.resolve(name));
        Files.createDirectory(jdk.resolve("bin"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"" + version + "\"\nLIBC=\"gnu\"\n");
        program(jdk.resolve("bin/java"), """
                if [ "$1" = -version ]; then echo 'openjdk version "%1$s" 2026-01-01' >&2; exit; fi
                echo java %1$s
                echo "LC_ALL=${LC_ALL:-}"
                for argument; do printf '[%%s]\\n' "$argument"; done
                exit 7
                """.formatted(version));
        program(jdk.resolve("bin/javac"), "exit 1");
        return jdk;
    }

    private Path distribution() throws IOException {
        Path dist = Files.createDirectories(temp.resolve("a folder/dist"));
        Files.createDirectories(dist.resolve("lib"));
        Files.writeString(dist.resolve("lib/a.jar"), "");
        Files.copy(SCRIPT, Files.createDirectories(dist.resolve("bin")).resolve("lora4j"), StandardCopyOption.REPLACE_EXISTING);
        return dist;
    }

    private Path checkout() throws IOException {
        Path checkout = Files.createDirectories(temp.resolve("a checkout"));
        Files.createDirectories(checkout.resolve("core/src/main"));
        Files.writeString(checkout.resolve("pom.xml"), "");
        Files.writeString(checkout.resolve("core/src/main/A.java"), "");
        Files.copy(SCRIPT, checkout.resolve("lora4j"), StandardCopyOption.REPLACE_EXISTING);
        return checkout;
    }

    /** A Maven that notes how it was called, does {@code more}, and leaves a jar where ours leaves its jars. */
    private void maven(String more) throws IOException {
        program(tools.resolve("mvn"), """
                echo "$@" >> '%s'
                %s
                while [ "$1" != -f ]; do shift; done
                lib="${2%%/pom.xml}/cli/target/runtime/lib"
                mkdir -p "$lib" && : > "$lib/a.jar"
                """.formatted(temp.resolve("builds"), more));
    }

    private List<String> builds() throws IOException {
        return Files.readAllLines(temp.resolve("builds"));
    }

    private static void program(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Process start(Path folder, String... args) throws IOException {
        Path unpacked = folder.resolve("bin/lora4j");
        List<String> command = new ArrayList<>(
                List.of((Files.exists(unpacked) ? unpacked : folder.resolve("lora4j")).toString()));
        command.addAll(List.of(args));
        return start(command);
    }

    private Process start(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(temp.toFile());
        builder.environment().clear();
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static Run finish(Process process) throws Exception {
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Run(process.exitValue(), out, err);
    }

    private Run launch(String program, String... args) throws Exception {
        return finish(start(Stream.concat(Stream.of(program), Stream.of(args)).toList()));
    }

    private Run launch(Path folder, String... args) throws Exception {
        return finish(start(folder, args));
    }
}
