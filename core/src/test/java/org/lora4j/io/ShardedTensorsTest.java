package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.tensor.Shape;

class ShardedTensorsTest {

    @TempDir
    Path folder;

    @BeforeEach
    void writeTwoShards() {
        shard("model-00001-of-00002.safetensors", "wte.weight", 1, 2);
        shard("model-00002-of-00002.safetensors", "ln_f.bias", 3);
    }

    private void shard(String file, String tensor, float... values) {
        new SafetensorsWriter().metadata("format", "pt").add(tensor, DType.F32, Shape.of(values.length), values)
                .write(folder.resolve(file));
    }

    private void index(String weightMap) {
        TestFiles.write(folder.resolve("model.safetensors.index.json"),
                "{\"metadata\": {\"total_size\": 12}, \"weight_map\": " + weightMap + "}");
    }

    private void goodIndex() {
        index("{\"ln_f.bias\": \"model-00002-of-00002.safetensors\", \"wte.weight\": \"model-00001-of-00002.safetensors\"}");
    }

    @Test
    void tensorsOfAllShardsAreReadAsOneModel() {
        goodIndex();
        try (TensorSource model = TensorFiles.open(folder)) {
            assertThat(model.names()).containsExactly("wte.weight", "ln_f.bias");
            assertThat(model.floats("wte.weight")).containsExactly(1, 2);
            assertThat(model.floats("ln_f.bias")).containsExactly(3);
            assertThat(model.metadata()).containsEntry("format", "pt");
            assertThatThrownBy(() -> model.floats("ln_f.bais")).isInstanceOf(FormatException.class)
                    .hasMessageEndingWith("model.safetensors.index.json: has no tensor 'ln_f.bais' (nearest: ln_f.bias)");
        }
    }

    @Test
    void oneFileIsPreferredToAnIndexAsTransformersDoes() {
        goodIndex();
        shard("model.safetensors", "only", 7);
        try (TensorSource model = TensorFiles.open(folder)) {
            assertThat(model.names()).containsExactly("only");
        }
        try (TensorSource file = TensorFiles.open(folder.resolve("model.safetensors"))) {
            assertThat(file.floats("only")).containsExactly(7);
        }
    }

    @Test
    void aMissingShardIsNamed() {
        goodIndex();
        folder.resolve("model-00002-of-00002.safetensors").toFile().delete();
        assertRefused("names model-00002-of-00002.safetensors, which the folder does not have");
    }

    @Test
    void aTensorThatIsPromisedButAbsentIsNamed() {
        index("{\"wte.weight\": \"model-00001-of-00002.safetensors\", \"wpe.weight\": \"model-00001-of-00002.safetensors\"}");
        assertRefused("says tensor 'wpe.weight' is in model-00001-of-00002.safetensors, which does not have it");
    }

    @Test
    void aTensorInAnotherShardThanPromisedIsNamed() {
        shard("model-00002-of-00002.safetensors", "wte.weight", 3);
        index("{\"wte.weight\": \"model-00001-of-00002.safetensors\", \"x\": \"model-00002-of-00002.safetensors\"}");
        assertRefused("holds tensor 'wte.weight', which model.safetensors.index.json says is in model-00001-of-00002.safetensors");
    }

    @Test
    void aTensorThatTheIndexDoesNotListIsNamed() {
        shard("model-00002-of-00002.safetensors", "extra", 3);
        index("{\"wte.weight\": \"model-00001-of-00002.safetensors\", \"ln_f.bias\": \"model-00002-of-00002.safetensors\"}");
        assertRefused("model-00002-of-00002.safetensors: holds tensor 'extra', which model.safetensors.index.json does not list");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../secret.safetensors", "/etc/passwd", "sub/model.safetensors", "..", ".", "", "a\\\\b.safetensors",
        "nul\\u0000.safetensors", "C:\\\\x.safetensors", "./model-00001-of-00002.safetensors", "model.bin"})
    void aShardNameThatIsNoPlainFileNameIsRefused(String name) {
        index("{\"wte.weight\": \"" + name + "\"}");
        assertRefused("expected the plain name of a .safetensors file in the same folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "[]", "{\"a\": 1}", "{\"a\": null}", "{\"a\": {\"b\": \"c\"}}",
        "{\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}", "{", ""})
    void anIndexThatIsNoMapOfTextsIsRefused(String weightMap) {
        index(weightMap);
        assertRefused("model.safetensors.index.json: ");
    }

    @Test
    void aDamagedShardIsRefusedUnderItsOwnName() throws IOException {
        goodIndex();
        Path shard = folder.resolve("model-00002-of-00002.safetensors");
        Files.write(shard, java.util.Arrays.copyOf(Files.readAllBytes(shard), 30));
        assertRefused("model-00002-of-00002.safetensors: the header length at offset 0 is");
    }

    @Test
    void aFolderWithoutTensorsSaysWhatItHolds() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        assertThatThrownBy(() -> TensorFiles.open(empty)).isInstanceOf(LoraException.class).hasMessage("the folder " + empty
                + " has neither model.safetensors nor model.safetensors.index.json; it is empty");
        TestFiles.write(empty.resolve("pytorch_model.bin"), "");
        TestFiles.write(empty.resolve("config.json"), "{}");
        assertThatThrownBy(() -> TensorFiles.open(empty, TensorFiles.ADAPTER)).hasMessageEndingWith(
                "neither adapter_model.safetensors nor adapter_model.safetensors.index.json; it has config.json and pytorch_model.bin");
        assertThatThrownBy(() -> TensorFiles.open(folder.resolve("none"))).hasMessageContaining("there is no folder ");
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> TensorFiles.open(folder).close()).isInstanceOf(FormatException.class)
                .hasMessageContaining(message).satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }
}
