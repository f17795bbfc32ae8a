package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that are damaged, or lie about themselves: each is refused with one line that says where and how. */
class SafetensorsHostileTest {

    private static final String A = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

    @TempDir
    Path folder;

    @ParameterizedTest(name = "{1}")
    @MethodSource({"lengths", "headers", "shapesAndOffsets", "coverage"})
    void isRefused(byte[] content, String expectedMessage) {
        Path file = TestFiles.write(folder.resolve("bad.safetensors"), content);
        assertThatThrownBy(() -> Safetensors.open(file).close())
                .isInstanceOfSatisfying(FormatException.class, e -> assertThat(e.file()).isEqualTo(file))
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(expectedMessage)
                .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1).hasSizeLessThan(600));
    }

    static Stream<Arguments> lengths() {
        byte[] whole = TestFiles.safetensors("{" + A + "}", 8);
        return Stream.of(
                arguments(new byte[0], "has 0 bytes, expected at least the 8"),
                arguments(new byte[7], "has 7 bytes, expected at least the 8"),
                arguments(Arrays.copyOf(whole, 20), "the header length at offset 0 is 54, but only 12 bytes follow"),
                arguments(Arrays.copyOf(whole, whole.length - 1), "its data end at offset 8 of the data, but the file has only 7"),
                arguments(Arrays.copyOf(whole, whole.length + 1), "after 'a', which ends at file offset 70, come 1 bytes"),
                arguments(length(-1), "the header length at offset 0 is 18446744073709551615, expected at most 100000000"),
                arguments(length(Long.MAX_VALUE), "is 9223372036854775807, expected at most 100000000"),
                arguments(length(100_000_001), "is 100000001, expected at most 100000000"),
                arguments(length(100_000_000), "is 100000000, but only 100 bytes follow"),
                arguments("PK\3\4 this is a zip, not tensors".getBytes(StandardCharsets.UTF_8), "this is not a safetensors file"));
    }

    private static byte[] length(long length) {
        byte[] file = new byte[108];
        for (int i = 0; i < 8; i++) {
            file[i] = (byte) (length >>> 8 * i);
        }
        return file;
    }

    static Stream<Arguments> headers() {
        return Stream.of(
                header("", "the header begins with nothing, expected a JSON object"),
                header("   ", "the header begins with nothing"),
                header("[" + A, "the header begins with a list, expected a JSON object"),
                header("\"a\"", "the header begins with the text 'a', expected a JSON object"),
                header("{" + A, "the header is not JSON: Unexpected end-of-input"),
                header("{" + A + "}}", "the header is not JSON: Unexpected close marker"),
                header("{" + A + "} {}", "after the header's JSON object comes an object"),
                header("{" + A + "}\0", "the header is not JSON"),
                header("{'a':{}}", "the header is not JSON"),
                header("{a:{}}", "the header is not JSON"),
                header("{" + A + ",}", "the header is not JSON"),
                header("{" + A + "," + A + "}", "tensor 'a' is declared twice"),
                header("{" + A + ",\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}}", "tensor 'a' is declared twice"),
                header("{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__ is there twice"),
                header("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", "__metadata__ holds 'a' twice"),
                header("{\"__metadata__\":{\"a\":1}}", "__metadata__ holds 'a' = '1', expected a text"),
                header("{\"__metadata__\":{\"a\":{\"b\":{}}}}", "__metadata__ holds 'a' = an object, expected a text"),
                header("{\"__metadata__\":null}", "__metadata__ is 'null', expected an object of texts"),
                header("{\"a\":null}", "tensor 'a': is 'null', expected an object"),
                header("{\"a\":[]}", "tensor 'a': is a list, expected an object"),
                header("{\"a\":{}}", "tensor 'a': lacks dtype"),
                header("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "tensor 'a': lacks shape"),
                header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "tensor 'a': lacks data_offsets"),
                header("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}", "tensor 'a': 'dtype' is there twice"),
                header("{\"a\":{\"scale\":2}}", "tensor 'a': has a field 'scale', expected only dtype, shape and data_offsets"),
                header("{\"a\\nb\\u001b[2J\":{}}", "tensor 'a\\nb\\x1b[2J': lacks dtype"),
                header("{\"\\ud800\":{}}", "the header is not JSON: Broken surrogate pair"),
                header("{\"\\udc00\":{}}", "the header is not JSON: Unexpected low surrogate"),
                header("{\"" + "n".repeat(40_000) + "\":{}}", "nnn…nnn"),
                header("{\"" + "n".repeat(60_000) + "\":{}}", "the header is not JSON: Name"),
                header("{\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}", "tensor 'a': is a list"),
                arguments(TestFiles.safetensors(new byte[] {'{', '"', (byte) 0xC0, (byte) 0x80, '"', ':', '{', '}', '}'}, 0),
                        "the header is not UTF-8 text"),
                arguments(TestFiles.safetensors(("{" + A + "}").getBytes(StandardCharsets.UTF_16LE), 8), "the header is not JSON"));
    }

    private static Arguments header(String header, String message) {
        return arguments(TestFiles.safetensors(header, 8), message);
    }

    static Stream<Arguments> shapesAndOffsets() {
        String ones = IntStream.range(0, 65).mapToObj(i -> "1").collect(Collectors.joining(","));
        return Stream.of(
                tensor("7", "[2]", "[0,8]", "dtype is '7', expected a text such as \"F32\""),
                tensor("\"F8_E4M3\"", "[2]", "[0,8]", "has dtype 'F8_E4M3', which lora4j does not read; it reads I64, F64, F32"),
                tensor("\"f32\"", "[2]", "[0,8]", "has dtype 'f32'"),
                tensor("\"F32\"", "2", "[0,8]", "shape is '2', expected a list of whole numbers"),
                tensor("\"F32\"", "[-2]", "[0,8]", "shape holds '-2', expected a whole number from 0"),
                tensor("\"F32\"", "[2.0]", "[0,8]", "shape holds '2.0', expected a whole number"),
                tensor("\"F32\"", "[2e0]", "[0,8]", "shape holds '2e0', expected a whole number"),
                tensor("\"F32\"", "[\"2\"]", "[0,8]", "shape holds the text '2', expected a whole number"),
                tensor("\"F32\"", "[[2]]", "[0,8]", "shape holds a list, expected a whole number"),
                tensor("\"F32\"", "[18446744073709551618]", "[0,8]", "shape holds '18446744073709551618'"),
                tensor("\"F32\"", "[" + "9".repeat(999) + "]", "[0,8]", "shape holds '999"),
                tensor("\"F32\"", "[" + "9".repeat(9999) + "]", "[0,8]", "the header is not JSON"),
                tensor("\"F32\"", "[2147483648]", "[0,8]", "shape [2147483648] is too large"),
                tensor("\"F32\"", "[2147483647,2147483647,2147483647]", "[0,8]", "is too large"),
                // 2^31 · 2^31 · 4 bytes is 0 modulo 2^64
                tensor("\"F32\"", "[65536,65536,65536,65536]", "[0,0]", "is too large"),
                tensor("\"F32\"", "[65536,65536,65536,65536,0]", "[0,0]", "is too large"),
                tensor("\"F32\"", "[" + ones + "]", "[0,4]", "shape has more than 64 numbers"),
                tensor("\"F32\"", "[2]", "[8,0]", "data_offsets [8, 0] end before they begin"),
                tensor("\"F32\"", "[2]", "[0]", "data_offsets are [0], expected [begin, end]"),
                tensor("\"F32\"", "[2]", "[0,4,8]", "data_offsets has more than 2 numbers"),
                tensor("\"F32\"", "[2]", "[-8,0]", "data_offsets holds '-8'"),
                tensor("\"F32\"", "[2]", "[0,16]", "its data end at offset 16 of the data, but the file has only 8 bytes"),
                tensor("\"F32\"", "[2]", "[0,9223372036854775807]", "its data end at offset 9223372036854775807"),
                tensor("\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]", "its data end at offset"),
                tensor("\"F32\"", "[3]", "[0,8]", "shape [3] of F32 needs 12 bytes, but data_offsets [0, 8] hold 8"),
                tensor("\"F64\"", "[2]", "[0,8]", "shape [2] of F64 needs 16 bytes"),
                tensor("\"F32\"", "[]", "[0,8]", "shape [] of F32 needs 4 bytes"),
                tensor("\"F32\"", "[0]", "[0,8]", "shape [0] of F32 needs 0 bytes"));
    }

    private static Arguments tensor(String dtype, String shape, String offsets, String message) {
        return header("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}", message);
    }

    static Stream<Arguments> coverage() {
        return Stream.of(
                two("[0,4]", "[0,4]", "tensor 'b': its data begin at file offset 115, expected 119 where 'a' ends: the data overlap"),
                two("[0,4]", "[2,6]", "tensor 'b': its data begin at file offset 117, expected 119 where 'a' ends: the data overlap"),
                two("[4,8]", "[2,6]", "tensor 'b': its data begin at file offset 117, expected 115 where the header ends: the data have a gap"),
                two("[1,5]", "[5,9]", "tensor 'a': its data begin at file offset 116, expected 115 where the header ends: the data have a gap"),
                two("[0,4]", "[5,9]", "tensor 'b': its data begin at file offset 120, expected 119 where 'a' ends: the data have a gap"),
                two("[4,8]", "[0,4]", "after 'a', which ends at file offset 123, come 1 bytes that belong to no tensor"));
    }

    private static Arguments two(String offsetsOfA, String offsetsOfB, String message) {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + offsetsOfA
                + "},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + offsetsOfB + "}}";
        return arguments(TestFiles.safetensors(header, 9), message);
    }

    @Test
    void aBooleanThatIsNeitherZeroNorOneIsRefusedWithItsOffset() {
        byte[] content = TestFiles.safetensors("{\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3);
        content[content.length - 2] = 7;
        try (Safetensors file = Safetensors.open(TestFiles.write(folder.resolve("mask.safetensors"), content))) {
            assertThatThrownBy(() -> file.booleans("m")).isInstanceOf(FormatException.class)
                    .hasMessageEndingWith("tensor 'm': element 1 (file offset " + (content.length - 2)
                            + ") is the byte 7, expected 0 or 1");
        }
    }

    @Test
    void dataThatBeginAtAnOddOffsetAreReadAllTheSame() {
        byte[] content = TestFiles.safetensors("{" + A + "} ", 8);
        content[content.length - 1] = 0x40; // 2.0f
        assertThat(content.length % 4).isOdd();
        try (Safetensors file = Safetensors.open(TestFiles.write(folder.resolve("odd.safetensors"), content))) {
            assertThat(file.floats("a")).containsExactly(0, 2);
        }
    }

    @Test
    void theOrderInTheHeaderNeedNotBeTheOrderOfTheData() {
        byte[] content = TestFiles.safetensors("{\"b\":{\"data_offsets\":[4,8],\"shape\":[1],\"dtype\":\"F32\"},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8);
        try (Safetensors file = Safetensors.open(TestFiles.write(folder.resolve("order.safetensors"), content))) {
            assertThat(file.names()).containsExactly("a", "b");
        }
    }
}
