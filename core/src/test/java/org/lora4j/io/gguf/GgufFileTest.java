package org.lora4j.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

class GgufFileTest {

    @TempDir
    Path folder;

    @Test
    void whatWasWrittenIsRead() throws IOException {
        Path file = write(writer());
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.values()).hasSize(3);
            assertThat(gguf.values().get("general.type").value()).isEqualTo("adapter");
            assertThat(gguf.values().get("adapter.lora.alpha").value()).isEqualTo(0.5);
            assertThat(gguf.names()).containsExactly("x", "y");
            assertThat(gguf.shape("x")).isEqualTo(Shape.of(2, 3));
            assertThat(gguf.doubles("x")).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(gguf.dtype("y")).isEqualTo(DType.BF16);
            assertThat(gguf.doubles("y")).containsExactly(0.5, -2);
        }
    }

    @Test
    void aFileOfTheReferenceWriterIsRead() throws IOException {
        byte[] bytes = GgufFileTest.class.getResourceAsStream("reference.gguf").readAllBytes();
        Path file = Files.write(folder.resolve("reference.gguf"), bytes);
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.metadata()).containsEntry("general.architecture", "gpt2").containsEntry("a.bool", "true")
                    .containsEntry("a.uint8", "200").containsEntry("a.int64", "-5").containsEntry("a.float64", "0.125")
                    .containsEntry("a.texts", "3 of STRING").containsEntry("a.numbers", "4 of INT32");
            assertThat(gguf.shape("blk.0.attn_qkv.weight.lora_a")).isEqualTo(Shape.of(2, 4));
            assertThat(gguf.doubles("blk.0.attn_qkv.weight.lora_a")).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
            assertThat(gguf.dtype("half")).isEqualTo(DType.F16);
            assertThat(gguf.doubles("half")).containsExactly(0.5, 1.5, 2.5);
        }
    }

    @Test
    void theSameFileIsWrittenAsTheReferenceWriterWritesIt() throws IOException {
        byte[] reference = GgufFileTest.class.getResourceAsStream("adapter.gguf").readAllBytes();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        double[] count = {0, 1, 2, 3, 4, 5, 6, 7};
        new GgufWriter().put("general.architecture", GgufValue.of("gpt2")).put("general.type", GgufValue.of("adapter"))
                .put("adapter.type", GgufValue.of("lora")).put("adapter.lora.alpha", GgufValue.of(16f))
                .put("general.quantization_version", GgufValue.ofUnsigned(2))
                .add(NamedTensor.of("blk.0.attn_qkv.weight.lora_a", DType.F32, Shape.of(2, 4), count))
                .add(NamedTensor.of("blk.0.attn_qkv.weight.lora_b", DType.F16, Shape.of(4, 2), count)).writeTo(out);
        assertThat(out.toByteArray()).isEqualTo(reference);
    }

    @Test
    void aTypeThatIsNotKnownIsRefusedByName() throws IOException {
        byte[] bytes = bytes();
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("x\2\0\0\0") + 5 + 16;
        bytes[at] = 3; // Q4_1
        refused(bytes, "tensor 'x' has ggml's type 3 at offset " + at);
        bytes[at] = 2; // Q4_0
        refused(bytes, "tensor 'x' is Q4_0 with 3 weights in a row, expected a multiple of 32");
    }

    @Test
    void countsThatTheFileHasNoRoomForAreRefused() throws IOException {
        refused(with(bytes(), 8, Long.MAX_VALUE), "is said to have 9223372036854775807 tensors at offset 8");
        refused(with(bytes(), 16, -1), "is said to have 18446744073709551615 pairs of metadata at offset 16");
        refused(with(bytes(), 24, 1L << 40), "a key is said to have 1099511627776 bytes at offset 24");
    }

    @Test
    void offsetsThatDoNotFollowOneAnotherAreRefused() throws IOException {
        byte[] bytes = bytes();
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int y = text.indexOf("y\1\0\0\0") + 5 + 8 + 4;
        refused(with(bytes.clone(), y, 0), "tensor 'y' is said to be at offset 0 of the data, expected 32");
        refused(with(bytes.clone(), y, Long.MAX_VALUE), "tensor 'y' is said to be at offset 9223372036854775807");
    }

    @Test
    void keysAndNamesThatComeTwiceAreRefused() throws IOException {
        byte[] bytes = bytes();
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        byte[] names = text.replace("y\1\0\0\0", "x\1\0\0\0").getBytes(StandardCharsets.ISO_8859_1);
        refused(names, "tensor 'x' is declared twice");
        byte[] keys = text.replace("adapter.type", "general.type").getBytes(StandardCharsets.ISO_8859_1);
        refused(keys, "the key 'general.type' at offset");
    }

    @Test
    void otherVersionsAndByteOrdersAreRefused() throws IOException {
        byte[] bytes = bytes();
        bytes[4] = 1;
        refused(bytes, "is GGUF version 1, expected 2 or 3");
        bytes[4] = 0;
        bytes[7] = 3;
        refused(bytes, "is a big-endian GGUF file");
        refused("GGUF".getBytes(StandardCharsets.US_ASCII), "it is no GGUF file, or cut off");
    }

    @Test
    void aFileThatIsCutOffOrTooLongIsRefused() throws IOException {
        byte[] bytes = bytes();
        for (int length = 0; length < bytes.length - 31; length++) {
            int cut = length;
            assertThatThrownBy(() -> open(Arrays.copyOf(bytes, cut))).isInstanceOf(FormatException.class);
        }
        refused(Arrays.copyOf(bytes, bytes.length + 1), "bytes behind its last tensor");
    }

    private static GgufWriter writer() {
        return new GgufWriter().put("general.type", GgufValue.of("adapter")).put("adapter.type", GgufValue.of("lora"))
                .put("adapter.lora.alpha", GgufValue.of(0.5f))
                .add(NamedTensor.of("x", DType.F32, Shape.of(2, 3), new double[] {1, 2, 3, 4, 5, 6}))
                .add(NamedTensor.of("y", DType.BF16, Shape.of(2), new double[] {0.5, -2}));
    }

    private Path write(GgufWriter writer) {
        Path file = folder.resolve("x.gguf");
        writer.write(file);
        return file;
    }

    private byte[] bytes() throws IOException {
        return Files.readAllBytes(write(writer()));
    }

    private static byte[] with(byte[] bytes, int at, long value) {
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
        return bytes;
    }

    private void open(byte[] bytes) throws IOException {
        GgufFile.open(Files.write(folder.resolve("bad.gguf"), bytes)).close();
    }

    private void refused(byte[] bytes, String problem) {
        assertThatThrownBy(() -> open(bytes)).isInstanceOf(FormatException.class).hasMessageContaining(problem)
                .message().hasLineCount(1);
    }
}
