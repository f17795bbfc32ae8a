package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.data.PromptFile.Line;

class PromptFileTest {

    private static final String MARK = "\ufeff";

    @TempDir
    Path folder;

    private static List<Line> read(String name, String content) throws IOException {
        return PromptFile.read(name, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", MARK})
    void aByteOrderMarkIsNoPartOfAPromptAndHidesNoJson(String mark) throws IOException {
        assertThat(read("p.txt", mark + "the cat\r\n\r\n the dog \n")).containsExactly(new Line(1, null, "the cat"), new Line(3, null, " the dog "));
        for (String name : List.of("p.jsonl", "p.txt", "/dev/fd/63", "-")) {
            assertThat(read(name, mark + "\n{\"prompt\":\"the cat\"}\n{\"prompt\": \"\", \"adapter\": \"a\"}"))
                    .containsExactly(new Line(2, null, "the cat"), new Line(3, "a", ""));
        }
    }

    @Test
    void otherFieldsArePassedOverAsInData() throws IOException {
        assertThat(read("p", "{\"id\": 7, \"prompt\": \" a\\n\", \"adapter\": null, \"tags\": [\"x\"], \"prompts\": 1}"))
                .containsExactly(new Line(1, null, " a\n"));
    }

    @Test
    void twoObjectsInALineAreTwoPrompts() throws IOException {
        assertThat(read("p", "{\"prompt\": \"a\"}{\"prompt\": \"b\"}\n{\"prompt\":\n \"c\"}")).extracting(Line::text).containsExactly("a", "b", "c");
    }

    @Test
    void aBracketMayBeginAPrompt() throws IOException {
        assertThat(read("p.txt", "[Chorus]\n[1] Smith\n")).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"prompt": "a"}, {"prompt": "b"}      | `prompts` p.jsonl, line 1: no JSON object
            {"prompt": "a"} b                     | `prompts` p.jsonl, line 1: no JSON object
            {"prompt": "a", "prompt": "b"}        | Duplicate field 'prompt'
            [{"prompt": "a"}]                     | found a list of objects with the keys prompt
            ["a"]                                 | found a list. Write
            a word                                | `prompts` p.jsonl, line 1: no JSON object
            {"context": "a", "completion": "b"}   | line 1 has no field prompt among context and completion
            {"prompt": "a", "adaptr": "b"}        | line 1 has the field 'adaptr', known are adapter and prompt
            {"prompt": 3}                         | line 1 has prompt '3', not a text
            {"prompt": null}                      | line 1 has prompt 'null', not a text
            {"prompt": "a", "adapter": 1}         | line 1 has adapter '1', not a text
            <html>                                | is an HTML page
            """)
    void whatIsNoPromptIsNamed(String content, String says) {
        assertThatThrownBy(() -> read("p.jsonl", content)).isInstanceOf(LoraException.class)
                .message().startsWith("`prompts` p.jsonl").contains(says).doesNotContain("\n");
    }

    @Test
    void aListOfObjectsIsNoTextWhateverTheFileIsCalled() {
        assertThatThrownBy(() -> read("p.txt", "[\n {\"prompt\": \"a\"},\n {\"prompt\": \"b\"}\n]")).hasMessageContaining("found a list of objects");
    }

    @Test
    void aFileMayBePackedByGzip() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("{\"prompt\": \"a\"}".getBytes(StandardCharsets.UTF_8));
        }
        Path file = Files.write(folder.resolve("p.jsonl.gz"), packed.toByteArray());
        assertThat(PromptFile.read(file)).containsExactly(new Line(1, null, "a"));
    }

    @Test
    void nothingToContinueIsAnError() {
        for (String content : List.of("", MARK, "\n \n")) {
            assertThatThrownBy(() -> read("p", content)).hasMessage("`prompts` p: has no prompt in it, expected one a line");
        }
        assertThatThrownBy(() -> read("p", "a\0b")).hasMessageContaining("line 1: has a NUL character");
    }
}
