package org.lora4j.backend.reference;

import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** What lies behind the reference backend's tensors: plain arrays. */
final class Memory {

    private Memory() {
    }

    record Doubles(double[] array) implements Buffer {
        @Override
        public long capacity() {
            return array.length;
        }
    }

    record Ints(int[] array) implements Buffer {
        @Override
        public long capacity() {
            return array.length;
        }
    }

    static double[] of(Tensor tensor) {
        if (tensor.buffer() instanceof Doubles doubles) {
            return doubles.array();
        }
        throw new IllegalArgumentException(tensor + " belongs to another backend than " + ReferenceBackend.NAME);
    }

    static double[] of(MatrixView view) {
        return of(view.tensor());
    }

    static int[] of(IntTensor tensor) {
        if (tensor.buffer() instanceof Ints ints) {
            return ints.array();
        }
        throw new IllegalArgumentException(tensor + " belongs to another backend than " + ReferenceBackend.NAME);
    }

    /** Where row i of an untransposed view begins. */
    static int row(MatrixView view, int i) {
        return Math.toIntExact(view.offset() + (long) i * view.rowStride());
    }
}
