package org.lora4j.properties;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraScaling;

/** Configurations of adapters that fit a {@code SmallGpt2}. */
final class Adapters {

    private Adapters() {
    }

    /** What of the fused map is adapted, and where else there are updates. */
    private record Places(List<String> parts, List<Integer> layers, Set<String> whole) {

        boolean isSomewhere() {
            return !parts.isEmpty() || !whole.isEmpty();
        }

        LoraConfig in(LoraConfig config) {
            List<String> targets = new ArrayList<>(whole);
            if (!parts.isEmpty()) {
                targets.remove("c_attn");
            }
            LoraConfig placed = parts.isEmpty() ? config : config.withParts(parts).withPartsInLayers(layers);
            return targets.isEmpty() ? placed : placed.withTargets(TargetSelector.byNames(targets));
        }
    }

    private static Arbitrary<Places> places() {
        return Combinators.combine(
                Arbitraries.of("q", "k", "v").list().uniqueElements().ofMaxSize(3),
                Arbitraries.of(List.<Integer>of(), List.of(0), List.of(1)),
                Arbitraries.of("c_attn", "attn.c_proj", "mlp.c_proj", "c_fc", "wte", "wpe", "lm_head").set())
                .as(Places::new).filter(Places::isSomewhere);
    }

    /** Every target, part, rank, alpha, scaling, bias mode and initialisation, now and then DoRA, now and then a pattern. */
    static Arbitrary<LoraConfig> any() {
        Arbitrary<LoraConfig> plain = Combinators.combine(
                Arbitraries.integers().between(1, 4), Arbitraries.doubles().between(0.25, 40).ofScale(2),
                Arbitraries.of(LoraScaling.class), Arbitraries.of(BiasMode.class), Arbitraries.of(LoraInit.PAPER_GAUSSIAN, LoraInit.LORALIB_KAIMING), places(),
                Arbitraries.of(0.0, 0.1), Arbitraries.of(false, false, true)).as(
                        (rank, alpha, scaling, bias, init, places, dropout, dora) ->
                        places.in(LoraConfig.of(rank, alpha).withScaling(scaling).withBias(bias).withInit(init))
                                .withDropout(dropout).withDora(dora));
        return Combinators.combine(plain, Arbitraries.integers().between(1, 6), Arbitraries.of(true, false)).as(
                (config, rank, patterned) -> patterned && adaptsEveryFeedForward(config)
                        ? config.withPatterns(Map.of("1.mlp.c_fc", rank), Map.of("c_fc", rank * 1.5)) : config);
    }

    private static boolean adaptsEveryFeedForward(LoraConfig config) {
        return config.targets() != null && config.targets().matches("transformer.h.1.mlp.c_fc");
    }
}
