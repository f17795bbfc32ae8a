package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.model.ModelNames;
import org.lora4j.tensor.Shape;

class ModelMergerTest {

    private static final String TABLE = "transformer.wte.weight";
    private static final String MAP = "transformer.h.0.mlp.c_fc.weight";
    private static final String KEY = "base_model.model.";
    private static final NamedTensor UPDATE_A = tensor(KEY + "transformer.h.0.mlp.c_fc.lora_A.weight", 1, 2, 1, 1);
    private static final NamedTensor UPDATE_B = tensor(KEY + "transformer.h.0.mlp.c_fc.lora_B.weight", 2, 1, 1, 2);

    @TempDir
    Path folder;

    @Test
    void aTableThatTheAdapterBringsAlongReplacesTheBasesForBothViews() {
        NamedTensor table = tensor(KEY + TABLE, 3, 2, 9, 8, 7, 6, 5, 4);
        ModelMerger merger = merger(UPDATE_A, UPDATE_B, table, table.as(KEY + "lm_head.weight"));
        assertThat(merger.unties()).isFalse();
        try (Safetensors merged = write(merger, null)) {
            assertThat(merged.names()).containsExactlyInAnyOrder(TABLE, MAP);
            assertThat(merged.doubles(TABLE)).containsExactly(9, 8, 7, 6, 5, 4);
            assertThat(merged.doubles(MAP)).containsExactly(1 + 2, 1 + 4, 1 + 2, 1 + 4); // s = 2, in × out
        }
    }

    @Test
    void anAdaptedHeadStartsFromTheCopyThatTheAdapterHas() {
        ModelMerger merger = merger(tensor(KEY + "lm_head.lora_A.weight", 1, 2, 1, 0),
                tensor(KEY + "lm_head.lora_B.weight", 3, 1, 1, 1, 1),
                tensor(KEY + "lm_head.base_layer.weight", 3, 2, 9, 8, 7, 6, 5, 4));
        assertThat(merger.unties()).isTrue();
        try (Safetensors merged = write(merger, null)) {
            assertThat(merged.doubles("lm_head.weight")).containsExactly(11, 8, 9, 6, 7, 4);
            assertThat(merged.doubles(TABLE)).containsExactly(9, 8, 7, 6, 5, 4);
        }
    }

    @Test
    void anAdapterThatIsNotFiniteIsRefusedWithItsTensorAndHowMany() {
        NamedTensor b = tensor(UPDATE_B.name(), 2, 1, Double.NaN, Double.POSITIVE_INFINITY);
        assertThatThrownBy(() -> merger(UPDATE_A, b)).isInstanceOf(FormatException.class)
                .hasMessageContaining("'" + UPDATE_B.name() + "' holds 2 of 2 values that are NaN or infinite");
        assertThatThrownBy(() -> merger(UPDATE_A, UPDATE_B, tensor(KEY + "transformer.ln_f.bias", 2, 1, 1, Double.NaN)))
                .hasMessageContaining("'" + KEY + "transformer.ln_f.bias' holds 1 of 2 values");
    }

    @Test
    void aSumThatTheWrittenTypeCannotHoldIsAnError() {
        ModelMerger merger = merger(UPDATE_A, tensor(UPDATE_B.name(), 2, 1, 1, 40_000));
        assertThatThrownBy(() -> write(merger, DType.F16)).isInstanceOf(FormatException.class)
                .hasMessageContaining("'" + MAP + "' has 2 of 4 values that are NaN or too large for F16")
                .hasMessageContaining("`type` bf16");
        try (Safetensors merged = write(merger, DType.F32)) {
            assertThat(merged.doubles(MAP)).containsExactly(3, 80_001, 3, 80_001);
        }
    }

    private Safetensors write(ModelMerger merger, DType type) {
        merger.write(folder.resolve("model.safetensors"), type);
        return Safetensors.open(folder.resolve("model.safetensors"));
    }

    private static ModelMerger merger(NamedTensor... tensors) {
        PeftConfig config = PeftConfig.create(1, 2).with("target_modules", List.of("c_fc", "lm_head"));
        return new ModelMerger(new MemoryTensors(Path.of("base"),
                List.of(tensor(TABLE, 3, 2, 1, 2, 3, 4, 5, 6), tensor(MAP, 2, 2, 1, 1, 1, 1)), Map.of()),
                new StoredAdapter(Path.of("adapter"), config, Arrays.asList(tensors), Map.of()), ModelNames.ofType("gpt2").orElseThrow());
    }

    private static NamedTensor tensor(String name, int rows, int columns, double... values) {
        return NamedTensor.of(name, DType.F32, Shape.of(rows, columns), values);
    }
}
