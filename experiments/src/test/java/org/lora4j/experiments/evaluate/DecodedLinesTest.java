package org.lora4j.experiments.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;

class DecodedLinesTest {

    private static final Map<String, Object> RECIPE = Map.of("beam", 10);
    private static final Decoded LAST = new Decoded(7, "It's \"cheap\".", 4, -3.25, -0.5, true);
    private static final Decoded FIRST = new Decoded(2, "", 0, -1, -1, false);

    @TempDir
    Path folder;

    @Test
    void whatWasDecodedIsThereWhenItIsOpenedAgainInTheOrderOfTheInputs() {
        DecodedLines lines = DecodedLines.open(folder, RECIPE);
        lines.append(LAST);
        lines.append(FIRST);
        DecodedLines again = DecodedLines.open(folder, RECIPE);
        assertThat(again.all()).containsExactly(FIRST, LAST);
        assertThat(again.has(7)).isTrue();
        assertThat(again.has(3)).isFalse();
        assertThat(DecodedLines.read(folder)).containsExactly(FIRST, LAST);
    }

    @Test
    void theLineThatWasBeingWrittenWhenTheProcessWasKilledIsDropped() throws IOException {
        DecodedLines.open(folder, RECIPE).append(FIRST);
        Files.writeString(file(), "{\"input\":5,\"text\":\"half", StandardOpenOption.APPEND);
        DecodedLines again = DecodedLines.open(folder, RECIPE);
        again.append(LAST);
        assertThat(DecodedLines.open(folder, RECIPE).all()).containsExactly(FIRST, LAST);
    }

    @Test
    void anotherDecodingInTheFolderIsRefusedNamingWhatDiffers() {
        DecodedLines.open(folder, RECIPE).append(FIRST);
        assertThatThrownBy(() -> DecodedLines.open(folder, Map.of("beam", 5))).isInstanceOf(LoraException.class)
                .hasMessageContaining("was decoded with beam 10, asked is 5").hasMessageContaining("`overwrite`");
    }

    @Test
    void aFileThatIsNoDecodingIsRefused() throws IOException {
        Files.writeString(file(), "hello\n");
        assertThatThrownBy(() -> DecodedLines.open(folder, RECIPE)).isInstanceOf(LoraException.class)
                .hasMessageContaining("line 1 is not JSON");
        Files.writeString(file(), "{\"beam\": 10} {\"beam\": 10}\n");
        assertThatThrownBy(() -> DecodedLines.open(folder, RECIPE)).hasMessageContaining("line 1 is not JSON");
    }

    private Path file() {
        return folder.resolve(DecodedLines.FILE_NAME);
    }
}
