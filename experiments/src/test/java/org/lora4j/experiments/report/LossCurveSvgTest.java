package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;

class LossCurveSvgTest {

    @Test
    void ticksAreRoundNumbersWithinTheAxis() {
        assertThat(LossCurveSvg.ticks(0, 4.4, 5)).containsExactly(0.0, 1.0, 2.0, 3.0, 4.0);
        assertThat(LossCurveSvg.ticks(0, 750, 6)).containsExactly(0.0, 200.0, 400.0, 600.0);
    }

    @Test
    void aLossThatIsNotFiniteInterruptsTheLineAndReachesNoAttribute() {
        String svg = LossCurveSvg.of(new TrainingCurves(
                LongStream.rangeClosed(1, 9).mapToObj(s -> new TrainingPoint(s, s == 5 ? Double.NaN : 2, 0, 0)).toList(),
                List.of(new EvaluationPoint(9, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY))));

        assertThat(svg).doesNotContain("NaN", "Infinity", "circle");
        assertThat(svg.split("class=\"raw\" d=\"")[1].split("\"")[0].chars().filter(c -> c == 'M').count()).isEqualTo(2);
    }

    @Test
    void aLongRunIsDrawnWithFewPoints() {
        TrainingCurves curves = new TrainingCurves(
                LongStream.rangeClosed(1, 26_000).mapToObj(s -> new TrainingPoint(s, 2, 0, 0)).toList(), List.of());

        assertThat(LossCurveSvg.of(curves)).hasSizeLessThan(20_000);
    }
}
