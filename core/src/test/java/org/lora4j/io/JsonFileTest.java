package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

class JsonFileTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{'a': 1, 'a': 2} | line 1, column 13: Duplicate field 'a'",
        "{'a': 1          | line 1, column",
        "{'a': 1} {}      | line 1, column",
        "{'a': NaN}       | line 1, column",
        "{a: 1}           | line 1, column",
        "[1]              | holds ARRAY, expected a JSON object",
        "7                | holds NUMBER, expected a JSON object",
        "''               | holds STRING, expected a JSON object",
    }, quoteCharacter = '`')
    void whatIsNoJsonObjectIsRefusedWithItsPlace(String json, String message) {
        Path file = TestFiles.write(folder.resolve("config.json"), json.replace('\'', '"'));
        assertThatThrownBy(() -> JsonFile.read(file)).isInstanceOf(FormatException.class)
                .hasMessageStartingWith(file + ": " + message);
    }

    @Test
    void anEmptyFileAndOneThatIsNotTextAreRefused() {
        assertRefused(new byte[0], "holds MISSING, expected a JSON object");
        assertRefused(new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'}, "is not UTF-8 text, expected JSON");
        assertRefused(("[".repeat(100_000)).getBytes(), "nesting depth");
        assertRefused(("{\"a\":" + "9".repeat(100_000) + "}").getBytes(), "Number value length");
    }

    @Test
    void aFileFarTooLongIsNotEvenRead() throws IOException {
        Path file = folder.resolve("config.json");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 40);
        }
        assertThatThrownBy(() -> JsonFile.read(file)).isInstanceOf(FormatException.class)
                .hasMessageContaining("has 1099511627776 bytes, expected at most");
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatThrownBy(() -> JsonFile.read(folder.resolve("none.json"))).isInstanceOf(LoraException.class)
                .hasMessage("cannot read " + folder.resolve("none.json") + ": there is no such file or folder");
    }

    @Test
    void fieldsOfAnotherTypeAreNamedWithWhatWasFound() {
        Path file = TestFiles.write(folder.resolve("config.json"), "{\"n\": 1.5, \"big\": 4294967296, \"flag\": \"true\", "
                + "\"list\": [1, 2, 3, 4], \"text\": null, \"eps\": 1e-5, \"map\": {\"a\": 2}, \"many\": 1e999}");
        JsonFields fields = JsonFields.read(file);
        assertThat(fields.text("text")).isEmpty();
        assertThat(fields.whole("absent")).isEmpty();
        assertThat(fields.number("eps")).hasValue(1e-5);
        assertThat(fields.wholesByName("map")).containsEntry("a", 2);
        assertThat(fields.wholes("list")).hasValueSatisfying(list -> assertThat(list).containsExactly(1, 2, 3, 4));
        assertThatThrownBy(() -> fields.whole("n")).hasMessage(file + ": field 'n' is 1.5, expected a whole number below 2^31");
        assertThatThrownBy(() -> fields.whole("big")).hasMessageContaining("field 'big' is 4294967296");
        assertThatThrownBy(() -> fields.flag("flag")).hasMessageContaining("field 'flag' is \"true\", expected true or false");
        assertThatThrownBy(() -> fields.text("list")).hasMessageContaining("field 'list' is a list of 4, expected a text");
        assertThatThrownBy(() -> fields.texts("list")).hasMessageContaining("field 'list' is 1, expected a text");
        assertThatThrownBy(() -> fields.number("many")).hasMessageContaining("expected a number");
    }

    private void assertRefused(byte[] content, String message) {
        Path file = TestFiles.write(folder.resolve("config.json"), content);
        assertThatThrownBy(() -> JsonFile.read(file)).isInstanceOf(FormatException.class).hasMessageContaining(message)
                .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }
}
