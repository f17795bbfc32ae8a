package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.experiments.compare.Comparison.Verdict;
import org.lora4j.experiments.compare.Distance;
import org.lora4j.experiments.compare.JudgedPlace;
import org.lora4j.experiments.compare.Kind;
import org.lora4j.nn.Slot;

class ComparisonPageTest {

    private static final ComparisonFacts FACTS =
            new ComparisonFacts("lora4j compare --model '<b>'", Map.of("Model", "<b>a & b</b>", "Inputs", "2 × 8 tokens"));

    private static final JudgedPlace EXACT = place(Kind.VALUE, "transformer.embeddings", Slot.NO_BLOCK, new double[] {1, 2}, new double[] {1, 2}, 1e-7);
    private static final JudgedPlace RIGHT = place(
            Kind.VALUE, "transformer.h.0.ln_1", 0, new double[] {1, -2}, new double[] {1, -2 + 1e-7}, 1e-6);
    private static final JudgedPlace WRONG = place(
            Kind.VALUE, "transformer.h.1.mlp.act", 1, new double[] {0.5, -2, 1}, new double[] {0.5, -2, 1.5}, 1e-6);
    private static final JudgedPlace LOST = place(
            Kind.GRADIENT, "transformer.h.1.attn.c_attn.lora_B.weight", 1, new double[] {1}, new double[] {Double.NaN}, 1e-6);

    @TempDir
    private Path temp;

    private static JudgedPlace place(Kind kind, String place, int layer, double[] expected, double[] actual, double bound) {
        return new JudgedPlace(kind, place, layer, 0, Distance.of(expected, actual, expected.length), bound);
    }

    private static Verdict verdict(String name, JudgedPlace... places) {
        return new Verdict(name, "a <device>", 0x1p-24, List.of(places), true);
    }

    @Test
    void aBackendOverItsBoundIsNamedWithTheFirstPlaceAndBothNumbers() {
        String page = ComparisonPage.render(FACTS, List.of(verdict("gpu", EXACT, RIGHT, WRONG, LOST)));

        assertThat(page).contains(
                "leaves its bound at <span class=\"where\">transformer.h.1.mlp.act</span>", "2 of 4 places are over",
                "relative error 2.5·10⁻¹", "At [0, 2] reference has 1.0 and gpu 1.5", "not finite");
        assertThat(page).doesNotContain("within its bound everywhere");
    }

    @Test
    void aBackendWithinItsBoundsSaysWhichPlaceComesNearest() {
        String page = ComparisonPage.render(FACTS, List.of(verdict("cpu", EXACT, RIGHT)));

        assertThat(page).contains("is within its bound everywhere", "forward of <code>transformer.h.0.ln_1</code>, at 5 %");
    }

    @Test
    void whatUsersTypeIsNoMarkup() {
        assertThat(ComparisonPage.render(FACTS, List.of(verdict("cpu", EXACT))))
                .contains("&lt;b&gt;a &amp; b&lt;/b&gt;", "a &lt;device&gt;").doesNotContain("<b>a", "<script");
    }

    @Test
    void theNumbersLieBesideThePage() throws Exception {
        Path page = temp.resolve("a.html");
        ComparisonPage.write(FACTS, List.of(verdict("gpu", EXACT, RIGHT, WRONG, LOST)), page);

        JsonNode gpu = new ObjectMapper().readTree(temp.resolve("a.json").toFile()).at("/backends/0");
        assertThat(gpu.at("/within_bounds").asBoolean()).isFalse();
        assertThat(gpu.at("/first_over_bound/place").asText()).isEqualTo("transformer.h.1.mlp.act");
        assertThat(gpu.at("/first_over_bound/layer").asInt()).isEqualTo(1);
        assertThat(gpu.at("/first_over_bound/backend_there").asDouble()).isEqualTo(1.5);
        assertThat(gpu.at("/places")).hasSize(4);
        assertThat(page).exists();
    }
}
