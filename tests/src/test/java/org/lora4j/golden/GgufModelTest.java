package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withPrecision;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.GgufAdapter;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.GgufFolder;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelTensors;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.nn.Workspace;
import org.lora4j.tokenizer.Tokenizer;

/** Files that llama.cpp's Python package wrote, against the tensors they were made of; {@code make_gguf.py} makes them. */
class GgufModelTest {

    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final Path GGUF = RESOURCES.resolve("gguf");

    @TempDir
    Path temp;

    @Test
    void blocksOfEveryTypeStandForWhatGgufSaysTheyStandFor() {
        try (GgufFile file = GgufFile.open(GGUF.resolve("types/types.gguf"));
                Safetensors expected = Safetensors.open(GGUF.resolve("types/expected.safetensors"))) {
            assertThat(file.names()).hasSize(7).hasSameElementsAs(expected.names());
            for (String name : file.names()) {
                assertThat(file.floats(name)).as(name).containsExactly(expected.floats(name));
                float[] piece = new float[300];
                file.readFloats(name, 211, piece, 0, 300); // across blocks and rows
                float[] all = expected.floats(name);
                for (int i = 0; i < 300; i++) {
                    assertThat(piece[i]).isEqualTo(all[211 + i]);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama_qv", "mistral_no_window", "qwen2_tied", "qwen3_all_linear", "gemma3_full", "phi3_all_linear", "gpt2"})
    void aModelOfLlamaCppIsTheOneItWasMadeOf(String name) {
        try (Backend backend = Backends.create("reference")) {
            double[] ours = logits(original(name), backend);
            double[] theirs = logits(GGUF.resolve(name), backend);
            // Gemma's norms lose their last bits when 1 is added to them
            assertThat(GoldenValuesTest.relativeError(theirs, ours)).isLessThan(name.startsWith("gemma") ? 1e-6 : 1e-15);
        }
    }

    private static Path original(String name) {
        return RESOURCES.resolve(name.equals("gpt2") ? "golden/c_attn" : "decoders/" + name).resolve("model");
    }

    private static double[] logits(Path folder, Backend backend) {
        LanguageModel model = Families.load(folder, backend);
        int[] ids = {3, 17, 5, 40, 8, 9, 31, 2};
        return backend.readDoubles(model.logits(new Batch(2, 4, ids, null, null), Workspace.forInference(backend, 8)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama_qv", "gemma3_full", "gpt2"})
    void aMergedModelIsTheBaseWithWhatHasChangedInItsPlace(String name) throws IOException {
        Path base = GGUF.resolve(name);
        Files.copy(base.resolve("config.json"), temp.resolve("config.json"));
        Path merged = temp.resolve("merged.safetensors");
        List<String> changed = List.of("model.layers.1.self_attn.k_proj.weight", "transformer.h.1.attn.c_attn.weight");
        try (ModelTensors tensors = Families.of(base).tensors(base)) {
            SafetensorsWriter writer = new SafetensorsWriter();
            for (String tensor : tensors.names()) {
                float[] values = tensors.floats(tensor);
                for (int i = 0; i < values.length; i++) {
                    values[i] += changed.contains(tensor) || tensor.endsWith("model.norm.weight") ? i % 7 * 0.25f : 0;
                }
                writer.addLater(tensor, DType.F32, tensors.shape(tensor), () -> values);
            }
            writer.write(merged);
            try (Safetensors made = Safetensors.open(merged)) {
                tensors.writeGguf(made, temp.resolve("model.gguf"));
            }
        }
        try (ModelTensors tensors = Families.of(temp).tensors(temp); Safetensors made = Safetensors.open(merged);
                GgufFile before = GgufFile.open(base.resolve("model.gguf")); GgufFile after = GgufFile.open(temp.resolve("model.gguf"))) {
            assertThat(tensors.names()).hasSameElementsAs(made.names());
            // 1 is added to Gemma's norms and taken away again
            made.names().forEach(tensor -> assertThat(tensors.floats(tensor)).as(tensor)
                    .containsExactly(made.floats(tensor), withPrecision(name.startsWith("gemma") ? 2e-7f : 0f)));
            assertThat(after.values().keySet()).containsExactlyElementsOf(before.values().keySet());
            assertThat(after.names()).containsExactlyElementsOf(before.names());
        }
    }

    @Test
    void anAdapterForLlamaCppHasTheRowsOfItsHeadsInPairs() {
        ObjectNode base = JsonFile.read(GGUF.resolve("llama_qv/config.json"));
        StoredAdapter peft = AdapterFiles.read(RESOURCES.resolve("decoders/llama_qv/adapter"), null);
        Path out = temp.resolve("ours.gguf");
        AdapterFiles.write(peft, AdapterFormat.GGUF, out, base, new ArrayList<>());
        try (GgufFile ours = GgufFile.open(out); GgufFile theirs = GgufFile.open(GGUF.resolve("adapter/adapter.gguf"))) {
            assertThat(ours.names()).hasSameElementsAs(theirs.names());
            ours.names().forEach(name -> assertThat(ours.floats(name)).as(name).containsExactly(theirs.floats(name)));
            assertThat(ours.values().get("general.architecture")).hasToString("llama");
        }
        List<NamedTensor> back = GgufAdapter.read(GGUF.resolve("adapter/adapter.gguf"), base).tensors();
        assertThat(back).hasSameSizeAs(peft.tensors());
        back.forEach(tensor -> assertThat(tensor.doubles()).as(tensor.name()).containsExactly(peft.tensors().stream()
                .filter(other -> other.name().equals(tensor.name())).findFirst().orElseThrow().doubles()));
    }

    @Test
    void anAdapterOfOneOfSeveralFamiliesIsNotWrittenWithoutItsBase() {
        StoredAdapter peft = AdapterFiles.read(RESOURCES.resolve("decoders/llama_qv/adapter"), null);
        assertThatThrownBy(() -> AdapterFiles.write(peft, AdapterFormat.GGUF, temp.resolve("a.gguf"), new ArrayList<>()))
                .isInstanceOf(LoraException.class).hasMessageContaining("Llama, Mistral, Qwen2").hasMessageContaining("`model`");
        assertThatThrownBy(() -> GgufAdapter.read(GGUF.resolve("adapter/adapter.gguf"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("`model`");
    }

    @ParameterizedTest
    @CsvSource({"lone_bpe, qwen2_tied", "lone_spm, llama_qv"})
    void aFileAloneIsTheModelWithItsTokenizer(String name, String original) throws IOException {
        Path folder = GgufFolder.of(GGUF.resolve(name).resolve("model.gguf"));
        assertThat(GgufFolder.of(GGUF.resolve(name))).isEqualTo(folder);
        try (Backend backend = Backends.create("reference")) {
            assertThat(GoldenValuesTest.relativeError(logits(folder, backend), logits(original(original), backend))).isLessThan(1e-15);
        }
        Tokenizer tokenizer = Families.tokenizer(folder);
        for (JsonNode pair : new ObjectMapper().readTree(GGUF.resolve(name).resolve("ids.json").toFile())) {
            int[] expected = new ObjectMapper().convertValue(pair.get(1), int[].class);
            assertThat(tokenizer.encode(pair.get(0).textValue())).as(pair.get(0).toString()).containsExactly(expected);
        }
        assertThat(tokenizer.endOfText()).isEqualTo(name.equals("lone_bpe") ? 0 : 2);
    }

    @Test
    void whatAFileAloneDoesNotSayIsRefusedByName() throws IOException {
        Path file = GGUF.resolve("llama_qv/model.gguf"); // has a table of rotary factors, and no sizes
        assertThatThrownBy(() -> GgufFolder.of(file)).isInstanceOf(LoraException.class).hasMessageContaining("rope_freqs.weight")
                .hasMessageContaining("config.json");
        Path qwen = Files.copy(GGUF.resolve("qwen2_tied/model.gguf"), temp.resolve("only.gguf"));
        assertThatThrownBy(() -> GgufFolder.of(qwen)).isInstanceOf(LoraException.class)
                .hasMessageContaining("qwen2.embedding_length is missing");
        Path changed = temp.resolve("other.gguf"); // of the same length, so that nothing else moves
        byte[] bytes = Files.readAllBytes(GGUF.resolve("lone_bpe/model.gguf"));
        String text = new String(bytes, StandardCharsets.ISO_8859_1).replace("tokenizer.ggml.pre\b\0\0\0\5\0\0\0\0\0\0\0qwen2",
                "tokenizer.ggml.pre\b\0\0\0\5\0\0\0\0\0\0\0qwen9");
        Files.write(changed, text.getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> GgufFolder.of(changed)).isInstanceOf(LoraException.class).hasMessageContaining("'qwen9'")
                .hasMessageContaining("llama-bpe, qwen2, smollm");
    }

    @Test
    void aGgufFileWithoutAConfigurationSaysWhatIsMissing() throws IOException {
        Files.copy(GGUF.resolve("llama_qv/model.gguf"), temp.resolve("model.gguf"));
        assertThatThrownBy(() -> Families.config(temp)).isInstanceOf(LoraException.class).hasMessageContaining("config.json")
                .hasMessageContaining("tokenizer.json");
    }
}
