package org.lora4j.experiments.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DistanceTest {

    @Test
    void theErrorIsMeasuredByTheLargestNumberAndFoundAtItsElement() {
        Distance distance = Distance.of(new double[] {4, 1, -8, 0.25}, new double[] {4, 1.5, -8, 0.25}, 2);

        assertThat(distance.relative()).isEqualTo(0.5 / 8);
        assertThat(distance.row()).isZero();
        assertThat(distance.column()).isEqualTo(1);
        assertThat(distance.expected()).isEqualTo(1);
        assertThat(distance.actual()).isEqualTo(1.5);
    }

    @Test
    void ulpsAreThoseOfFloatsAndLeaveSmallNumbersOut() {
        double next = Math.nextUp(1f);
        double[] expected = {1, 1, 1e-9};
        double[] actual = {1, next, 2e-9};

        assertThat(Distance.of(expected, actual, 3).ulps()).isCloseTo(1, within(1e-6));
        assertThat(Distance.of(new double[] {3, 3}, new double[] {3, 3 + 2 * Math.ulp(3f)}, 2).ulps())
                .as("equal numbers count all").isCloseTo(2, within(1e-6));
    }

    @Test
    void whatIsNotFiniteIsInfinitelyFarUnlessItIsDue() {
        assertThat(Distance.of(new double[] {1}, new double[] {Double.NaN}, 1).relative()).isInfinite();
        assertThat(Distance.of(new double[] {1}, new double[] {Double.POSITIVE_INFINITY}, 1).relative()).isInfinite();
        double[] same = {Double.NEGATIVE_INFINITY, Double.NaN, -0.0, 0.0};
        assertThat(Distance.of(same, same.clone(), 4).relative()).isZero();
    }

    @Test
    void zerosBesideZerosAreExact() {
        assertThat(Distance.of(new double[2], new double[] {-0.0, 0}, 1)).extracting(Distance::relative, Distance::ulps)
                .containsExactly(0.0, 0.0);
        assertThat(Distance.of(new double[2], new double[] {0, 1e-30}, 1).relative()).as("something beside nothing").isInfinite();
    }
}
