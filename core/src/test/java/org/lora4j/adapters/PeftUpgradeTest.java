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

    /** PEFT 0.21 with bias all and ln_f in modules_to_save; it loads ln_f.bias. */
    @Test
    void ofABiasThatIsThereThreeTimesTheOneThatPeftLoadsCounts() {
        NamedTensor counts = NamedTensor.of("base_model.model.ln_f.bias", DType.F32, Shape.of(2), new double[] {7, 8});
        PeftUpgrade upgrade = PeftUpgrade.of(PeftConfig.create(2, 16).with("bias", "all"), source(
                count("base_model.model.ln_f.modules_to_save.bias", 2), counts,
                count("base_model.model.ln_f.original_module.bias", 2), count("base_model.model.ln_f.weight", 2)));
        assertThat(upgrade.source().names()).containsExactly(counts.name(), "base_model.model.ln_f.weight");
        assertThat(upgrade.source().doubles(counts.name())).containsExactly(7, 8);
    }

    @Test
    void namesLoseWhatWrappersPutIntoThem() {
        PeftUpgrade upgrade = PeftUpgrade.of(PeftConfig.create(2, 16)
                        .with("target_modules", List.of("_orig_mod.transformer.h.0.attn.c_attn"))
                        .with("rank_pattern", Map.of("^_orig_mod\\.transformer.h.1", 4))
                        .with("exclude_modules", ".*_orig_mod\\.lm_head"),
                source(count("module." + MODULE + ".lora_A.default.weight", 2, 3),
                        count("_orig_mod." + MODULE + ".lora_B.weight", 9, 2),
                        count("base_model.model._orig_mod.transformer.wte.lora_embedding_A.default", 2, 5),
                        count("module._orig_mod.base_model.model.transformer.wte.lora_embedding_B", 3, 2),
                        count("base_model.model.module.transformer.h.0.attn._orig_mod.c_attn.lora_magnitude_vector.default.weight", 9)));
        assertThat(upgrade.source().names()).containsExactly(MODULE + ".lora_A.weight", MODULE + ".lora_B.weight",
                "base_model.model.transformer.wte.lora_embedding_A", "base_model.model.transformer.wte.lora_embedding_B",
                MODULE + ".lora_magnitude_vector");
        assertThat(upgrade.config().field("target_modules").get(0).textValue()).isEqualTo("transformer.h.0.attn.c_attn");
        assertThat(upgrade.config().field("exclude_modules").textValue()).isEqualTo(".*lm_head");
        assertThat(upgrade.config().rankOf("transformer.h.1")).isEqualTo(4);
    }

    @Test
    void aTensorWithAndWithoutAWrappersNameIsAnErrorOfOneLine() {
        TensorSource twice = source(count(MODULE + ".lora_A.weight", 2, 3), count("module." + MODULE + ".lora_A.weight", 2, 3));
        assertThatThrownBy(() -> PeftUpgrade.of(PeftConfig.create(2, 16), twice)).isInstanceOf(FormatException.class)
                .hasMessage("adapter: tensor '" + MODULE + ".lora_A.weight' is there twice");
    }

    /** PEFT saves both where an adapted embedding of a resized vocabulary has DoRA. */
    @Test
    void aMagnitudeUnderTwoNamesIsOne() {
        PeftUpgrade upgrade = PeftUpgrade.of(PeftConfig.create(2, 16), source(
                count(MODULE + ".lora_magnitude_vector.weight", 9), count(MODULE + ".lora_magnitude_vector", 9)));
        assertThat(upgrade.source().names()).containsExactly(MODULE + ".lora_magnitude_vector");
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
