package org.lora4j.minilm;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

/**
 * What an ONNX file has for whoever wants its weights: the tensors that are part of the file, and the operations that use them.
 *
 * <p>An exporter keeps the name of a weight where the graph uses it as it is, and loses it where it stores the transpose: x·Wᵀ
 * + b becomes MatMul(x, {@code onnx::MatMul_885}) and Add of the bias, which has kept its name. So {@link #factorBefore} finds
 * a linear map's weight by its bias.
 *
 * <p>Source: onnx.proto. ModelProto: graph 7. GraphProto: node 1, initializer 5. NodeProto: input 1, output 2, op_type 4.
 * TensorProto: dims 1, data_type 2, name 8, raw_data 9, data_location 14.
 */
final class OnnxGraph {

    /** TensorProto.DataType, of those that hold weights. */
    private static final Map<Long, DType> TYPES = Map.of(1L, DType.F32, 7L, DType.I64, 10L, DType.F16, 11L, DType.F64);

    private final Map<String, NamedTensor> tensors = new LinkedHashMap<>();
    private final List<Node> nodes = new ArrayList<>();

    private record Node(String operation, List<String> inputs, List<String> outputs) {
    }

    private OnnxGraph() {
    }

    /**
     * @throws IllegalArgumentException if it is no ONNX model, or its tensors lie outside of it or in a type that holds no
     *                                  plain numbers, such as those of a quantised model
     */
    static OnnxGraph of(ByteBuffer model) {
        OnnxGraph read = new OnnxGraph();
        for (ProtobufMessage.Field graph : ProtobufMessage.of(model).all(7)) {
            ProtobufMessage message = graph.message();
            message.all(5).forEach(tensor -> read.add(tensor.message()));
            for (ProtobufMessage.Field field : message.all(1)) {
                ProtobufMessage node = field.message();
                read.nodes.add(new Node(node.text(4), texts(node, 1), texts(node, 2)));
            }
        }
        if (read.nodes.isEmpty()) {
            throw new IllegalArgumentException("has no graph, so it is no ONNX model");
        }
        return read;
    }

    private static List<String> texts(ProtobufMessage message, int number) {
        return message.all(number).stream().map(ProtobufMessage.Field::text).toList();
    }

    private void add(ProtobufMessage tensor) {
        String name = tensor.text(8);
        DType type = TYPES.get(tensor.value(2));
        if (type == null || tensor.value(14) != 0 || tensor.all(9).isEmpty()) {
            throw new IllegalArgumentException("tensor " + name + " has type " + tensor.value(2) + ", expected one of "
                    + TYPES.keySet() + " with its bytes in the file");
        }
        int[] extents = tensor.all(1).stream().flatMap(field -> field.varints().stream()).mapToInt(Math::toIntExact).toArray();
        ByteBuffer raw = tensor.all(9).getLast().bytes();
        byte[] bytes = new byte[raw.remaining()];
        raw.duplicate().get(bytes);
        tensors.put(name, new NamedTensor(name, type, Shape.of(extents), MemorySegment.ofArray(bytes)));
    }

    /** The tensors of the file, by the names they have there. */
    Map<String, NamedTensor> tensors() {
        return tensors;
    }

    /**
     * The tensor that a product has as its second factor before this bias is added to it: W of x·W + b.
     *
     * @throws IllegalArgumentException if the bias is not added to such a product, and to one only
     */
    NamedTensor factorBefore(String bias) {
        Node sum = only("Add with " + bias, node -> node.operation.equals("Add") && node.inputs.contains(bias));
        String product = sum.inputs.get(sum.inputs.getFirst().equals(bias) ? 1 : 0);
        Node matmul = only("MatMul that makes " + product,
                node -> node.operation.equals("MatMul") && node.outputs.contains(product));
        return Optional.ofNullable(tensors.get(matmul.inputs.get(1))).orElseThrow(() -> new IllegalArgumentException(
                "the second factor before " + bias + ", " + matmul.inputs.get(1) + ", is no tensor of the file"));
    }

    private Node only(String what, Predicate<Node> wanted) {
        List<Node> found = nodes.stream().filter(wanted).toList();
        if (found.size() != 1) {
            throw new IllegalArgumentException("has " + found.size() + " nodes that are " + what + ", expected one");
        }
        return found.getFirst();
    }
}
