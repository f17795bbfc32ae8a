package org.lora4j.outside;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.data.Split;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.io.Safetensors;

/** A project of somebody else's, in {@code src/test/outside}, compiled and run with what it depends on and no more. */
class OutsideProjectTest {

    private static final Path PROJECT = Path.of("src/test/outside/src/main/java");

    /** Our three artifacts, as folders of a build or as jars, and what they depend on. */
    private static final Pattern DEPENDENCIES = Pattern.compile(
            ".*[/\\\\](core|models|backend-cpu)[/\\\\]target[/\\\\](classes|lora4j-[a-z-]+-[0-9][^/\\\\]*(?<!-tests)\\.jar)"
                    + "|.*[/\\\\]lora4j-(core|models|backend-cpu)-[0-9][^/\\\\]*(?<!-tests)\\.jar"
                    + "|.*[/\\\\](jackson-|guava-|failureaccess-|jspecify-|ejml-|commons-)[^/\\\\]*\\.jar");

    @TempDir
    private Path folder;

    @Test
    void itsModuleLoadsAModelTrainsAndSaves() throws Exception {
        compile("--module-path", dependencies());
        String out = run("--module-path", dependencies() + File.pathSeparator + folder.resolve("classes"),
                "--add-modules", "org.lora4j.backend.cpu", "--module", "outside/outside.Main");
        assertThat(out).contains("module outside trained 24576 parameters");
        requireAdapter();
    }

    @Test
    void onTheClassPathItRunsToo() throws Exception {
        compile("--module-path", dependencies());
        String out = run("--add-modules", "jdk.incubator.vector",
                "--class-path", dependencies() + File.pathSeparator + folder.resolve("classes"), "outside.Main");
        assertThat(out).contains("unnamed module").contains("trained 24576 parameters");
        requireAdapter();
    }

    /** The version stands in the first POM, and a project outside has to name it again. */
    @Test
    void itNamesTheVersionThatIsBuilt() throws Exception {
        String ours = Files.readString(Path.of("../pom.xml"));
        String version = ours.replaceAll("(?s).*<revision>(.*?)</revision>.*", "$1")
                + ours.replaceAll("(?s).*?<changelist>(.*?)</changelist>.*", "$1");
        assertThat(version).matches("\\d+\\.\\d+\\.\\d+-SNAPSHOT");
        assertThat(Files.readString(Path.of("src/test/outside/pom.xml")))
                .contains("<lora4j.version>" + version + "</lora4j.version>");
    }

    /** What is not exported stays ours. */
    @Test
    void whatIsNotExportedCannotBeUsed() throws Exception {
        Path source = Files.createDirectories(folder.resolve("nosy"));
        Files.writeString(source.resolve("module-info.java"), "module nosy { requires org.lora4j.models; }");
        Files.writeString(source.resolve("Nosy.java"), "package nosy; class Nosy { org.lora4j.backend.reference.ReferenceBackend b; }");
        assertThat(javac(List.of("--module-path", dependencies(), "-d", folder.resolve("out").toString(),
                source.resolve("module-info.java").toString(), source.resolve("Nosy.java").toString())))
                .contains("org.lora4j.backend.reference is not visible");
    }

    private static String dependencies() {
        List<String> found = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> DEPENDENCIES.matcher(entry).matches()).toList();
        assertThat(found).anyMatch(entry -> entry.contains("models")).anyMatch(entry -> entry.contains("ejml"));
        return found.stream().map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private void compile(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(options));
        arguments.addAll(List.of("-d", folder.resolve("classes").toString()));
        try (Stream<Path> files = Files.walk(PROJECT)) {
            files.map(Path::toString).filter(name -> name.endsWith(".java")).forEach(arguments::add);
        }
        assertThat(javac(arguments)).isEmpty();
    }

    private static String javac(List<String> arguments) {
        StringWriter messages = new StringWriter();
        PrintWriter writer = new PrintWriter(messages);
        ToolProvider.findFirst("javac").orElseThrow().run(writer, writer, arguments.toArray(String[]::new));
        return messages.toString();
    }

    private String run(String... options) throws Exception {
        Path pairs = folder.resolve("pairs.txt");
        Files.writeString(pairs, E2e.embedded(Split.DEV).stream().limit(64)
                .map(pair -> pair.context() + "||" + pair.completion() + "\n").collect(Collectors.joining()));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(options));
        command.addAll(List.of(modelFiles().toString(), pairs.toString(), folder.resolve("adapter").toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
        return out;
    }

    /** The embedded base may lie within a jar, which another process cannot be given as a folder. */
    private Path modelFiles() throws Exception {
        Path copy = Files.createDirectories(folder.resolve("model"));
        try (Stream<Path> files = Files.list(EmbeddedBase.folder())) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName().toString()));
            }
        }
        return copy;
    }

    private void requireAdapter() {
        try (Safetensors adapter = Safetensors.open(folder.resolve("adapter/adapter_model.safetensors"))) {
            assertThat(adapter.names()).hasSize(12);
        }
    }
}
