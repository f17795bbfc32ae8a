package org.lora4j.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;

class LabelScoresTest {

    private static final Offset<Double> EXACT = within(1e-12);

    /** 3 true positives, 1 false one, 2 false negatives, 4 true ones. */
    private static final LabelScores BINARY = LabelScores.of(
            List.of("1", "1", "1", "1", "0", "0", "0", "0", "0", "0"),
            List.of("1", "1", "1", "0", "1", "1", "0", "0", "0", "0"));

    @Test
    void accuracyIsTheShareOfRightOnes() {
        assertThat(BINARY.accuracy()).isEqualTo(0.7, EXACT);
    }

    @Test
    void f1IsTheHarmonicMeanOfPrecisionAndRecall() {
        double precision = 3 / 4.0;
        double recall = 3 / 5.0;

        assertThat(BINARY.f1("1")).isEqualTo(2 * precision * recall / (precision + recall), EXACT);
        assertThat(BINARY.macroF1()).isEqualTo((BINARY.f1("1") + 2 * 4 / (2 * 4 + 2 + 1.0)) / 2, EXACT);
        assertThat(BINARY.f1("2")).isZero();
    }

    @Test
    void matthewsOfTwoLabelsIsTheUsualFormula() {
        assertThat(BINARY.matthews()).isEqualTo((3 * 4 - 1 * 2) / Math.sqrt(4.0 * 5 * 6 * 5), EXACT);
    }

    @Test
    void matthewsIs1Of0Or0Of1Label() {
        assertThat(LabelScores.of(List.of("a", "b", "c"), List.of("a", "b", "c")).matthews()).isEqualTo(1, EXACT);
        assertThat(LabelScores.of(List.of("a", "a"), List.of("a", "b")).matthews()).isZero();
    }

    @Test
    void matthewsOfThreeLabelsIsGorodkins() {
        // right 4 of 6, predicted 2 2 2, gold 3 2 1: (4·6 - 12) / √((36 - 12)(36 - 14))
        double matthews = LabelScores.of(List.of("a", "a", "b", "b", "c", "c"), List.of("a", "a", "b", "a", "c", "b")).matthews();

        assertThat(matthews).isEqualTo(12 / Math.sqrt(24.0 * 22), EXACT);
    }

    @Test
    void pearsonIs1ForALineAndSpearmanForAnyRisingCurve() {
        double[] x = {1, 2, 3, 4};
        double[] cubes = {1, 8, 27, 64};

        assertThat(Correlation.of(x, new double[] {3, 5, 7, 9}).pearson()).isEqualTo(1, EXACT);
        assertThat(Correlation.of(x, new double[] {9, 7, 5, 3}).pearson()).isEqualTo(-1, EXACT);
        // means 2.5 and 25; Σ(x-x̄)(y-ȳ) = 104, Σ(x-x̄)² = 5, Σ(y-ȳ)² = 2390
        assertThat(Correlation.of(x, cubes).pearson()).isEqualTo(104 / Math.sqrt(5.0 * 2390), EXACT);
        assertThat(Correlation.of(x, cubes).spearman()).isEqualTo(1, EXACT);
    }

    @Test
    void equalValuesShareTheirRank() {
        // ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5·5)
        assertThat(Correlation.of(new double[] {0, 1, 1, 2}, new double[] {1, 2, 3, 4}).spearman())
                .isEqualTo(4.5 / Math.sqrt(4.5 * 5), EXACT);
    }

    @Test
    void withoutSpreadThereIsNoCorrelation() {
        assertThat(Correlation.of(new double[] {1, 1}, new double[] {1, 2}).pearson()).isNaN();
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-323, 1e-170, 1e-300, 1, 1e170, 1e300, -1e-170, -1e300, 4e307})
    void aUnitThatIsTinyOrHugeChangesNothing(double unit) {
        // of 1, 2, 4 and 1, 2, 3: means 7/3 and 2, 3 / √(14/3 · 2)
        double[] scaled = {unit, 2 * unit, 4 * unit};
        double[] gold = {1, 2, 3};
        double expected = Math.signum(unit) * 3 / Math.sqrt(28.0 / 3);

        assertThat(Correlation.of(scaled, gold).pearson()).isEqualTo(expected, EXACT);
        assertThat(Correlation.of(gold, scaled).pearson()).isEqualTo(expected, EXACT);
        assertThat(Correlation.of(scaled, scaled).pearson()).isEqualTo(1, EXACT);
        assertThat(Correlation.of(scaled, gold).spearman()).isEqualTo(Math.signum(unit), EXACT);
    }

    @Test
    void equalNumbersThatTheirMeanMissesHaveNoCorrelation() {
        double[] equal = new double[1000];
        Arrays.fill(equal, 0.1);

        assertThat(Correlation.of(equal, IntStream.range(0, 1000).asDoubleStream().toArray()).pearson()).isNaN();
    }

    @Test
    @Timeout(10)
    void whatIsNoNumberFollowsNothing() {
        double[] broken = {Double.NaN, 1, 3};
        double[] gold = {1, 2, 3};

        assertThat(Correlation.of(broken, gold).pearson()).isNaN();
        assertThat(Correlation.of(broken, gold).spearman()).isNaN();
        assertThat(Correlation.of(gold, new double[] {1, 2, Double.POSITIVE_INFINITY}).pearson()).isNaN();
        assertThat(Correlation.of(gold, new double[] {1, 2, Double.POSITIVE_INFINITY}).spearman()).isEqualTo(1, EXACT);
    }

    @Test
    void differentLengthsAreRefused() {
        assertThatThrownBy(() -> LabelScores.of(List.of("a"), List.of())).isInstanceOf(LoraException.class)
                .hasMessageContaining("1 predictions, but 0 gold labels");
        assertThatThrownBy(() -> Correlation.of(new double[0], new double[0])).isInstanceOf(LoraException.class);
    }
}
