package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

abstract class MemoryContract extends ContractFamily {

    MemoryContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void aNewTensorIsZero(int size) {
        assertThat(read(backend().allocate(Shape.of(3, size)))).hasSize(3 * size).containsOnly(0.0);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void whatIsUploadedIsReadBack(int size) {
        double[] values = numbers("uploaded", size);
        Tensor tensor = tensor(values, size);
        assertSameBits(read(tensor), values);
        float[] floats = backend().readFloats(tensor);
        for (int i = 0; i < size; i++) {
            assertThat((double) floats[i]).isEqualTo(values[i]);
        }
        backend().upload(floats, tensor);
        assertSameBits(read(tensor), values);
    }

    @Test
    void doublesAreRoundedToTheBackendsPrecision() {
        Tensor tensor = vector(1.0 / 3, 1 + 0x1p-30, 1e-300, -0.0);
        assertSameBits(read(tensor), rounded(new double[] {1.0 / 3, 1 + 0x1p-30, 1e-300, -0.0}));
    }

    @Test
    void boundaryValuesSurviveTheRoundTrip() {
        double[] values = {0, -0.0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, Float.MAX_VALUE, -Float.MAX_VALUE,
            Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN};
        assertSameBits(read(vector(values)), values);
    }

    @Test
    void partsGoInAndOutAtAnyOffset() {
        Tensor tensor = tensor(constant(7, 13), 13);
        backend().upload(new double[] {0, 1, 2, 3, 4}, 1, tensor, 6, 3);
        backend().upload(new float[] {9, 8}, 1, tensor, 0, 1);
        assertThat(read(tensor)).containsExactly(8, 7, 7, 7, 7, 7, 1, 2, 3, 7, 7, 7, 7);
        double[] doubles = constant(-1, 5);
        backend().read(tensor, 6, doubles, 2, 3);
        assertThat(doubles).containsExactly(-1, -1, 1, 2, 3);
        float[] floats = {-1, -1, -1};
        backend().read(tensor, 8, floats, 0, 2);
        assertThat(floats).containsExactly(3, 7, -1);
    }

    @Test
    void anotherShapeOfATensorIsTheSameMemory() {
        Tensor whole = tensor(new double[] {1, 2, 3, 4, 5, 6}, 6);
        Tensor corner = whole.as(Shape.of(2, 2));
        assertThat(read(corner)).containsExactly(1, 2, 3, 4);
        backend().fill(corner, 0);
        assertThat(read(whole)).containsExactly(0, 0, 0, 0, 5, 6);
    }

    @Test
    void everyAllocationIsCountedAndNothingElseIs() {
        long before = backend().allocations();
        Tensor tensor = backend().allocate(Shape.of(2, 3));
        IntTensor ints = backend().allocateInts(Shape.of(4));
        assertThat(backend().allocations()).isEqualTo(before + 2);
        backend().upload(new int[] {1, 0, 1, 1}, 0, ints, 4);
        backend().matmul(tensor.matrix(), tensor.matrix().t(), tensor.as(Shape.of(2, 2)).matrix(), 0, 0);
        backend().fill(tensor.as(Shape.of(3)), 1);
        assertThat(backend().allocations()).isEqualTo(before + 2);
    }

    @Test
    void anUploadOfTheWrongLengthNamesBoth() {
        Tensor tensor = backend().allocate(Shape.of(2, 3));
        assertThatThrownBy(() -> backend().upload(new float[5], tensor))
                .isInstanceOf(ShapeMismatchException.class).hasMessageContainingAll("5", "(2, 3)");
    }

    @Test
    void aTensorOfAnotherBackendIsRefused() {
        Buffer foreign = () -> 6;
        Tensor stranger = new Tensor(Shape.of(2, 3), foreign);
        Tensor own = backend().allocate(Shape.of(2, 3));
        assertThatThrownBy(() -> backend().fill(stranger, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> backend().add(stranger, own)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> backend().add(own, stranger)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> backend().matmul(own.matrix(), stranger.matrix().t(), own.as(Shape.of(2, 2)).matrix(), 1, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> backend().gatherRows(own, new IntTensor(Shape.of(2), foreign), own, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
