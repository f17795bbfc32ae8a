package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.ReferenceAndCpu;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.MergedWeights;

/** Adapters are switched, added and removed without a bit of the base or of another adapter changing. */
class AdapterSetTest extends ReferenceAndCpu {

    private static final Batch BATCH = SmallBatches.of(new int[] {6, 9, 4}, Side.RIGHT, 11, 1, 8);

    @ParameterizedTest
    @MethodSource("backends")
    void aSwitchedAdapterGivesTheBitsThatItGivesAlone(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        Gpt2 model = (Gpt2) set.model();
        for (Map.Entry<String, LoraConfig> kind : SomeAdapters.ofEveryKind().entrySet()) {
            Gpt2 alone = SomeAdapters.model(backend);
            SomeAdapters.random(alone, kind.getValue(), kind.getKey());
            set.switchTo(kind.getKey());
            assertThat(set.active()).isEqualTo(kind.getKey());
            assertThat(SomeAdapters.logits(model, BATCH)).as(kind.getKey()).isEqualTo(SomeAdapters.logits(alone, BATCH));
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aThousandSwitchesAmongTwentyFourAdaptersGiveTheBitsOfTheFirst(Backend backend) {
        Gpt2 model = SomeAdapters.model(backend);
        double[] base = SomeAdapters.logits(model, BATCH);
        AdapterSet set = SomeAdapters.setOfEveryKind(model);
        for (int i = set.names().size(); i < 24; i++) {
            String name = "q and v " + i;
            set.load(name, m -> SomeAdapters.random(m, LoraConfig.of(2, 4).withParts("q", "v"), name));
        }
        List<String> names = List.copyOf(set.names());
        assertThat(names).hasSize(24);
        Map<String, double[]> first = new HashMap<>();
        Random random = new Random(5);
        for (int i = 0; i < 1000; i++) {
            String name = names.get(random.nextInt(names.size()));
            set.switchTo(name);
            double[] logits = SomeAdapters.logits(model, BATCH);
            double[] before = first.putIfAbsent(name, logits);
            if (before != null) {
                assertThat(logits).isEqualTo(before);
            }
        }
        assertThat(first).hasSize(24);
        set.close();
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(base);
    }

    /** What 1000 switches would have done to the weights if each had been merged in place and subtracted again. */
    @Test
    void mergingInPlaceWouldHaveMovedTheBaseByAMillionthAndMore() {
        Gpt2 model = SomeAdapters.model(backends().getLast());
        Backend cpu = model.backend();
        Parameter weight = model.projections().getFirst().get().parameters().getFirst();
        float[] base = cpu.readFloats(weight.value());
        float[][] deltas = new float[24][];
        for (int i = 0; i < deltas.length; i++) {
            String name = "adapter " + i;
            LoraAdapter adapter = SomeAdapters.random(model, LoraConfig.of(2, 4).withTargets(SomeAdapters.names("c_attn")), name);
            var delta = cpu.allocate(weight.shape());
            adapter.projections().values().iterator().next().addDeltaWeight(cpu, delta);
            deltas[i] = cpu.readFloats(delta);
            adapter.detach();
        }
        assertThat(driftInPlace(base, deltas, value -> value)).as("float32").isBetween(1e-7, 1e-4);
        assertThat(driftInPlace(base, deltas, AdapterSetTest::toBfloat16)).as("bfloat16").isBetween(1e-2, 1.0);
        assertThat(cpu.readFloats(weight.value())).isEqualTo(base);
    }

    /** ‖W − W₀‖ / ‖W₀‖ after adding a random ΔW to W and subtracting it again, 1000 times, in some precision. */
    private static double driftInPlace(float[] base, float[][] deltas, UnaryOperator<Float> rounding) {
        float[] inPlace = base.clone();
        for (int j = 0; j < base.length; j++) {
            inPlace[j] = rounding.apply(inPlace[j]);
        }
        float[] start = inPlace.clone();
        Random random = new Random(5);
        for (int i = 0; i < 1000; i++) {
            float[] delta = deltas[random.nextInt(deltas.length)];
            for (int j = 0; j < inPlace.length; j++) {
                inPlace[j] = rounding.apply(inPlace[j] + delta[j]);
                inPlace[j] = rounding.apply(inPlace[j] - delta[j]);
            }
        }
        double difference = 0;
        double norm = 0;
        int changed = 0;
        for (int j = 0; j < start.length; j++) {
            difference += Math.pow(inPlace[j] - start[j], 2);
            norm += Math.pow(start[j], 2);
            changed += inPlace[j] == start[j] ? 0 : 1;
        }
        assertThat(changed).isGreaterThan(start.length / 2);
        return Math.sqrt(difference / norm);
    }

    /** To nearest, ties to even. */
    private static float toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat(bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void droppingAMergedAdapterGivesBackTheBaseBitForBit(Backend backend) {
        Gpt2 model = SomeAdapters.model(backend);
        double[] base = SomeAdapters.logits(model, BATCH);
        List<Parameter> parameters = model.parameters();
        List<double[]> values = SomeAdapters.values(parameters, backend);
        for (Map.Entry<String, LoraConfig> kind : SomeAdapters.ofEveryKind().entrySet()) {
            LoraAdapter adapter = SomeAdapters.random(model, kind.getValue(), kind.getKey());
            double[] beside = SomeAdapters.logits(model, BATCH);
            try (MergedWeights merged = MergedWeights.of(adapter)) {
                Bounds.assertClose(SomeAdapters.logits(model, BATCH), beside, backend);
            }
            assertThat(SomeAdapters.logits(model, BATCH)).as("beside again").isEqualTo(beside);
            adapter.detach();
            assertThat(SomeAdapters.logits(model, BATCH)).as(kind.getKey()).isEqualTo(base);
        }
        assertThat(SomeAdapters.values(parameters, backend)).usingRecursiveComparison().isEqualTo(values);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void anAdapterOfASetIsMergedAsIfItWereAlone(Backend backend) {
        AdapterSet set = SomeAdapters.setOfEveryKind(SomeAdapters.model(backend));
        Gpt2 model = (Gpt2) set.model();
        set.switchTo("fused");
        double[] fused = SomeAdapters.logits(model, BATCH);
        for (Map.Entry<String, LoraConfig> kind : SomeAdapters.ofEveryKind().entrySet()) {
            if (set.get(kind.getKey()).biases().isEmpty() && set.get(kind.getKey()).wholeNames().isEmpty()) {
                Gpt2 alone = SomeAdapters.model(backend);
                LoraAdapter adapter = SomeAdapters.random(alone, kind.getValue(), kind.getKey());
                try (MergedWeights ofSet = MergedWeights.of(set.get(kind.getKey())); MergedWeights single = MergedWeights.of(adapter)) {
                    assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(SomeAdapters.logits(alone, BATCH));
                }
                assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(fused);
            }
        }
        assertThatThrownBy(() -> MergedWeights.of(set.get("biased"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("switch to it first");
    }

    @ParameterizedTest
    @MethodSource("backends")
    void addingAndRemovingLeavesTheOthersAsTheyWere(Backend backend) {
        Gpt2 model = SomeAdapters.model(backend);
        double[] base = SomeAdapters.logits(model, BATCH);
        AdapterSet set = SomeAdapters.setOfEveryKind(model);
        set.switchTo("fused");
        double[] fused = SomeAdapters.logits(model, BATCH);
        set.load("another", m -> SomeAdapters.random(m, LoraConfig.of(2, 2).withParts("q"), "another"));
        assertThat(set.active()).as("loading does not switch").isEqualTo("fused");
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(fused);
        set.remove("another");
        set.remove("embedding");
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(fused);
        set.remove("fused");
        assertThat(set.active()).isEqualTo(AdapterSet.BASE);
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(base);
        set.switchTo("everyBias");
        assertThat(SomeAdapters.logits(model, BATCH)).isNotEqualTo(base);
        set.switchTo(AdapterSet.BASE);
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(base);
        assertThat(set.names()).containsExactly(
                "parts", "keys", "stabilised", "positions", "head", "biased", "everyBias", "dora", "doraParts", "whole");
    }

    @Test
    void aFailedLoadLeavesTheSetAsItWas() {
        Gpt2 model = SomeAdapters.model(backends().getFirst());
        AdapterSet set = SomeAdapters.setOfEveryKind(model);
        set.switchTo("biased");
        double[] before = SomeAdapters.logits(model, BATCH);
        assertThatThrownBy(() -> set.load("slip", m -> LoraAdapter.attach(m, LoraConfig.of(99, 1).withParts("q"), 1)))
                .isInstanceOf(LoraException.class).hasMessageContaining("`rank` 99");
        assertThat(set.names()).doesNotContain("slip");
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(before);
    }

    @Test
    void wrongNamesAreRefusedWithTheNearest() {
        Gpt2 model = SomeAdapters.model(backends().getFirst());
        AdapterSet set = SomeAdapters.setOfEveryKind(model);
        refused(() -> set.switchTo("part"), "'part'", "nearest: parts");
        refused(() -> set.remove("something else entirely"), "there are parts, keys");
        refused(() -> set.mix(List.of("parts", "hed")), "'hed'", "nearest: head");
        refused(() -> set.load("parts", m -> null), "'parts'", "remove that one first");
        refused(() -> set.load(AdapterSet.BASE, m -> null), "'base'");
        refused(() -> set.load(" ", m -> null), "needs a name");
        refused(() -> new AdapterSet(model).get("x"), "there is none at all");
    }

    @Test
    void anAdapterOfAnotherModelIsRefused() {
        Gpt2 model = SomeAdapters.model(backends().getFirst());
        Gpt2 other = SomeAdapters.model(backends().getFirst());
        AdapterSet set = new AdapterSet(model);
        LoraAdapter foreign = LoraAdapter.attach(other, LoraConfig.of(1, 1).withParts("q"), 1);
        refused(() -> set.add("foreign", foreign), "'foreign'", "another model");
        refused(() -> set.load("foreign", m -> foreign), "'foreign'", "another model");
        LoraAdapter detached = LoraAdapter.attach(model, LoraConfig.of(1, 1).withParts("q"), 1);
        detached.detach();
        refused(() -> set.add("detached", detached), "'detached'", "not attached");
    }

    @Test
    void anAttachedAdapterCanBeAddedOnce() {
        Gpt2 model = SomeAdapters.model(backends().getFirst());
        double[] base = SomeAdapters.logits(model, BATCH);
        LoraAdapter adapter = SomeAdapters.random(model, LoraConfig.of(1, 1).withParts("q"), "a");
        double[] adapted = SomeAdapters.logits(model, BATCH);
        AdapterSet set = new AdapterSet(model);
        set.add("a", adapter);
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(base);
        set.switchTo("a");
        assertThat(SomeAdapters.logits(model, BATCH)).isEqualTo(adapted);
        refused(() -> set.add("b", adapter), "'b'", "in a set already, as 'a'");
        assertThatThrownBy(adapter::detach).hasMessageContaining("remove it there");
    }

    static void refused(Runnable action, String... words) {
        assertThatThrownBy(action::run).isInstanceOf(LoraException.class).hasMessageContainingAll(words)
                .message().doesNotContain("\n");
    }
}
