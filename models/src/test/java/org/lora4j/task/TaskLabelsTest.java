package org.lora4j.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Place;
import org.lora4j.family.Labels;

class TaskLabelsTest {

    private static List<LabelledText> texts(String... labels) {
        return Arrays.stream(labels).map(label -> new LabelledText("a text", null, label)).toList();
    }

    private static double number(TaskLabels labels, String label) {
        return labels.of(new LabelledText("a", null, label, new Place("dev.csv", 5)), 0, "the training data");
    }

    @Test
    void namesAreClassesInTheOrderOfTheirCharacters() {
        TaskLabels labels = TaskLabels.of(texts("spam", "ham", "spam", "Ham", "10"));

        assertThat(labels.labels()).isEqualTo(Labels.of(List.of("10", "Ham", "ham", "spam")));
        assertThat(number(labels, "ham")).isEqualTo(2);
    }

    @Test
    void wholeNumbersAreClassesInTheirOwnOrder() {
        TaskLabels labels = TaskLabels.of(texts("10", "2", "-1", "02", "2.0"));

        assertThat(labels.labels()).isEqualTo(Labels.of(List.of("-1", "2", "10")));
        assertThat(number(labels, "10.0")).isEqualTo(2);
    }

    @Test
    void numbersWithDecimalsAreARegression() {
        TaskLabels labels = TaskLabels.of(texts("1", "2.5", "5.000"));

        assertThat(labels.labels()).isEqualTo(Labels.NUMBER);
        assertThat(number(labels, "-3.25")).isEqualTo(-3.25);
    }

    @Test
    void whatOnlyLooksLikeANumberToAProgrammerIsAName() {
        assertThat(TaskLabels.of(texts("NaN", "1")).labels().names()).containsExactly("1", "NaN");
        assertThat(TaskLabels.of(texts("0x10", "1f", "Infinity")).labels().names()).containsExactly("0x10", "1f", "Infinity");
    }

    @Test
    void classesThatNobodyHasNamedGoByTheirNumbers() {
        assertThat(number(new TaskLabels(Labels.numbered(3)), "2")).isEqualTo(2);
        assertThatThrownBy(() -> number(new TaskLabels(Labels.of(List.of("no", "yes"))), "1")).isInstanceOf(LoraException.class);
    }

    @Test
    void whatIsNotKnownOrNotThereIsNamedWithItsPlace() {
        TaskLabels labels = TaskLabels.of(texts("spam", "ham"));

        assertThatThrownBy(() -> number(labels, "spma")).isInstanceOf(LoraException.class)
                .hasMessage("dev.csv, line 5: has the label 'spma', which the training data does not have; there is spam (nearest)");
        assertThatThrownBy(() -> number(labels, null)).hasMessageContaining("dev.csv, line 5: has no label");
        assertThatThrownBy(() -> number(new TaskLabels(Labels.NUMBER), "good")).hasMessageContaining("expected a number");
    }

    @Test
    void oneLabelAloneIsNothingToLearn() {
        assertThatThrownBy(() -> TaskLabels.of(texts("a", "a"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("all 2 examples have the label 'a'");
        assertThatThrownBy(() -> TaskLabels.of(texts("a", null))).hasMessageContaining("example 2: has no label");
    }
}
