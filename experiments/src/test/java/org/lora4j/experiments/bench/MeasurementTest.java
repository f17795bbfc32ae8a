package org.lora4j.experiments.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeasurementTest {

    /** The ranks that tables of the median's 95 % confidence interval give (for example Conover 1999, table A3). */
    @ParameterizedTest
    @CsvSource({"5, 1, 5", "6, 1, 6", "9, 2, 8", "20, 6, 15", "50, 18, 33"})
    void aRatioIsTheMedianOfPairsWithTheConfidenceIntervalOfThatMedian(int runs, int lowest, int highest) {
        double[] others = new double[runs];
        double[] seconds = new double[runs];
        Arrays.fill(others, 2);
        Arrays.setAll(seconds, i -> 2.0 * (runs - i)); // ratios runs, …, 2, 1

        Measurement ratio = Measurement.ratio(seconds, others);

        assertThat(ratio.median()).isEqualTo((runs + 1) / 2.0);
        assertThat(ratio.min()).isEqualTo(lowest);
        assertThat(ratio.max()).isEqualTo(highest);
    }
}
