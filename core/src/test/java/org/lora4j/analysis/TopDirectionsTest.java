package org.lora4j.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.stream.DoubleStream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.tensor.Philox;

class TopDirectionsTest {

    /** A random matrix, whose singular values lie close together, is the hardest. */
    @ParameterizedTest
    @CsvSource({"300, 400", "420, 280", "300, 300", "40, 60", "60, 40"})
    void areThoseOfTheFullDecomposition(int rows, int columns) {
        float[] values = new float[rows * columns];
        new Philox(3).fillNormal(values, 1, 0, 1);
        int count = Math.min(rows, columns) / 10;

        TopDirections found = TopDirections.of(WeightMatrix.of(values, rows, columns), count);

        assertThat(found.steps() > 0).isEqualTo(Math.min(rows, columns) > 256);
        DMatrixRMaj whole = new DMatrixRMaj(rows, columns);
        for (int i = 0; i < values.length; i++) {
            whole.data[i] = values[i];
        }
        Thin.Decomposed expected = Thin.decomposed(whole);
        assertThat(found.values()).hasSize(count);
        Directions right = Directions.columns(expected.v(), expected.values(), count);
        Directions left = Directions.columns(expected.u(), expected.values(), count);
        for (int i = 0; i < count; i++) {
            assertThat(found.values()[i]).isCloseTo(expected.values()[i], offset(1e-9 * expected.values()[0]));
            // a direction is off by the residual, at most 1e-9 of σ₁, over the gap to its neighbours, here 1e-4 of σ₁ or more
            assertThat(Math.abs(Similarity.dot(found.right().vectors()[i], right.vectors()[i]))).isCloseTo(1, offset(1e-6));
            assertThat(Math.abs(Similarity.dot(found.left().vectors()[i], left.vectors()[i]))).isCloseTo(1, offset(1e-6));
        }
    }

    @Test
    void ofARankOfThreeAreThree() {
        float[] values = new float[300 * 300];
        values[0] = 3;
        values[301] = 2;
        values[602] = 2;
        TopDirections found = TopDirections.of(WeightMatrix.of(values, 300, 300), 8);
        assertThat(found.values()).containsExactly(new double[] {3, 2, 2}, offset(1e-9));
        assertThat(Similarity.of(found.left(), found.right())[2][2]).isCloseTo(1, offset(1e-9));
    }

    @Test
    void ofZeroAreNone() {
        assertThat(TopDirections.of(WeightMatrix.of(new float[300 * 400], 300, 400), 5).values()).isEmpty();
    }

    @Test
    void whereAllSingularValuesAreOneAnyDirectionsDo() {
        float[] values = new float[300 * 300];
        for (int i = 0; i < 300; i++) {
            values[i * 301] = 1;
        }
        assertThat(TopDirections.of(WeightMatrix.of(values, 300, 300), 20).values())
                .containsExactly(DoubleStream.generate(() -> 1).limit(20).toArray(), offset(1e-12));
    }

    /** Of 64 squares of normal numbers the mean lies within a factor of 1.5² of what is expected, but once in 10⁵. */
    @Test
    void randomDirectionsSeeOfAWeightWhatChanceGives() {
        int n = 120;
        float[] values = new float[n * n];
        new Philox(5).fillNormal(values, 1, 0, 1);
        WeightMatrix w = WeightMatrix.of(values, n, n);
        double[] a = new double[8 * n];
        double[] b = new double[n * 8];
        new Philox(6).fillNormal(a, 1, 0, 2);
        new Philox(6).fillNormal(b, 1, 0, 3);
        UpdateDirections update = UpdateDirections.of(a, b, 8, 1);
        Amplification found = Amplification.of(w, w.norm(), update, TopDirections.of(w, 8),
                Directions.gaussian(n, 8, 1, "left"), Directions.gaussian(n, 8, 1, "right"));
        assertThat(found.byRandom()[7]).isBetween(0.66 * found.expected()[7], 1.5 * found.expected()[7]);
        assertThat(found.byDelta()[7]).isBetween(0.66 * found.expected()[7], 1.5 * found.expected()[7]);
        assertThat(found.byWeight()[7]).isGreaterThan(3 * found.byRandom()[7]);
        assertThat(found.factor()).isCloseTo(update.spectrum().normDelta() / found.byDelta()[7], offset(1e-9));
    }
}
