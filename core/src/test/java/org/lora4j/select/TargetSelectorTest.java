package org.lora4j.select;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;

class TargetSelectorTest {

    private static final List<String> GPT2 = IntStream.range(0, 12).boxed()
            .flatMap(layer -> Stream.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
                    .map(module -> "transformer.h." + layer + "." + module))
            .toList();

    @Test
    void aWrongNameAmongRightOnesIsAnErrorWithTheNearestAndWhereItIs() {
        assertRefused(TargetSelector.byNames(List.of("c_attn", "c_porj")),
                "`targets` c_attn,c_porj: nothing in this model is called c_porj (nearest: c_proj, in attn and mlp)");
        assertRefused(TargetSelector.byNames(List.of("attn.c_porj")),
                "`targets` attn.c_porj: nothing in this model is called attn.c_porj (nearest: attn.c_proj)");
    }

    @Test
    void aNameFromAnotherFamilyListsWhatThereIs() {
        assertRefused(TargetSelector.byNames(List.of("query_key_value")),
                "`targets` query_key_value: nothing in this model is called query_key_value; there are c_attn, c_proj and c_fc");
    }

    @Test
    void anEndMatchesWholePartsOnly() {
        assertThat(TargetSelector.byNames(List.of("c_proj")).select(GPT2)).hasSize(24);
        assertThat(TargetSelector.byNames(List.of("attn.c_proj")).select(GPT2)).hasSize(12);
        assertRefused(TargetSelector.byNames(List.of("proj")), "`targets` proj: nothing in this model is called proj "
                + "(nearest: c_proj, in attn and mlp)");
    }

    @Test
    void anExpressionMustMatchSomethingAndWholeNames() {
        assertThat(TargetSelector.byExpression(".*attn\\.c_.*").select(GPT2)).hasSize(24);
        assertRefused(TargetSelector.byExpression("c_attn"), "`targets` 'c_attn': matches none of the model's 48 modules; an expression "
                + "must match a whole name, as 'transformer.h.0.attn.c_attn' is one");
    }

    @Test
    void allLinearTakesWhateverItIsGiven() {
        TargetSelector all = TargetSelector.byExpression("All-Linear");
        assertThat(all.isAllLinear()).isTrue();
        assertThat(all.select(GPT2)).isEqualTo(GPT2);
        assertRefusedOver(all, List.of(), "`targets` all-linear: matches none of the model's 0 modules");
    }

    @Test
    void eachLayerMustHoldSomething() {
        assertThat(TargetSelector.byNames(List.of("c_attn")).onLayers(List.of(0, 11)).select(GPT2))
                .containsExactly("transformer.h.0.attn.c_attn", "transformer.h.11.attn.c_attn");
        assertRefused(TargetSelector.byNames(List.of("c_attn")).onLayers(List.of(11, 12)),
                "`layers` 11, 12: no module that c_attn matches is in layer 12; they are in 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11");
        assertRefused(TargetSelector.byNames(List.of("c_attn")).onLayers(List.of(1), List.of("layers")),
                "`layers` 1: no module that c_attn matches is in layer 1; none of their names has a layer number");
        assertThatThrownBy(() -> TargetSelector.byExpression(".*").onLayers(List.of(1))).isInstanceOf(LoraException.class)
                .hasMessageContaining("`layers` can only be given with a list of targets");
    }

    @Test
    void anExclusionMustExcludeSomethingAndNotEverything() {
        assertThat(TargetSelector.byNames(List.of("c_proj")).excluding(List.of("mlp.c_proj")).select(GPT2)).hasSize(12);
        assertRefused(TargetSelector.byNames(List.of("c_proj")).excluding(List.of("mpl.c_proj")),
                "`exclude` mpl.c_proj: nothing in this model is called mpl.c_proj (nearest: mlp.c_proj");
        assertRefused(TargetSelector.byNames(List.of("c_attn")).excludingExpression(".*"),
                "`targets` c_attn: all 12 modules they match are excluded; nothing would be trained");
        assertRefused(TargetSelector.byNames(List.of("c_attn", "c_fc")).excludingExpression(".*c_fc"),
                "`targets` c_attn,c_fc: every module called c_fc is excluded; leave it out");
    }

    @Test
    void matchingIsAsLenientAsPeft() {
        assertThat(TargetSelector.byNames(List.of("c_attn", "q_proj")).matching(GPT2)).hasSize(12);
    }

    @Test
    void aPatternThatMatchesNoModuleCanBeFound() {
        PatternMap<Integer> ranks = new PatternMap<>("rank_pattern", Map.of("c_atn", 4, "h.0.mlp.c_fc", 2));
        assertThat(ranks.unused(GPT2)).containsExactly("c_atn");
    }

    private static void assertRefused(TargetSelector selector, String message) {
        assertRefusedOver(selector, GPT2, message);
    }

    private static void assertRefusedOver(TargetSelector selector, List<String> names, String message) {
        assertThatThrownBy(() -> selector.select(names)).isInstanceOf(LoraException.class).hasMessageStartingWith(message);
    }

    @Test
    void aListOfTenThousandNamesIsNotPrintedWhole() {
        List<String> names = IntStream.range(0, 10_000).mapToObj(i -> "wrong_" + i + "x".repeat(300)).toList();
        assertThatThrownBy(() -> TargetSelector.byNames(names).select(List.of("h.0.attn.c_attn")))
                .isInstanceOf(LoraException.class).hasMessageContaining("wrong_0").hasMessageContaining("(10000 names)")
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2_000));
    }
}
