package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Modules trained as a whole beside the updates, PEFT's modules_to_save. {@code GoldenValuesTest} has PEFT's numbers. */
class WholeModulesTest {

    private static final LoraConfig Q_AND_V = LoraConfig.of(2, 4).withParts("q", "v");

    @TempDir
    Path folder;

    private final Backend backend = Backends.create("reference");
    private final Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);

    @Test
    void takingTheAdapterOutGivesBackTheBaseBitForBit() {
        double[] base = logits();
        LoraAdapter adapter = LoraAdapter.attach(model, Q_AND_V, List.of("ln_f", "lm_head", "wte", "c_fc"), 1);
        assertThat(logits()).isEqualTo(base); // copies, and B is zero
        SmallGpt2.randomise(backend, adapter.trainable());
        assertThat(logits()).isNotEqualTo(base);
        adapter.detach();
        assertThat(logits()).isEqualTo(base);
        assertThat(model.parameters()).noneMatch(Parameter::isTrainable);
    }

    @Test
    void whatIsSavedLoadsWithTheSameBits() throws Exception {
        LoraAdapter adapter = LoraAdapter.attach(model, Q_AND_V, List.of("ln_f", "lm_head", "c_fc"), 1);
        SmallGpt2.randomise(backend, adapter.trainable());
        double[] expected = logits();
        PeftFormat.save(adapter, folder, "base", Map.of());
        byte[] saved = Files.readAllBytes(folder.resolve("adapter_model.safetensors"));
        adapter.detach();

        LoraAdapter loaded = PeftFormat.load(model, folder);
        assertThat(logits()).isEqualTo(expected);
        assertThat(PeftConfig.read(folder).modulesToSave()).containsExactly("ln_f", "lm_head", "c_fc");
        PeftFormat.save(loaded, folder, "base", Map.of());
        assertThat(folder.resolve("adapter_model.safetensors")).hasBinaryContent(saved);
    }

    @Test
    void oneViewOfATiedTableLeavesTheOtherAlone() {
        LoraAdapter adapter = LoraAdapter.attach(model, Q_AND_V, List.of("lm_head"), 1);
        Parameter head = adapter.whole().parameters().get("lm_head.weight");
        Parameter table = model.embeddings().getFirst().get().parameters().getFirst();
        assertThat(adapter.whole().parameters()).containsOnlyKeys("lm_head.weight");
        assertThat(head).isNotSameAs(table);
        assertThat(table.isTrainable()).isFalse();
    }

    @Test
    void whatHasAnUpdateCannotBeTrainedAsAWholeToo() {
        double[] base = logits();
        assertThatThrownBy(() -> LoraAdapter.attach(model, Q_AND_V, List.of("c_attn"), 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("transformer.h.0.attn.c_attn is to be trained as a whole and has a low-rank update too");
        assertThatThrownBy(() -> LoraAdapter.attach(model, Q_AND_V, List.of("ln_f", "scoer"), 1))
                .hasMessageContaining("nothing in this GPT-2 is called scoer");
        assertThat(logits()).isEqualTo(base);
        assertThat(model.parameters()).noneMatch(Parameter::isTrainable);
    }

    @Test
    void aClassificationHeadThatALanguageModelDoesNotHaveIsNamed() throws Exception {
        LoraAdapter adapter = LoraAdapter.attach(model, Q_AND_V, List.of("lm_head"), 1);
        PeftFormat.save(adapter, folder, "base", Map.of());
        adapter.detach();
        Path file = folder.resolve("adapter_model.safetensors");
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        Files.writeString(file, bytes.replace("model.lm_head.weight", "model.score_h.weight"),
                StandardCharsets.ISO_8859_1);
        PeftConfig.read(folder).with("modules_to_save", List.of("score_h")).with("task_type", "SEQ_CLS")
                .write(folder.resolve("adapter_config.json"));
        assertThatThrownBy(() -> PeftFormat.load(model, folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("modules_to_save has score_h, which this GPT-2 does not have")
                .hasMessageContaining("SEQ_CLS");
    }

    private double[] logits() {
        Batch batch = new Batch(1, 6, new int[] {3, 1, 4, 1, 5, 9}, null, null, null);
        return backend.readDoubles(model.logits(batch, Workspace.forInference(backend, 6)));
    }
}
