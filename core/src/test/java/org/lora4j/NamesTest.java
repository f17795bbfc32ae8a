package org.lora4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamesTest {

    @Test
    void aMessageWithTenThousandNamesIsCutInTheMiddle() {
        String message = "adapter 'a': " + "c_porj, ".repeat(10_000) + "🙂".repeat(3_000) + "nothing was written";

        String shown = new LoraException(message).getMessage();

        assertThat(shown).hasSizeLessThan(Names.LONGEST_MESSAGE + 100).startsWith("adapter 'a': c_porj").endsWith("nothing was written")
                .contains("characters left out");
        assertThat(shown.codePoints().filter(c -> Character.getType(c) == Character.SURROGATE)).isEmpty();
        assertThat(new LoraException("short").getMessage()).isEqualTo("short");
    }

    @ParameterizedTest
    @CsvSource({"c_proj, c_proj, 0", "c_porj, c_proj, 1", "c_pro, c_proj, 1", "c_prooj, c_proj, 1", "C_Proj, c_proj, 0",
        "q, v, 1", "abc, cba, 2", "'', abc, 3"})
    void theDistanceCountsSlipsOfTheFingers(String from, String to, int expected) {
        assertThat(Names.editDistance(from, to)).isEqualTo(expected);
        assertThat(Names.editDistance(to, from)).isEqualTo(expected);
    }

    @Test
    void theNearestNamesComeFirstAndFarOnesNotAtAll() {
        assertThat(Names.nearest("c_porj", List.of("c_attn", "c_fc", "c_proj_", "c_proj", "lm_head"), 3))
                .containsExactly("c_proj", "c_proj_");
        assertThat(Names.nearest("encoder", List.of("c_attn", "c_fc"), 3)).isEmpty();
    }

    @Test
    void aHostileNameStaysOnOneShortLineAndSendsNothingToTheTerminal() {
        assertThat(Names.quoted("a\nb\u001b[31m\u202e\ud800")).isEqualTo("'a\\nb\\x1b[31m\\u202e\\ud800'");
        assertThat(Names.quoted("x".repeat(1_000_000))).hasSizeLessThan(130).contains("…");
    }

    @Test
    void aListReadsAsAPersonWouldSayIt() {
        assertThat(Names.some(List.of("a"), 3)).isEqualTo("a");
        assertThat(Names.some(List.of("a", "b"), 3)).isEqualTo("a and b");
        assertThat(Names.some(List.of("a", "b", "c"), 3)).isEqualTo("a, b and c");
        assertThat(Names.some(List.of("a", "b", "c", "d", "e"), 3)).isEqualTo("a, b, c and 2 more");
        assertThat(Names.some(List.of(), 3)).isEmpty();
    }

    @Test
    void aWholeNumberIsWrittenWithoutAPoint() {
        assertThat(Names.number(32)).isEqualTo("32");
        assertThat(Names.number(-0.5)).isEqualTo("-0.5");
        assertThat(Names.number(3e12)).isEqualTo("3.0E12");
        assertThat(Names.number(Double.NaN)).isEqualTo("NaN");
    }
}
