package org.lora4j.io;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.tensor.Shape;

class SafetensorsWriterTest {

    private final SafetensorsWriter writer = new SafetensorsWriter();

    @TempDir
    Path folder;

    @Test
    void anEmptyFileIsWhatTheLibraryWrites() {
        assertThat(new String(TestFiles.bytesOf(writer), UTF_8)).isEqualTo("\b\0\0\0\0\0\0\0{}      ");
    }

    @Test
    void tensorsAreOrderedByTypeAndNameAndTheHeaderIsPaddedToEightBytes() {
        writer.add("b", DType.F32, Shape.of(1), new float[1]).add("é", DType.F32, Shape.of(1), new float[1])
                .add("a", DType.BF16, Shape.of(1), new float[1]).add("B", DType.F32, Shape.of(1), new float[1])
                .add("z", DType.I64, Shape.of(1), new int[1]);
        byte[] bytes = TestFiles.bytesOf(writer);
        assertThat(Safetensors.open(TestFiles.write(folder.resolve("x"), bytes)).names()).isEqualTo(List.of("z", "B", "b", "é", "a"));
        assertThat(bytes[0] % 8).isZero();
    }

    @Test
    void aTensorLargerThanAnyBufferArrivesWhole() {
        float[] values = new float[100_003];
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 0.5f;
        }
        Path file = folder.resolve("large.safetensors");
        writer.addLater("x", DType.F64, Shape.of(values.length), () -> values).add("y", DType.BF16, Shape.of(1), new float[1])
                .write(file);
        try (Safetensors read = Safetensors.open(file)) {
            assertThat(read.floats("x")).isEqualTo(values);
            SafetensorsWriter copy = new SafetensorsWriter().copy(read, "x").copy(read, "y");
            assertThat(TestFiles.bytesOf(copy)).isEqualTo(TestFiles.read(file));
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void aFiniteValueThatWouldBecomeInfiniteIsAnErrorAndInfinityIsNot(DType dtype) {
        double[] values = {1, Double.POSITIVE_INFINITY, -1e39};
        writer.add("w", dtype, Shape.of(3), values);
        assertThatThrownBy(() -> TestFiles.bytesOf(writer)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("tensor 'w': element 2 is -1.0E39, beyond the largest " + dtype + ", ");
    }

    @Test
    void aFloatTooLargeForF16IsAnError() {
        writer.add("w", DType.F16, Shape.of(2), new float[] {65504, 65520});
        assertThatThrownBy(() -> TestFiles.bytesOf(writer))
                .hasMessage("tensor 'w': element 1 is 65520.0, beyond the largest F16, 65504.0; write it in a type with a "
                        + "wider range");
    }

    @Test
    void aWholeNumberThatDoesNotFitIsAnError() {
        writer.add("n", DType.U8, Shape.of(2), new long[] {255, 256});
        assertThatThrownBy(() -> TestFiles.bytesOf(writer)).isInstanceOf(LoraException.class)
                .hasMessage("tensor 'n': element 1 is 256, but U8 holds 0 to 255");
        assertThatThrownBy(() -> TestFiles.bytesOf(
                new SafetensorsWriter().add("n", DType.I32, Shape.of(1), new long[] {1L << 31})))
                .hasMessageContaining("I32 holds -2147483648 to 2147483647");
        assertThatThrownBy(() -> TestFiles.bytesOf(new SafetensorsWriter().add("n", DType.BOOL, Shape.of(1), new int[] {2})))
                .hasMessageContaining("BOOL holds 0 to 1");
    }

    @Test
    void mistakesOfTheCallerAreRefusedAtOnce() {
        assertThatThrownBy(() -> writer.add("w", DType.F32, Shape.of(2, 2), new float[3]))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("shape (2, 2) needs 4 values, found 3");
        assertThatThrownBy(() -> writer.add("w", DType.I64, Shape.of(1), new float[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.add("w", DType.F32, Shape.of(1), new int[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.add("__metadata__", DType.F32, Shape.of(1), new float[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.add("half \ud800", DType.F32, Shape.of(1), new float[1]))
                .isInstanceOf(LoraException.class);
        writer.add("w", DType.F32, Shape.of(1), new float[1]);
        assertThatThrownBy(() -> writer.add("w", DType.F16, Shape.of(1), new float[1]))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("twice");
    }

    @Test
    void valuesThatComeLaterMustFillTheShape() {
        writer.addLater("w", DType.F32, Shape.of(2), () -> new float[3]);
        assertThatThrownBy(() -> TestFiles.bytesOf(writer)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has 8 bytes, but 12 were written");
    }
}
