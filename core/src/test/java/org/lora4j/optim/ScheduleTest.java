package org.lora4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The factors of every step of six, two of them warm-up. */
class ScheduleTest {

    @Test
    void linearWarmsUpFromZeroAndFallsToZeroAtTheEnd() {
        assertThat(factors(Schedule.linear(2, 6))).containsExactly(0, 1 / 2.0, 1, 3 / 4.0, 2 / 4.0, 1 / 4.0, 0, 0);
    }

    @Test
    void cosineFallsAlongHalfAWave() {
        double early = (1 + Math.sqrt(0.5)) / 2; // ½·(1 + cos 45°)
        double late = (1 - Math.sqrt(0.5)) / 2;
        assertThat(factors(Schedule.cosine(2, 6))).containsExactly(
                new double[] {0, 0.5, 1, early, 0.5, late, 0, 0}, within(1e-15));
    }

    @Test
    void constantIsOneFromTheFirstStep() {
        assertThat(factors(Schedule.constant())).containsOnly(1);
    }

    @Test
    void withoutWarmUpTheFirstStepHasTheFullRate() {
        assertThat(Schedule.linear(0, 4).factor(0)).isEqualTo(1);
        assertThat(Schedule.cosine(0, 4).factor(0)).isEqualTo(1);
    }

    @Test
    void aRunThatEndsWithItsWarmUpNeverFalls() {
        assertThat(Schedule.linear(4, 4).factor(3)).isEqualTo(3 / 4.0);
        assertThat(Schedule.linear(4, 4).factor(4)).isEqualTo(0);
    }

    private static double[] factors(Schedule schedule) {
        return LongStream.range(0, 8).mapToDouble(schedule::factor).toArray();
    }
}
