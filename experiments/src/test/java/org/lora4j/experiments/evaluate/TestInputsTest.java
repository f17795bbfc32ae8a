package org.lora4j.experiments.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.data.E2e;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.tokenizer.TestTokenizers;

class TestInputsTest {

    @Test
    void everyDistinctInputIsThereOnceWithAllThatPeopleWroteForIt() {
        assertThat(TestInputs.of(E2e.embedded(Split.TEST), 0)).hasSize(630);
        assertThat(TestInputs.of(E2e.embedded(Split.TEST), 0).values().stream().mapToInt(List::size).sum()).isEqualTo(4693);
        assertThat(TestInputs.of(E2e.embedded(Split.DEV), 0)).hasSize(547);
    }

    @Test
    void someOfThemAreSpreadOverTheSet() {
        List<String> all = List.copyOf(TestInputs.of(E2e.embedded(Split.TEST), 0).keySet());
        assertThat(TestInputs.of(E2e.embedded(Split.TEST), 3).keySet())
                .containsExactly(all.get(0), all.get(210), all.get(420));
        assertThat(TestInputs.of(E2e.embedded(Split.TEST), 9999)).hasSize(630);
    }

    @Test
    void inputsWithoutTextsAreRefused() {
        assertThatThrownBy(() -> TestInputs.of(List.of(new TextPair("name : Aromi", "")), 0))
                .isInstanceOf(LoraException.class).hasMessageContaining("has no text to compare with");
    }

    @Test
    void gpt2StopsAtEndOfTextAndAtTheTokenOfABlankLine() {
        assertThat(TextDecoding.stopIds(TestTokenizers.GPT2)).containsExactlyInAnyOrder(50256, 628);
    }

    @Test
    void aTextEndsAtABlankLineAndHasNoWhiteSpaceAroundIt() {
        int[] tokens = TestTokenizers.GPT2.encode("  The Punter\nis a pub. \n\nIt is cheap.");
        assertThat(TextDecoding.text(TestTokenizers.GPT2, tokens)).isEqualTo("The Punter\nis a pub.");
        assertThat(TextDecoding.text(TestTokenizers.GPT2, new int[0])).isEmpty();
    }

    @Test
    void theScorersFilesHaveALineForEachTextAndABlankLineBetweenTheReferencesOfTwoInputs(@TempDir Path folder) throws Exception {
        ScorerFiles.write(folder, List.of("One\ntwo.", ""), List.of(List.of("A.", "B \r\n c."), List.of("D.")));
        assertThat(Files.readString(folder.resolve("hypotheses.txt"))).isEqualTo("One two.\n\n");
        assertThat(Files.readString(folder.resolve("references.txt"))).isEqualTo("A.\nB c.\n\nD.\n\n");
    }
}
