package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.gguf.GgufValue;
import org.lora4j.io.gguf.GgufWriter;
import org.lora4j.tensor.Shape;

class GgufAdapterTest {

    private static final String H0 = "base_model.model.transformer.h.0.";

    @TempDir
    Path folder;

    @Test
    void namesShapesAndKeysAreThoseThatLlamaCppLooksFor() {
        Path file = write(adapter(PeftConfig.create(2, 16), update(H0 + "attn.c_attn", 2, 4, 12), update(H0 + "attn.c_proj", 2, 4, 4),
                update(H0 + "mlp.c_fc", 2, 4, 16), update(H0 + "mlp.c_proj", 2, 16, 4)), new ArrayList<>());
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.metadata()).containsEntry("general.architecture", "gpt2").containsEntry("general.type", "adapter")
                    .containsEntry("adapter.type", "lora").containsEntry("adapter.lora.alpha", "16.0");
            assertThat(gguf.names()).containsExactly("blk.0.attn_qkv.weight.lora_a", "blk.0.attn_qkv.weight.lora_b",
                    "blk.0.attn_output.weight.lora_a", "blk.0.attn_output.weight.lora_b", "blk.0.ffn_up.weight.lora_a",
                    "blk.0.ffn_up.weight.lora_b", "blk.0.ffn_down.weight.lora_a", "blk.0.ffn_down.weight.lora_b");
            // llama.cpp wants ne[0] of a to be the weight's input and ne[1] of b its output; ne counts from the last axis
            assertThat(gguf.shape("blk.0.attn_qkv.weight.lora_a")).isEqualTo(Shape.of(2, 4));
            assertThat(gguf.shape("blk.0.attn_qkv.weight.lora_b")).isEqualTo(Shape.of(12, 2));
        }
    }

    @Test
    void anEmbeddingsAIsTransposed() {
        NamedTensor[] wte = {random("base_model.model.transformer.wte.lora_embedding_A", 2, 9),
            random("base_model.model.transformer.wte.lora_embedding_B", 4, 2)};
        List<String> remarks = new ArrayList<>();
        Path file = write(adapter(PeftConfig.create(2, 16), wte), remarks);
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.shape("token_embd.weight.lora_a")).isEqualTo(Shape.of(9, 2));
            assertThat(gguf.doubles("token_embd.weight.lora_a")).isEqualTo(wte[0].transposed().doubles());
            assertThat(gguf.shape("token_embd.weight.lora_b")).isEqualTo(Shape.of(4, 2));
        }
        assertThat(remarks).singleElement().asString().contains("output.weight");
    }

    @Test
    void whatWasWrittenComesBackBitForBit() {
        NamedTensor[] tensors = Arrays.stream(new NamedTensor[][] {update(H0 + "attn.c_attn", 2, 4, 12),
            update("base_model.model.transformer.h.11.mlp.c_proj", 3, 16, 4)}).flatMap(Arrays::stream)
                .toArray(NamedTensor[]::new);
        PeftConfig config = PeftConfig.create(2, 16).with("rank_pattern", Map.of("mlp.c_proj", 3))
                .with("base_model_name_or_path", "gpt2");
        StoredAdapter adapter = new StoredAdapter(Path.of("x"), config.with("target_modules", List.of("c_attn")),
                List.of(tensors), Map.of("lora4j.parts", "q,v"));
        List<String> remarks = new ArrayList<>();
        StoredAdapter again = GgufAdapter.read(write(adapter, remarks));

        assertThat(remarks).isEmpty();
        assertThat(again.config().baseModel()).contains("gpt2");
        assertThat(again.config().rankOf("transformer.h.11.mlp.c_proj")).isEqualTo(3);
        assertThat(again.metadata()).containsEntry("lora4j.parts", "q,v");
        assertThat(again.tensors()).hasSize(4);
        IntStream.range(0, 4).forEach(i -> {
            assertThat(again.tensors().get(i).name()).isEqualTo(tensors[i].name());
            assertThat(again.tensors().get(i).sameBits(tensors[i])).isTrue();
        });
    }

    @Test
    void whereAFactorIsNotAlphaOverRTheBIsMultiplied() {
        PeftConfig config = PeftConfig.create(4, 16).with("use_rslora", true);
        NamedTensor[] update = update(H0 + "attn.c_attn", 4, 4, 12);
        List<String> remarks = new ArrayList<>();
        StoredAdapter again = GgufAdapter.read(write(adapter(config, update), remarks));

        assertThat(remarks).singleElement().asString().contains("B of 1 modules was multiplied");
        // 16/√4 = 8 instead of 16/4 = 4: twice, which is exact
        assertThat(again.tensors().get(1).doubles()).isEqualTo(Arrays.stream(update[1].doubles()).map(x -> 2 * x).toArray());
        assertThat(again.scaling(again.updates().getFirst())).isEqualTo(4);
    }

    @Test
    void whatLlamaCppHasNoPlaceForIsRefusedByName() {
        NamedTensor bias = random("base_model.model.transformer.h.0.attn.c_attn.base_layer.bias", 1, 12).as(Shape.of(12));
        NamedTensor[] update = update(H0 + "attn.c_attn", 2, 4, 12);
        assertThatThrownBy(() -> write(adapter(PeftConfig.create(2, 1), update[0], update[1], bias), new ArrayList<>()))
                .hasMessageContaining("c_attn.base_layer.bias").hasMessageContaining("no place for biases");
        assertThatThrownBy(() -> write(adapter(PeftConfig.create(2, 1),
                random("base_model.model.transformer.wpe.lora_embedding_A", 2, 9),
                random("base_model.model.transformer.wpe.lora_embedding_B", 4, 2)), new ArrayList<>()))
                .hasMessageContaining("adapts 'transformer.wpe', for which llama.cpp's GPT-2 takes no update");
        assertThatThrownBy(() -> write(adapter(PeftConfig.create(2, 1),
                update("base_model.model.roberta.encoder.layer.0.attention.self.query", 2, 4, 4)), new ArrayList<>()))
                .hasMessageContaining("RoBERTa, which llama.cpp does not have");
        assertThatThrownBy(() -> write(adapter(PeftConfig.create(2, 1),
                update("base_model.model.wide.encoder.layer.0.look", 2, 4, 4)), new ArrayList<>()))
                .hasMessageContaining("adapts 'wide.encoder.layer.0.look', and which family of models that is is not known");
    }

    @Test
    void anAdapterThatWasTurnedAroundAsAConv1dIsRefused() {
        Path file = folder.resolve("turned.gguf");
        new GgufWriter().put("general.architecture", GgufValue.of("gpt2")).put("general.type", GgufValue.of("adapter"))
                .put("adapter.type", GgufValue.of("lora")).put("adapter.lora.alpha", GgufValue.of(16f))
                .add(random("blk.0.attn_qkv.weight.lora_a", 2, 12)).add(random("blk.0.attn_qkv.weight.lora_b", 4, 2)).write(file);
        assertThatThrownBy(() -> GgufAdapter.read(file)).isInstanceOf(FormatException.class)
                .hasMessageContaining("A and B are turned around, as llama.cpp's converter does");
    }

    @Test
    void aModelIsNoAdapter() {
        Path file = folder.resolve("model.gguf");
        new GgufWriter().put("general.architecture", GgufValue.of("gpt2")).put("general.type", GgufValue.of("model"))
                .add(random("token_embd.weight", 2, 12)).write(file);
        assertThatThrownBy(() -> GgufAdapter.read(file)).hasMessageContaining("general.type is 'model', expected adapter");
    }

    private Path write(StoredAdapter adapter, List<String> remarks) {
        Path file = folder.resolve("adapter.gguf");
        GgufAdapter.write(adapter, file, "adapter", null, remarks);
        return file;
    }

    private static StoredAdapter adapter(PeftConfig config, NamedTensor[]... updates) {
        return adapter(config, Arrays.stream(updates).flatMap(Arrays::stream).toArray(NamedTensor[]::new));
    }

    private static StoredAdapter adapter(PeftConfig config, NamedTensor... tensors) {
        return new StoredAdapter(Path.of("x"), config.with("target_modules", List.of("c_attn")), List.of(tensors), Map.of());
    }

    private static NamedTensor[] update(String stem, int rank, int in, int out) {
        return new NamedTensor[] {random(stem + ".lora_A.weight", rank, in), random(stem + ".lora_B.weight", out, rank)};
    }

    private static NamedTensor random(String name, int rows, int columns) {
        return NamedTensor.of(name, DType.F32, Shape.of(rows, columns),
                new Random(name.hashCode()).doubles((long) rows * columns, -1, 1).map(x -> (float) x).toArray());
    }
}
