package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.MemoryTensors;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/** Adapters as PEFT 0.1 to 0.6 wrote them. */
class PeftUpgradeTest {

    private static final String MODULE = "base_model.model.transformer.h.0.attn.c_attn";

    @Test
    void groupedBsOfQAndVBecomeOneUpdateOfTheWholeMap() {
        NamedTensor a = count(MODULE + ".lora_A.weight", 4, 3);
        NamedTensor b = count(MODULE + ".lora_B.weight", 6, 2, 1);
        PeftConfig old = PeftConfig.create(2, 16).with("enable_lora", List.of(true, false, true));
        PeftUpgrade upgrade = PeftUpgrade.of(old, source(a, b));

        assertThat(upgrade.config().r()).isEqualTo(4);
        assertThat(upgrade.config().alpha()).isEqualTo(32);
        assertThat(upgrade.config().field("enable_lora").isNull()).isTrue();
        assertThat(upgrade.source().metadata()).containsEntry("lora4j.parts", "q,v");
        assertThat(upgrade.source().doubles(a.name())).isEqualTo(a.doubles());
        assertThat(upgrade.source().shape(b.name())).isEqualTo(Shape.of(9, 4));
        assertThat(upgrade.source().doubles(b.name())).containsExactly(
                0, 1, 0, 0, 2, 3, 0, 0, 4, 5, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 6, 7, 0, 0, 8, 9, 0, 0, 10, 11);
    }

    @Test
    void anUpdateOfTheWholeMapLosesTheAxisOfItsConvolution() {
        PeftUpgrade upgrade = PeftUpgrade.of(PeftConfig.create(2, 16).with("enable_lora", List.of(true)),
                source(count(MODULE + ".lora_A.weight", 2, 3), count(MODULE + ".lora_B.weight", 9, 2, 1)));
        assertThat(upgrade.config().r()).isEqualTo(2);
        assertThat(upgrade.source().shape(MODULE + ".lora_B.weight")).isEqualTo(Shape.of(9, 2));
        assertThat(upgrade.source().metadata()).isEmpty();
    }

    @Test
    void keysOfSavedModulesAndOfBiasesAreTodays() {
        PeftUpgrade upgrade = PeftUpgrade.of(PeftConfig.create(2, 16), source(count(MODULE + ".lora_A.weight", 2, 3),
                count(MODULE + ".lora_B.weight", 9, 2), count(MODULE + ".bias", 9), count("base_model.model.h.ln_1.bias", 3),
                count("base_model.model.lm_head.modules_to_save.weight", 5, 3),
                count("base_model.model.lm_head.original_module.weight", 5, 3)));
        assertThat(upgrade.source().names()).containsExactly(MODULE + ".lora_A.weight", MODULE + ".lora_B.weight",
                MODULE + ".base_layer.bias", "base_model.model.h.ln_1.bias", "base_model.model.lm_head.weight");
    }

    @Test
    void anAdapterOfTodayComesBackAsItIs() {
        PeftConfig config = PeftConfig.create(2, 16);
        TensorSource source = source(count(MODULE + ".lora_A.weight", 2, 3), count(MODULE + ".lora_B.weight", 9, 2));
        assertThat(PeftUpgrade.of(config, source)).isEqualTo(new PeftUpgrade(config, source));
    }

    @Test
    void partsThatNoVersionKnowsAreRefused() {
        TensorSource source = source(count(MODULE + ".lora_A.weight", 4, 3), count(MODULE + ".lora_B.weight", 6, 2, 1));
        PeftConfig config = PeftConfig.create(2, 16);
        assertThatThrownBy(() -> PeftUpgrade.of(config.with("enable_lora", List.of(true, false)), source))
                .isInstanceOf(FormatException.class).hasMessageContaining("enable_lora is [true,false]");
        assertThatThrownBy(() -> PeftUpgrade.of(config.with("enable_lora", List.of(false, false, false)), source))
                .hasMessageContaining("there is no update");
        assertThatThrownBy(() -> PeftUpgrade.of(config.with("enable_lora", List.of(true, true, true)),
                source(count(MODULE + ".lora_A.weight", 6, 3), count(MODULE + ".lora_B.weight", 7, 2, 1))))
                .hasMessageContaining("has shape (7, 2, 1)");
    }

    private static TensorSource source(NamedTensor... tensors) {
        return new MemoryTensors(Path.of("adapter"), Arrays.asList(tensors), Map.of());
    }

    private static NamedTensor count(String name, int... extents) {
        Shape shape = Shape.of(extents);
        return NamedTensor.of(name, DType.F32, shape, IntStream.range(0, (int) shape.size()).asDoubleStream().toArray());
    }
}
