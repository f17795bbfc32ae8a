package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the launcher script does with TORNADOVM_HOME, with a pretended JDK and a pretended SDK. */
@DisabledOnOs(OS.WINDOWS)
class TornadoLauncherTest {

    private static final Path SCRIPT = Path.of("..", "lora4j").toAbsolutePath().normalize();

    @TempDir
    private Path temp;
    private Path sdk;
    private Path jdk;

    @BeforeEach
    void anSdkInAFolderWithABlank() throws IOException {
        jdk = Files.createDirectories(temp.resolve("jdk"));
        Files.createDirectories(jdk.resolve("bin"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.3\"\n");
        program(jdk.resolve("bin/java"), "for argument; do printf '[%s]\\n' \"$argument\"; done\n");
        sdk = Files.createDirectories(temp.resolve("the sdk & more"));
        Files.createDirectories(sdk.resolve("etc"));
        Files.writeString(sdk.resolve("etc/tornado.release"), "version=5.2.0-jdk25\nbranch=master\n");
        Files.writeString(sdk.resolve("tornado-argfile.template"), """
                # === JVM mode ===
                -XX:+EnableJVMCI

                -Djava.library.path=${TORNADOVM_HOME}/lib
                --module-path .:${TORNADOVM_HOME}/share/java/tornado
                --add-exports=jdk.graal.compiler/jdk.graal.compiler.lir=tornado.runtime,tornado.drivers.common
                """);
    }

    @ParameterizedTest
    @ValueSource(strings = {"train --backend tornado", "generate --backend=tornado --prompt x",
            "compare --model m --backends reference,cpu,tornado", "compare --backends=tornado", "doctor", "doctor --json"})
    void aCommandThatCanUseItGetsTheSdksOptionsBeforeAllOthers(String command) throws Exception {
        List<String> words = launch(command.split(" "));

        assertThat(words).startsWith(
                "-XX:+EnableJVMCI", "-Djava.library.path=" + sdk + "/lib", "--module-path", sdk + "/share/java/tornado",
                "--add-exports=jdk.graal.compiler/jdk.graal.compiler.lir=tornado.runtime,tornado.drivers.common",
                "-Dtornado.recover.bailout=False", "-Dtornado.tvm.maxbytecodesize=262144");
        assertThat(words).containsSubsequence("org.lora4j.cli.Main", command.split(" ")[0]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"train --backend cpu", "generate --prompt tornado", "train --out tornado", "bench",
            "train --backend tornado --help", "--help", "compare --model tornado --backends reference,cpu"})
    void anyOtherStartsAsIfThereWereNoSdk(String command) throws Exception {
        assertThat(launch(command.split(" "))).doesNotContain("-XX:+EnableJVMCI", "-Dtornado.recover.bailout=False")
                .contains("org.lora4j.cli.Main");
    }

    @Test
    void theUsersOwnOptionsComeAfterTheSdksAndWin() throws Exception {
        assertThat(launch("doctor")).containsSubsequence("-Dtornado.device.memory=1TB", "-Dtornado.device.memory=8GB");
    }

    @Test
    void anSdkWithCudaGetsTheLeaveForItsLibraryThatItForgets() throws Exception {
        assertThat(launch("doctor")).doesNotContain("--enable-native-access=tornado.drivers.cuda");
        Files.writeString(sdk.resolve("tornado-argfile.template"), "--add-modules ALL-SYSTEM,tornado.drivers.cuda\n");

        assertThat(launch("doctor")).contains("--enable-native-access=tornado.drivers.cuda");
    }

    @Test
    void anUnpackedSdkWithoutATemplateHasAnArgumentFile() throws Exception {
        Files.delete(sdk.resolve("tornado-argfile.template"));
        Files.writeString(sdk.resolve("tornado-argfile"), "-Dx=y\n--upgrade-module-path /a/b");

        assertThat(launch("doctor")).startsWith("-Dx=y", "--upgrade-module-path", "/a/b", "-Dtornado.recover.bailout=False");
    }

    @Test
    void anSdkForAnotherJdkIsLeftToTheBackendToExplain() throws Exception {
        Files.writeString(sdk.resolve("etc/tornado.release"), "version=5.2.0-jdk21\n");

        assertThat(launch("train", "--backend", "tornado")).doesNotContain("-XX:+EnableJVMCI").contains("train");
    }

    @Test
    void soIsAFolderThatIsNoSdk() throws Exception {
        Files.delete(sdk.resolve("tornado-argfile.template"));

        assertThat(launch("train", "--backend", "tornado")).doesNotContain("-Dtornado.recover.bailout=False").contains("train");
    }

    /** What the JVM was given. */
    private List<String> launch(String... args) throws Exception {
        Path dist = Files.createDirectories(temp.resolve("dist"));
        Files.createDirectories(dist.resolve("lib"));
        Files.writeString(dist.resolve("lib/a.jar"), "");
        Files.copy(SCRIPT, dist.resolve("lora4j"), StandardCopyOption.REPLACE_EXISTING);
        List<String> command = new ArrayList<>(List.of(dist.resolve("lora4j").toString()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command).directory(temp.toFile()).redirectErrorStream(true);
        builder.environment().put("LORA4J_JAVA_HOME", jdk.toString());
        builder.environment().put("LORA4J_JAVA_OPTS", "-Dtornado.device.memory=8GB");
        builder.environment().put("TORNADOVM_HOME", sdk.toString());
        Process process = builder.start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(out).isZero();
        return out.lines().map(line -> line.substring(1, line.length() - 1)).toList();
    }

    private static void program(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
