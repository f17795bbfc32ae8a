package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.LongToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;

class TrainingCurvesTest {

    @Test
    void smoothingAStraightLineGivesTheLineUpToItsEnds() {
        double[] smoothed = curves(300, step -> 4 - 0.01 * step).smoothedLoss();

        for (int i = 0; i < 300; i++) {
            assertThat(smoothed[i]).isCloseTo(4 - 0.01 * (i + 1), within(1e-9));
        }
    }

    @Test
    void smoothingEvensOutWhatAlternates() {
        double[] smoothed = curves(300, step -> step % 2 == 0 ? 1 : 3).smoothedLoss();

        assertThat(smoothed[150]).isCloseTo(2, within(0.01));
    }

    @Test
    void aLossThatIsNotFiniteStaysAloneWithThat() {
        double[] smoothed = curves(50, step -> step == 20 ? Double.NaN : step == 30 ? Double.POSITIVE_INFINITY : 2)
                .smoothedLoss();

        assertThat(smoothed[19]).isNaN();
        assertThat(smoothed[29]).isInfinite();
        assertThat(smoothed[20]).isCloseTo(2, within(1e-12));
    }

    @Test
    void aSinglePointIsItsOwnCurve() {
        assertThat(curves(1, step -> 2.5).smoothedLoss()).containsExactly(2.5);
        assertThat(TrainingCurves.none().smoothedLoss()).isEmpty();
    }

    private static TrainingCurves curves(int steps, LongToDoubleFunction loss) {
        return new TrainingCurves(LongStream.rangeClosed(1, steps)
                .mapToObj(step -> new TrainingPoint(step, loss.applyAsDouble(step), 0.01, 1000)).toList(), List.of());
    }
}
