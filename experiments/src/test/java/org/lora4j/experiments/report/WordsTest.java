package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class WordsTest {

    @Test
    void aPercentageShowsTwoDigitsThatCount() {
        assertThat(Words.percent(1)).isEqualTo("100 %");
        assertThat(Words.percent(0.0042)).isEqualTo("0.42 %");
        assertThat(Words.percent(0.0000378)).isEqualTo("0.0038 %");
        assertThat(Words.percent(0.071)).isEqualTo("7.1 %");
        assertThat(Words.percent(0)).isEqualTo("0 %");
    }

    @Test
    void aDurationIsSaidInItsTwoLargestUnits() {
        assertThat(Words.duration(Duration.ofMillis(840))).isEqualTo("0.8 s");
        assertThat(Words.duration(Duration.ofMillis(59_900))).isEqualTo("1 min");
        assertThat(Words.duration(Duration.ofSeconds(111))).isEqualTo("1 min 51 s");
        assertThat(Words.duration(Duration.ofMinutes(185))).isEqualTo("3 h 5 min");
    }

    @Test
    void aChangeIsAPercentageOrFromTheDoubleUpwardsAFactor() {
        assertThat(Words.change(4.406, 1.761)).isEqualTo("−60 %");
        assertThat(Words.change(60, 66)).isEqualTo("+10 %");
        assertThat(Words.change(3.1, 41.2)).isEqualTo("× 13");
        assertThat(Words.change(0, 41.2)).isEmpty();
        assertThat(Words.change(Double.NaN, 1)).isEmpty();
    }

    @Test
    void aListEndsWithAnd() {
        assertThat(Words.list(List.of("q"))).isEqualTo("q");
        assertThat(Words.list(List.of("q", "k", "v"))).isEqualTo("q, k and v");
    }
}
