package org.lora4j.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.family.Labels;
import org.lora4j.task.ClassifierMeasure.Kind;

/** The measures on predictions; expected values are scikit-learn 1.7's and SciPy 1.17's. */
class ClassifierMeasureTest {

    private static final Offset<Double> EXACT = within(1e-12); // sums of a few numbers of about 1

    private static double[] numbers(String digits) {
        return digits.chars().mapToDouble(c -> c - '0').toArray();
    }

    /** Of classes, the one that is predicted having the highest score. */
    private static Predictions classes(int count, String predicted, String gold) {
        double[][] scores = predicted.chars().mapToObj(c -> {
            double[] row = new double[count];
            row[c - '0'] = 2;
            return row;
        }).toArray(double[][]::new);
        return new Predictions(Labels.numbered(count), scores, numbers(gold));
    }

    private static Predictions values(double[] predicted, double... gold) {
        return new Predictions(Labels.NUMBER, Arrays.stream(predicted).mapToObj(value -> new double[] {value}).toArray(double[][]::new), gold);
    }

    @ParameterizedTest
    @CsvSource({
        "1011010011, 1001110110, 0.6, 0.6666666666666666, 0.5833333333333333, 0.16666666666666666",
        "0000, 1010, 0.5, 0, 0.3333333333333333, 0", // one class is never said
        "111, 111, 1, 1, 1, 0", "000, 000, 1, 0, 1, 0", "00, 11, 0, 0, 0, 0", "10, 01, 0, 0, 0, -1",
    })
    void twoClassesAreMeasuredAsGlueDoes(String predicted, String gold, double accuracy, double f1, double macro, double matthews) {
        Predictions predictions = classes(2, predicted, gold);

        assertThat(Kind.ACCURACY.of(predictions)).isEqualTo(accuracy, EXACT);
        assertThat(Kind.F1.of(predictions)).isEqualTo(f1, EXACT);
        assertThat(Kind.MACRO_F1.of(predictions)).isEqualTo(macro, EXACT);
        assertThat(Kind.MATTHEWS.of(predictions)).isEqualTo(matthews, EXACT);
    }

    @ParameterizedTest
    @CsvSource({
        "0122102100, 0221102001, 0.6, 0.5833333333333334, 0.3939393939393939",
        "0101, 2201, 0.5, 0.4444444444444444, 0.4472135954999579",
    })
    void threeClassesAreMeasuredAsScikitLearnDoes(String predicted, String gold, double accuracy, double macro, double matthews) {
        Predictions predictions = classes(3, predicted, gold);

        assertThat(Kind.ACCURACY.of(predictions)).isEqualTo(accuracy, EXACT);
        assertThat(Kind.MACRO_F1.of(predictions)).isEqualTo(macro, EXACT);
        assertThat(Kind.MATTHEWS.of(predictions)).isEqualTo(matthews, EXACT);
    }

    @Test
    void numbersAreMeasuredAsSciPyDoes() {
        Predictions predictions = values(new double[] {2.5, 0.1, 4.9, 3.3, 3.3, 1.7, 5.0, 0.0}, 3.0, 0.0, 5.0, 2.2, 4.0, 1.0, 4.75, 0.5);

        assertThat(Kind.PEARSON.of(predictions)).isEqualTo(0.9472643471600722, EXACT);
        assertThat(Kind.SPEARMAN.of(predictions)).isEqualTo(0.9101959590540767, EXACT);
        assertThat(Kind.PEARSON.of(values(new double[] {1, 1, 1}, 1, 2, 3))).isNaN();
    }

    @Test
    void scoresThatAreNoNumbersHaveNoMeasure() {
        assertThat(Kind.ACCURACY.of(new Predictions(Labels.numbered(2), new double[][] {{Double.NaN, 1}}, new double[] {1}))).isNaN();
    }

    @Test
    void probabilitiesAndLossesAreThoseOfSoftmax() {
        Predictions predictions = new Predictions(Labels.numbered(2), new double[][] {{0, Math.log(3)}, {1000, 0}}, new double[] {1, 1});

        assertThat(predictions.probabilities(0)).containsExactly(new double[] {0.25, 0.75}, EXACT);
        assertThat(predictions.loss(0)).isEqualTo(-Math.log(0.75), EXACT);
        assertThat(predictions.loss(1)).isEqualTo(1000, EXACT);
        assertThat(predictions.loss()).isEqualTo((1000 - Math.log(0.75)) / 2, EXACT);
        assertThat(predictions.hardest(5)).containsExactly(1, 0);
        assertThat(values(new double[] {2.5}, 1).loss()).isEqualTo(2.25, EXACT);
    }

    @Test
    void confusionHasARowForWhatPeopleSaid() {
        assertThat(classes(3, "0122", "0112").confusion()).isDeepEqualTo(new int[][] {{1, 0, 0}, {0, 1, 1}, {0, 0, 1}});
    }

    @Test
    void ofEqualScoresTheFirstClassCounts() {
        assertThat(new Predictions(Labels.numbered(3), new double[][] {{1, 2, 2}}, new double[] {0}).predicted(0)).isEqualTo(1);
    }

    @Test
    void aMeasureOfNumbersIsNoneOfClasses() {
        assertThatThrownBy(() -> new ClassifierMeasure(Labels.numbered(2), List.of(Kind.PEARSON))).isInstanceOf(LoraException.class);
        assertThatThrownBy(() -> new ClassifierMeasure(Labels.numbered(3), List.of(Kind.F1))).isInstanceOf(LoraException.class)
                .hasMessageContaining("F1 is a measure of two classes, and these are 3 classes");
        assertThat(IntStream.of(2, 3).mapToObj(n -> ClassifierMeasure.usual(Labels.numbered(n)).kinds().getLast()))
                .containsExactly(Kind.F1, Kind.MACRO_F1);
    }
}
