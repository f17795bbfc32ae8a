package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

abstract class ElementwiseContract extends ContractFamily {

    private static final int ROWS = 5;

    ElementwiseContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void fillWritesEveryElementOfTheTensorAndNoOther(int size) {
        Tensor whole = nans(size + 3);
        backend().fill(whole.as(Shape.of(size)), 1.0 / 3);
        double[] expected = constant(Double.NaN, size + 3);
        Arrays.fill(expected, 0, size, subject.round(1.0 / 3));
        assertSameBits(read(whole), expected);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void scaleMultipliesEveryElementOfTheTensorAndNoOther(int size) {
        double[] x = numbers("x", size + 3);
        Tensor whole = tensor(x, size + 3);
        backend().scale(whole.as(Shape.of(size)), 0.3);
        double[] expected = new double[size + 3];
        for (int i = 0; i < size + 3; i++) {
            expected[i] = i < size ? 0.3 * x[i] : x[i];
        }
        // one rounding of the factor, one of the product
        assertWithin(read(whole), expected, i -> i < size ? roundings(2) * Math.abs(expected[i]) : 0);
    }

    @Test
    void scaleByAPowerOfTwoIsExactAtTheBoundaries() {
        Tensor x = vector(0, -0.0, Float.MIN_NORMAL, 0x1p126, -0x1p126, Double.NEGATIVE_INFINITY);
        backend().scale(x, 2);
        assertSameBits(read(x), new double[] {0, -0.0, 2.0 * Float.MIN_NORMAL, 0x1p127, -0x1p127, Double.NEGATIVE_INFINITY});
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void copyTakesTheBitsFromViewToView(int size) {
        double[] x = numbers("x", ROWS * size);
        x[0] = -0.0;
        x[ROWS * size - 1] = Double.NEGATIVE_INFINITY;
        MatrixView to = framedNans(ROWS, size);
        backend().copy(framed(x, ROWS, size), to);
        assertSameBits(read(to), x);
    }

    @Test
    void copyMovesColumnsWithinOneTensor() {
        Tensor both = tensor(new double[] {1, 2, 0, 0, 3, 4, 0, 0}, 2, 4);
        backend().copy(both.columns(0, 2), both.columns(2, 2));
        assertThat(read(both)).containsExactly(1, 2, 1, 2, 3, 4, 3, 4);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void addAddsAMultipleFromViewToView(int size) {
        double[] x = numbers("x", ROWS * size);
        double[] y = numbers("y", ROWS * size);
        MatrixView to = framed(y, ROWS, size);
        backend().add(framed(x, ROWS, size), to, -0.7);
        double[] expected = new double[ROWS * size];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = y[i] - 0.7 * x[i];
        }
        // the factor, the product and the sum are rounded once each
        assertWithin(read(to), expected, i -> roundings(3) * (Math.abs(y[i]) + 0.7 * Math.abs(x[i])));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void addingWholeTensorsIsOneCorrectlyRoundedSum(int size) {
        double[] x = numbers("x", size);
        double[] y = numbers("y", size);
        Tensor to = tensor(y, size);
        backend().add(tensor(x, size), to);
        double[] expected = new double[size];
        for (int i = 0; i < size; i++) {
            expected[i] = subject.round(x[i] + y[i]);
        }
        assertSameBits(read(to), expected);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void multiplyingIsOneCorrectlyRoundedProductOfEachPair(int size) {
        double[] x = numbers("x", size);
        double[] y = numbers("y", size);
        double[] expected = new double[size];
        for (int i = 0; i < size; i++) {
            expected[i] = subject.round(x[i] * y[i]);
        }
        Tensor whole = nans(size + 3);
        backend().multiply(tensor(x, size), tensor(y, size), whole.as(Shape.of(size)));
        assertSameBits(Arrays.copyOf(read(whole), size), expected);
        assertThat(Arrays.copyOfRange(read(whole), size, size + 3)).containsOnly(Double.NaN);
        Tensor first = tensor(x, size);
        backend().multiply(first, tensor(y, size), first);
        assertSameBits(read(first), expected);
        Tensor second = tensor(y, size);
        backend().multiply(tensor(x, size), second, second);
        assertSameBits(read(second), expected);
    }

    @Test
    void multiplyKeepsDenormalsSignsAndWhatIsNotANumber() {
        Tensor z = nans(6);
        backend().multiply(vector(2 * Float.MIN_NORMAL, -0.0, 0x1p100, Double.NaN, Double.POSITIVE_INFINITY, 0),
                vector(0.5, 3, 0x1p100, 0, -1, Double.POSITIVE_INFINITY), z);
        double large = subject.round(0x1p200);
        assertSameBits(read(z), new double[] {
            Float.MIN_NORMAL, -0.0, large, Double.NaN, Double.NEGATIVE_INFINITY, Double.NaN});
    }

    @Test
    void addKeepsDenormalsInfinitiesAndLargeNumbers() {
        Tensor y = vector(Float.MIN_NORMAL, 0x1p127, 1, -0.0);
        backend().add(vector(Float.MIN_NORMAL, -0x1p127, Double.NEGATIVE_INFINITY, -0.0), y);
        assertSameBits(read(y), new double[] {2.0 * Float.MIN_NORMAL, 0, Double.NEGATIVE_INFINITY, -0.0});
    }
}
