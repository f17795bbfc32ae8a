package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.tensor.Shape;

/** Reads a file that the format's own library wrote; {@code src/test/python/make_files.py} says what is in it. */
class SafetensorsTest {

    private static final byte[] REFERENCE = TestFiles.resource("all_types.safetensors");

    @TempDir
    Path folder;
    private Safetensors file;

    @BeforeEach
    void open() {
        file = Safetensors.open(TestFiles.write(folder.resolve("all.safetensors"), REFERENCE));
    }

    @AfterEach
    void close() {
        file.close();
    }

    @Test
    void tensorsAreListedInTheOrderOfTheirDataWithTypesAndShapes() {
        assertThat(file.names()).containsExactly("i64", "f64", "f32", "größe \uff5e \ud83d\ude00", "größe \ud83d\ude00 \uff5e",
                "quo\"te\\ \n\t\u001f\u007f/", "scalar", "i32", "Z.weight", "bf16", "empty", "f16", "u8", "bool");
        assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
        assertThat(file.dtype("Z.weight")).isEqualTo(DType.BF16);
        assertThat(file.shape("Z.weight")).isEqualTo(Shape.of(2, 1, 3));
        assertThat(file.shape("scalar")).isEqualTo(Shape.of());
        assertThat(file.info("i64").byteSize()).isEqualTo(24);
        assertThat(file.info("f64").offset()).isEqualTo(file.info("i64").offset() + 24);
    }

    @Test
    void valuesAreWhatPyTorchSaved() {
        double nan = Double.NaN;
        double infinity = Double.POSITIVE_INFINITY;
        assertThat(file.doubles("f64")).containsExactly(0.1, -0.0, 1e300, Double.MIN_VALUE, infinity, nan);
        assertThat(file.floats("f32")).containsExactly(0.1f, -0f, Float.MAX_VALUE, Float.MIN_VALUE, (float) -infinity,
                Float.NaN);
        assertThat(file.doubles("f16")).containsExactly(0, -0.0, 1, -2.5, 65504, 0x1p-24, 0x1p-14, infinity, -infinity, nan,
                0x1.554p-2);
        assertThat(file.floats("bf16")).containsExactly(0, -0f, 1, -2.5f, 0x1.FEp127f, 0x1p-133f, 0x1p-126f,
                (float) infinity, (float) -infinity, Float.NaN, 0x1.56p-2f);
        assertThat(file.longs("i64")).containsExactly(Long.MIN_VALUE, Long.MAX_VALUE, -1);
        assertThat(file.ints("i32")).containsExactly(Integer.MIN_VALUE, Integer.MAX_VALUE);
        assertThat(file.longs("i32")).containsExactly(Integer.MIN_VALUE, Integer.MAX_VALUE);
        assertThat(file.ints("u8")).containsExactly(0, 127, 128, 255);
        assertThat(file.booleans("bool")).containsExactly(true, false, true);
        assertThat(file.floats("scalar")).containsExactly(2.5f);
        assertThat(file.floats("empty")).isEmpty();
        assertThat(file.floats("größe \uff5e \ud83d\ude00")).containsExactly(2);
    }

    @Test
    void doublesReadAsFloatsAreRoundedToTheNearest() {
        assertThat(file.floats("f64")).containsExactly(0.1f, -0f, Float.POSITIVE_INFINITY, 0, Float.POSITIVE_INFINITY,
                Float.NaN);
    }

    @Test
    void aTensorCanBeReadInParts() {
        float[] part = {9, 9, 9, 9};
        file.readFloats("f32", 1, part, 1, 2);
        assertThat(part).containsExactly(9, -0f, Float.MAX_VALUE, 9);

        double[] halves = new double[2];
        file.readDoubles("f16", 3, halves, 0, 2);
        assertThat(halves).containsExactly(-2.5, 65504);
        assertThatThrownBy(() -> file.readFloats("f32", 5, new float[2], 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> file.readFloats("f32", 0, new float[2], 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aTypeThatIsNotTheAskedForKindIsRefused() {
        assertThatThrownBy(() -> file.floats("i64")).isInstanceOf(FormatException.class)
                .hasMessageEndingWith("all.safetensors: tensor 'i64': has type I64, expected F32, F16, BF16 or F64");
        assertThatThrownBy(() -> file.longs("f32")).hasMessageEndingWith("has type F32, expected I64, I32 or U8");
        assertThatThrownBy(() -> file.booleans("u8")).hasMessageEndingWith("has type U8, expected BOOL");
        assertThatThrownBy(() -> file.ints("i64"))
                .hasMessageEndingWith("tensor 'i64': element 0 is -9223372036854775808, which does not fit 32 bits");
    }

    @Test
    void aMissingTensorIsNamedWithItsNeighbours() {
        assertThatThrownBy(() -> file.floats("Z.wieght")).isInstanceOf(FormatException.class)
                .hasMessageEndingWith("all.safetensors: has no tensor 'Z.wieght' (nearest: Z.weight)");
        assertThatThrownBy(() -> file.info("lm_head.weight")).hasMessageContaining("has no tensor 'lm_head.weight'; it has 14: ");
    }

    @Test
    void anotherShapeThanExpectedIsAnErrorWithBoth() {
        file.requireShape("f32", 2, 3);
        assertThatThrownBy(() -> file.requireShape("f32", 3, 2)).isInstanceOf(FormatException.class)
                .hasMessageEndingWith("tensor 'f32': has shape (2, 3), expected (3, 2)");
    }

    @Test
    void whatTheLibraryWroteIsWrittenAgainByteForByte() {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        file.names().reversed().forEach(name -> writer.copy(file, name));
        assertThat(TestFiles.bytesOf(writer)).isEqualTo(REFERENCE);
    }

    @Test
    void whatTheLibraryWroteIsWrittenAgainFromItsValues() {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        for (String name : file.names()) {
            TensorInfo info = file.info(name);
            switch (info.dtype()) {
                case I64, I32, U8 -> writer.add(name, info.dtype(), info.shape(), file.longs(name));
                case BOOL -> writer.add(name, info.shape(), file.booleans(name));
                default -> writer.add(name, info.dtype(), info.shape(), file.doubles(name));
            }
        }
        assertThat(TestFiles.bytesOf(writer)).isEqualTo(REFERENCE);
    }

    @Test
    void aMissingFileAFolderAndAnUnreadablePlaceEachGetOneLine() {
        assertThatThrownBy(() -> Safetensors.open(folder.resolve("none.safetensors"))).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("cannot read ").hasMessageEndingWith("none.safetensors: there is no such file or folder");
        assertThatThrownBy(() -> Safetensors.open(folder.resolve("no/such/x.safetensors")))
                .hasMessageEndingWith("there is no folder " + folder.resolve("no"));
        assertThatThrownBy(() -> Safetensors.open(folder)).isInstanceOf(FormatException.class)
                .hasMessageContaining("is not a regular file");
    }

    @Test
    void closingTwiceIsHarmless() {
        file.close();
        file.close();
    }
}
