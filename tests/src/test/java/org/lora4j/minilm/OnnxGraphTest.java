package org.lora4j.minilm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.JsonFile;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.tensor.Shape;

/** The reader of ONNX, on a graph of a few bytes that is written here. */
class OnnxGraphTest {

    private static final String DENSE = "encoder.layer.0.intermediate.dense";

    @Test
    void aWeightWithoutItsNameIsFoundByItsBiasAndTurnedAround() {
        List<NamedTensor> tensors = MiniLm.tensors(OnnxGraph.of(ByteBuffer.wrap(graph())));
        NamedTensor weight = named(tensors, DENSE + ".weight");
        assertThat(weight.shape()).isEqualTo(Shape.of(3, 2));
        assertThat(weight.doubles()).containsExactly(1, 4, 2, 5, 3, 6); // of (2, 3): 1 2 3 and 4 5 6
        assertThat(named(tensors, DENSE + ".bias").doubles()).containsExactly(7, 8, 9);
        assertThat(tensors).extracting(NamedTensor::name).doesNotContain("embeddings.position_ids", "onnx::MatMul_1");
    }

    @Test
    void aFolderHasTheSizesOfTheTensorsAndTheTokenizerWithoutItsFilling(@TempDir Path folder) throws Exception {
        String tokenizer = """
                {"truncation": {"max_length": 128}, "padding": {"strategy": {"Fixed": 128}},
                 "model": {"type": "WordPiece", "vocab": {"b": 1, "a": 0}}}""";
        MiniLm.write(graph(), tokenizer.getBytes(UTF_8), folder);
        assertThat(JsonFile.read(folder.resolve("config.json")).toString()).contains("\"vocab_size\":4", "\"hidden_size\":2",
                "\"max_position_embeddings\":5", "\"type_vocab_size\":1", "\"intermediate_size\":3", "\"num_hidden_layers\":1");
        assertThat(JsonFile.read(folder.resolve("tokenizer.json")).toString()).contains("\"truncation\":null", "\"padding\":null");
        assertThat(folder.resolve("vocab.txt")).hasContent("a\nb");
        try (Safetensors file = Safetensors.open(folder.resolve("model.safetensors"))) {
            assertThat(file.names()).hasSize(5);
        }
    }

    @Test
    void weightsThatAreNoPlainNumbersAreRefused() {
        byte[] int8 = message(field(7, message(field(5, tensor("w_quantized", 3, new byte[] {1}, 1)), field(1, message()))));
        assertThatThrownBy(() -> OnnxGraph.of(ByteBuffer.wrap(int8))).hasMessageContaining("w_quantized has type 3");
    }

    @Test
    void aFileThatIsCutOffIsRefused() {
        ByteBuffer cut = ByteBuffer.wrap(graph()).limit(40);
        assertThatThrownBy(() -> OnnxGraph.of(cut)).hasMessageContaining("are left");
        assertThatThrownBy(() -> OnnxGraph.of(ByteBuffer.allocate(0))).hasMessageContaining("no ONNX model");
    }

    private static NamedTensor named(List<NamedTensor> tensors, String name) {
        return tensors.stream().filter(tensor -> tensor.name().equals(name)).findFirst().orElseThrow();
    }

    /** Three tables, position ids, and x·W + b. */
    private static byte[] graph() {
        return message(field(7, message(
                field(5, tensor("embeddings.word_embeddings.weight", 1, floats(new float[8]), 4, 2)),
                field(5, tensor("embeddings.position_embeddings.weight", 1, floats(new float[10]), 5, 2)),
                field(5, tensor("embeddings.token_type_embeddings.weight", 1, floats(new float[2]), 1, 2)),
                field(5, tensor("embeddings.position_ids", 7, new byte[40], 1, 5)),
                field(5, tensor(DENSE + ".bias", 1, floats(7, 8, 9), 3)),
                field(5, tensor("onnx::MatMul_1", 1, floats(1, 2, 3, 4, 5, 6), 2, 3)),
                field(1, message(text(1, "x"), text(1, "onnx::MatMul_1"), text(2, "product"), text(4, "MatMul"))),
                field(1, message(text(1, DENSE + ".bias"), text(1, "product"), text(2, "y"), text(4, "Add"))))));
    }

    private static byte[] tensor(String name, int type, byte[] raw, int... extents) {
        ByteArrayOutputStream dims = new ByteArrayOutputStream();
        for (int extent : extents) {
            dims.writeBytes(varint(extent));
        }
        return message(field(1, dims.toByteArray()), message(varint(2 << 3), varint(type)), text(8, name), field(9, raw));
    }

    private static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }

    private static byte[] text(int number, String text) {
        return field(number, text.getBytes(UTF_8));
    }

    private static byte[] field(int number, byte[] bytes) {
        return message(varint(number << 3 | 2), varint(bytes.length), bytes);
    }

    private static byte[] message(byte[]... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            bytes.writeBytes(part);
        }
        return bytes.toByteArray();
    }

    private static byte[] varint(int value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int rest = value;
        for (; rest > 127; rest >>>= 7) {
            bytes.write(rest & 127 | 128);
        }
        bytes.write(rest);
        return bytes.toByteArray();
    }
}
