package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;

class TextLinesTest {

    private static List<String> read(String text) throws IOException {
        return TextLines.read("x", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void marksOfWindowsAreNoTextAndALastLineNeedsNoEnd() throws IOException {
        assertThat(read("\uFEFFone\r\n two \r\n\r\nthree")).containsExactly("one", "two", "", "three");
        assertThat(read("one\n")).containsExactly("one");
    }

    @Test
    void groupsAreSplitByBlankLines() {
        assertThat(TextLines.groups("r", List.of("a", "b", "", "c", "", "")))
                .containsExactly(List.of("a", "b"), List.of("c"));
        assertThat(TextLines.groups("r", List.of("a", "b", ""))).containsExactly(List.of("a"), List.of("b"));
    }

    @Test
    void aGroupWithoutReferencesIsRefusedWithItsLine() {
        assertThatThrownBy(() -> TextLines.groups("refs.txt", List.of("a", "", "", "b")))
                .isInstanceOf(LoraException.class).hasMessageContaining("refs.txt, line 3");
    }

    @Test
    void severalFilesGiveEachSegmentItsReferences() {
        assertThat(TextLines.together(List.of("r0", "r1"), List.of(List.of("a", "b"), List.of("c", ""))))
                .containsExactly(List.of("a", "c"), List.of("b"));
        assertThatThrownBy(() -> TextLines.together(List.of("r0", "r1"), List.of(List.of("a", "b"), List.of("c"))))
                .isInstanceOf(LoraException.class).hasMessageContaining("r1 has 1 lines, but r0 has 2");
        assertThatThrownBy(() -> TextLines.together(List.of("r0", "r1"), List.of(List.of("a", ""), List.of("c", ""))))
                .isInstanceOf(LoraException.class).hasMessageContaining("line 2 is blank in all");
    }

    @Test
    void whatIsNoTextIsRefused() {
        assertThatThrownBy(() -> TextLines.read("x", new ByteArrayInputStream(new byte[] {(byte) 0xFC})))
                .isInstanceOf(LoraException.class).hasMessageContaining("not UTF-8");
        assertThatThrownBy(() -> TextLines.read(Path.of("no-such-file"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("no such file");
    }
}
