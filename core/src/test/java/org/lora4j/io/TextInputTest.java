package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

class TextInputTest {

    @TempDir
    Path folder;

    private static String read(byte... bytes) throws IOException {
        return TextInput.read("a", new ByteArrayInputStream(bytes));
    }

    private static byte[] packed(byte... bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    @Test
    void aMarkAndAPackingAreNoPartOfTheText() throws IOException {
        String text = "Zoë\r\n\u2028\u0085\ufeff x";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        byte[] marked = ("\ufeff" + text).getBytes(StandardCharsets.UTF_8);
        assertThat(read(bytes)).isEqualTo(text);
        assertThat(read(marked)).isEqualTo(text);
        assertThat(read(packed(marked))).isEqualTo(text);
        assertThat(read(packed(packed(marked)))).isEqualTo(text);
        assertThat(read()).isEmpty();
        assertThat(TextInput.unpackedName("a.jsonl.GZ")).isEqualTo("a.jsonl");
        assertThat(TextInput.unpackedName("a.jsonl")).isEqualTo("a.jsonl");
    }

    @ParameterizedTest
    @CsvSource({
        "version https://git-lfs.github.com/spec/v1, is a Git LFS pointer", "<!DOCTYPE HTML>, is an HTML page",
        "'  <html lang=\"en\">', is an HTML page", "PAR1, is a Parquet file", "BZh9, is packed by bzip2", "%PDF-1.7, is a PDF file",
    })
    void somethingElseIsCalledWhatItIs(String start, String says) {
        assertThatThrownBy(() -> read(start.getBytes(StandardCharsets.UTF_8))).isInstanceOf(LoraException.class)
                .message().startsWith("a: ").contains(says);
        assertThatThrownBy(() -> read(packed(start.getBytes(StandardCharsets.UTF_8)))).message().contains(says);
        Path json = folder.resolve("config.json");
        assertThatThrownBy(() -> JsonFile.read(Files.writeString(json, start))).isInstanceOf(FormatException.class).message().contains(says);
    }

    @Test
    void bytesThatAreNoUtf8AreNoText() {
        assertThatThrownBy(() -> read(new byte[] {'a', (byte) 0xe9, '\n'})).isInstanceOf(CharacterCodingException.class);
        assertThatThrownBy(() -> read("ab\n\nc\0".getBytes(StandardCharsets.UTF_8))).hasMessageContaining("a, line 3: has a NUL");
        assertThatThrownBy(() -> read("ab".getBytes(StandardCharsets.UTF_16))).hasMessageContaining("is UTF-16 text");
        assertThatThrownBy(() -> read("ab".getBytes(StandardCharsets.UTF_16LE))).hasMessageContaining("If it is UTF-16");
    }

    @Test
    void aConfigurationMayHaveAMark() throws IOException {
        Path json = Files.writeString(folder.resolve("config.json"), "\ufeff{\"n_embd\": 8}");
        assertThat(JsonFile.read(json).get("n_embd").intValue()).isEqualTo(8);
    }
}
