package org.lora4j.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a user gets when the machine has too little of something. */
class NoRoomTest {

    private static final String GOLDEN = "src/test/resources/golden/";

    @TempDir
    private Path temp;

    @Test
    void outOfMemoryIsOneLineThatSaysWhatToDo() throws Exception {
        Lora4jProcess.Result result = Lora4jProcess.run(temp, List.of("-Xmx40m"), "train", "--model", "base-6m", "--data",
                "e2e", "--examples", "64", "--batch", "32", "--steps", "2", "--quiet", "--out", temp.resolve("run").toString());

        assertThat(result.err().lines()).singleElement().asString()
                .startsWith("lora4j: out of memory").contains("--batch", "LORA4J_JAVA_OPTS=-Xmx");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(temp.resolve("run/adapter_model.safetensors")).doesNotExist();
    }

    /** Less than any of the new files needs. */
    @ParameterizedTest
    @CsvSource({"adapter.gguf, gguf", "adapter.pt, loralib", "adapter, peft", "adapter-bin, peft-bin"})
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aConversionForWhichThereIsNoRoomLeavesTheOldFilesWhole(String name, String format) throws Exception {
        Path out = Files.createDirectories(temp.resolve("there")).resolve(name);
        assertThat(lora4j("convert", adapter("c_attn"), "--to", format, "--out", out).exitCode()).isZero();
        Map<String, String> before = contents(out.getParent());

        Lora4jProcess.Result result = Lora4jProcess.runWithRoomFor(4, temp, "convert", adapter("merged_qv"), "--to", format,
                "--out", out.toString(), "--overwrite");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err().lines()).singleElement().asString().startsWith("lora4j: cannot write ").contains(name);
        assertThat(contents(out.getParent())).isEqualTo(before);
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aMergeForWhichThereIsNoRoomLeavesTheOldModelWhole() throws Exception {
        Path out = temp.resolve("merged");
        String base = GOLDEN + "merged_qv/model";
        assertThat(lora4j("merge", "--model", base, "--adapter", adapter("merged_qv"), "--out", out).exitCode()).isZero();
        Map<String, String> before = contents(out);

        Lora4jProcess.Result result = Lora4jProcess.runWithRoomFor(40, temp, "merge", "--model", base, "--adapter",
                adapter("merged_qv"), "--dtype", "f32", "--out", out.toString(), "--overwrite");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err().lines()).singleElement().asString().startsWith("lora4j: cannot write ").contains("merged");
        assertThat(contents(out)).isEqualTo(before);
    }

    private Lora4jProcess.Result lora4j(Object... args) throws Exception {
        return Lora4jProcess.run(temp, List.of(), Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    }

    private static String adapter(String goldenCase) {
        return GOLDEN + goldenCase + "/adapter";
    }

    /** Every file in the folder by its name, hidden ones too. */
    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(folder.relativize(file).toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return contents;
    }
}
