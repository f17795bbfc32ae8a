package org.lora4j.io.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lora4j.io.torch.TorchResources.copy;
import static org.lora4j.io.torch.TorchResources.resource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

/** PyTorch's files against files that PyTorch wrote. */
class TorchFileTest {

    private static final double[] COUNT = IntStream.range(0, 12).asDoubleStream().toArray();

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"tensors.pt", "tensors_protocol_4.pt", "tensors_legacy.pt"})
    void everyLayoutTypeAndViewIsRead(String name) {
        try (TorchFile file = TorchFile.open(copy(name, folder))) {
            assertThat(file.names()).hasSize(15).startsWith("float", "double", "half");
            assertThat(file.doubles("float")).isEqualTo(COUNT);
            assertThat(file.doubles("double")).isEqualTo(Arrays.stream(COUNT).map(x -> x / 3).toArray());
            assertThat(file.dtype("half")).isEqualTo(DType.F16);
            assertThat(file.doubles("half")).isEqualTo(Arrays.stream(COUNT).map(x -> x / 8).toArray());
            assertThat(file.dtype("bfloat16")).isEqualTo(DType.BF16);
            assertThat(file.doubles("bfloat16")).isEqualTo(Arrays.stream(COUNT).map(x -> x / 8).toArray());
            assertThat(file.longs("long")).containsExactly(1, -(1L << 40));
            assertThat(file.ints("int")).containsExactly(7, -8);
            assertThat(file.longs("byte")).containsExactly(0, 255);
            assertThat(file.booleans("bool")).containsExactly(true, false, true);
            assertThat(file.shape("scalar")).isEqualTo(Shape.of());
            assertThat(file.doubles("scalar")).containsExactly(2.5);
            assertThat(file.shape("empty")).isEqualTo(Shape.of(0, 5));
            assertThat(file.doubles("empty")).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tensors.pt", "tensors_legacy.pt"})
    void viewsOfAStorageAreReadInTheirOwnOrder(String name) {
        try (TorchFile file = TorchFile.open(copy(name, folder))) {
            assertThat(file.shape("transposed")).isEqualTo(Shape.of(4, 3));
            assertThat(file.doubles("transposed")).containsExactly(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
            assertThat(file.doubles("rows")).containsExactly(4, 5, 6, 7, 8, 9, 10, 11);
            assertThat(file.doubles("columns")).containsExactly(1, 2, 5, 6, 9, 10);
            assertThat(file.shape("cube")).isEqualTo(Shape.of(4, 2, 3));
            assertThat(file.doubles("cube")).startsWith(0, 4, 8, 12, 16, 20, 1, 5, 9);
            assertThat(file.doubles("parameter")).isEqualTo(Arrays.stream(COUNT).map(x -> x + 1).toArray());
        }
    }

    @Test
    void aDictOfTensorsInADictIsFoundAndNumbersBesideItAreMetadata() {
        try (TorchFile file = TorchFile.open(copy("checkpoint.pt", folder))) {
            assertThat(file.names()).containsExactly("weight", "bias");
            assertThat(file.metadata()).containsEntry("epoch", "3").containsEntry("name", "x").containsEntry("rate", "0.5")
                    .hasSize(3);
        }
    }

    @Test
    void aFileWhoseChecksumsPyTorchWasToldToLeaveOutIsRead() {
        try (TorchFile file = TorchFile.open(copy("no_checksums.pt", folder))) {
            assertThat(file.doubles("float")).isEqualTo(COUNT);
        }
    }

    @Test
    void aThousandAndMoreTensorsAreRead() {
        try (TorchFile file = TorchFile.open(copy("many.pt", folder))) {
            assertThat(file.names()).hasSize(1203);
            assertThat(file.doubles("h.1202.weight")).containsOnly(1202).hasSize(6);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain.pt", "many.pt"})
    void thePickleWeWriteHasTheBytesThatPyTorchWrites(String name) throws IOException {
        Path original = copy(name, folder);
        Path written = folder.resolve("written.pt");
        List<NamedTensor> tensors = tensors(original);
        TorchWriter writer = new TorchWriter(name.replace(".pt", ""));
        tensors.forEach(writer::add);
        writer.write(written);

        assertThat(pickle(written)).isEqualTo(pickle(original));
        assertThat(tensors(written)).usingElementComparator((a, b) -> a.name().equals(b.name()) && a.sameBits(b) ? 0 : 1)
                .isEqualTo(tensors);
    }

    @Test
    void aFileThatWeWroteIsWrittenAgainWithTheSameBytes() throws IOException {
        List<NamedTensor> tensors = tensors(copy("tensors.pt", folder));
        ByteArrayOutputStream first = new ByteArrayOutputStream();
        TorchWriter writer = new TorchWriter("archive", "model_state_dict");
        tensors.forEach(writer::add);
        writer.writeTo(first);
        Path file = Files.write(folder.resolve("first.pt"), first.toByteArray());
        ByteArrayOutputStream second = new ByteArrayOutputStream();
        TorchWriter again = new TorchWriter("archive", "model_state_dict");
        tensors(file).forEach(again::add);
        again.writeTo(second);

        assertThat(second.toByteArray()).isEqualTo(first.toByteArray());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "calls_system.pt   | it names 'posix.system'",
        "whole_module.pt   | it names 'torch.nn.modules.linear.Linear'",
        "complex.pt        | it names 'torch.ComplexFloatStorage'",
        "set.pt            | it names '__builtin__.set'",
        "list.pt           | holds a list of 1, expected a dict of tensors",
        "expanded.pt       | has more elements than its storage",
        "bare.pkl          | is a bare pickle",
        "script.pt         | TorchScript",
    })
    void whatIsNoDictOfTensorsIsRefusedByName(String name, String problem) {
        Path file = copy(name, folder);
        assertThatThrownBy(() -> TorchFile.open(file)).isInstanceOf(FormatException.class)
                .hasMessageStartingWith(file + ": ").hasMessageContaining(problem).message().hasLineCount(1);
    }

    @Test
    void aForeignGlobalIsNamedWithTheOffsetItsOpcodeHasInTheFile() {
        Path file = copy("calls_system.pt", folder);
        byte[] bytes = resource("calls_system.pt");
        int offset = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("cposix\nsystem\n");
        assertThatThrownBy(() -> TorchFile.open(file)).hasMessageContaining("(offset " + offset + " of the file)")
                .hasMessageContaining("nothing was run");
    }

    private static List<NamedTensor> tensors(Path path) {
        try (TorchFile file = TorchFile.open(path)) {
            return file.names().stream().map(name -> NamedTensor.copyOf(file, name)).toList();
        }
    }

    private static byte[] pickle(Path path) throws IOException {
        try (var zip = new java.util.zip.ZipFile(path.toFile())) {
            var entry = zip.stream().filter(e -> e.getName().endsWith("/data.pkl")).findFirst().orElseThrow();
            return zip.getInputStream(entry).readAllBytes();
        }
    }
}
