package org.lora4j.experiments.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DisturbanceTest {

    @Test
    void slicesThatAgreeAreUndisturbed() {
        double[] rates = new double[40];
        Arrays.setAll(rates, i -> 150 - i % 7);

        assertThat(Disturbance.of(rates, "GFLOP/s")).isEmpty();
    }

    @Test
    void oneStragglerIsNoSecondSpeed() {
        double[] rates = new double[40];
        Arrays.fill(rates, 150);
        rates[17] = 20;

        assertThat(Disturbance.of(rates, "GFLOP/s")).isEmpty();
    }

    @Test
    void twoSpeedsAreNamedWithTheirShares() {
        double[] rates = new double[40];
        Arrays.setAll(rates, i -> i % 4 == 0 ? 75 : 155);

        assertThat(Disturbance.of(rates, "GFLOP/s")).hasValue("two speeds: 75.0 in 10 of 40 slices, 155 GFLOP/s in the others");
    }

    @Test
    void slicesSpreadOverHalfTheRangeAreUneven() {
        double[] rates = new double[41];
        Arrays.setAll(rates, i -> 80 + 2 * i);

        assertThat(Disturbance.of(rates, "GB/s")).hasValueSatisfying(what -> assertThat(what).startsWith("uneven: "));
    }

    @Test
    void aSingleSliceSaysNothing() {
        assertThat(Disturbance.of(new double[] {10}, "GB/s")).isEmpty();
    }

    @Test
    void stolenTimeIsItsShareOfWhatPassed() {
        ProcessorTime before = ProcessorTime.of("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3");
        ProcessorTime after = ProcessorTime.of("cpu  200 0 100 850 0 0 0 50 0 0\n");

        assertThat(after.stolenSince(before)).isEqualTo(0.25); // 50 of 200
        assertThat(before.stolenSince(before)).isZero();
        assertThat(ProcessorTime.of("something else")).isEqualTo(new ProcessorTime(0, 0, 0));
    }
}
