package org.lora4j.experiments.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;

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

    /** The embedded base's vocabulary and a token for a blank line, which GPT-2's has and that one lacks. */
    private static Tokenizer withABlankLine(Path folder) throws IOException {
        Path base = EmbeddedBase.folder();
        String vocabulary = Files.readString(base.resolve("vocab.json")).strip();
        Files.writeString(folder.resolve("vocab.json"),
                vocabulary.substring(0, vocabulary.length() - 1) + ", \"\u010a\u010a\": 4096}");
        Files.writeString(folder.resolve("merges.txt"),
                Files.readString(base.resolve("merges.txt")).stripTrailing() + "\n\u010a \u010a\n");
        return ByteLevelBpe.load(folder);
    }

    @Test
    void writingStopsAtEndOfTextAndAtTheTokenOfABlankLine(@TempDir Path folder) throws IOException {
        assertThat(TextDecoding.stopIds(withABlankLine(folder))).containsExactlyInAnyOrder(0, 4096);
        assertThat(TextDecoding.stopIds(ByteLevelBpe.load(EmbeddedBase.folder()))).containsExactly(0);
    }

    @Test
    void aTextEndsAtABlankLineAndHasNoWhiteSpaceAroundIt(@TempDir Path folder) throws IOException {
        Tokenizer tokenizer = withABlankLine(folder);
        int[] tokens = tokenizer.encode("  The Punter\nis a pub. \n\nIt is cheap.");
        assertThat(TextDecoding.text(tokenizer, tokens)).isEqualTo("The Punter\nis a pub.");
        assertThat(TextDecoding.text(tokenizer, new int[0])).isEmpty();
    }

    @Test
    void theScorersFilesHaveALineForEachTextAndABlankLineBetweenTheReferencesOfTwoInputs(@TempDir Path folder) throws Exception {
        ScorerFiles.write(folder, List.of("One\ntwo.", ""), List.of(List.of("A.", "B \r\n c."), List.of("D.")));
        assertThat(Files.readString(folder.resolve("hypotheses.txt"))).isEqualTo("One two.\n\n");
        assertThat(Files.readString(folder.resolve("references.txt"))).isEqualTo("A.\nB c.\n\nD.\n\n");
    }
}
