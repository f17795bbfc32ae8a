package org.lora4j.backend.cpu;

import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** An operation's operands as the arrays they lie in; those of other backends are refused. */
final class Operands {

    private Operands() {
    }

    static int length(Tensor tensor) {
        return (int) tensor.size();
    }

    static int offset(MatrixView view) {
        return (int) view.offset();
    }

    static float[] floats(MatrixView view, String what) {
        return floats(view.tensor(), what);
    }

    static float[] floatsOrNull(Tensor tensor, String what) {
        return tensor == null ? null : floats(tensor, what);
    }

    static int[] intsOrNull(IntTensor tensor, String what) {
        return tensor == null ? null : ints(tensor, what);
    }

    static float[] floats(Tensor tensor, String what) {
        if (tensor.buffer() instanceof HeapFloats heap) {
            return heap.values();
        }
        throw foreign(what, tensor.buffer());
    }

    static float[] floats(Tensor tensor, long from, int count) {
        if (from < 0 || count < 0 || from + count > tensor.size()) {
            throw new ShapeMismatchException("elements " + from + " to " + (from + count - 1) + " of a tensor of shape " + tensor.shape());
        }
        return floats(tensor, "the tensor");
    }

    static int[] ints(IntTensor tensor, String what) {
        if (tensor.buffer() instanceof HeapInts heap) {
            return heap.values();
        }
        throw foreign(what, tensor.buffer());
    }

    private static IllegalArgumentException foreign(String what, Buffer buffer) {
        if (buffer instanceof CompressedWeights) {
            return new IllegalArgumentException(what + " is a weight in a smaller type, which can be multiplied with and"
                    + " gathered from, but not written or used elsewhere");
        }
        return new IllegalArgumentException(
                what + " does not belong to the cpu backend but holds a " + buffer.getClass().getSimpleName());
    }
}
