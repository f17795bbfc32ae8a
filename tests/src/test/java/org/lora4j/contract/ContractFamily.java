package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** What the tests of one family of operations need: numbers, tensors, views with a frame around them, bounds. */
abstract class ContractFamily {

    static final int[] SIZES = {1, 4, 6, 13, 16, 207, 702, 1024};

    /** An elementary function may be off by 4 units in the last place, which is 8 u. */
    static final int FUNCTION = 8;

    /** Precision of the expected values. */
    private static final double ORACLE_ROUNDOFF = 0x1p-53;

    private static final int FRAME = 3;

    final Subject subject;

    ContractFamily(Subject subject) {
        this.subject = subject;
    }

    Backend backend() {
        return subject.backend();
    }

    /** The relative error that n roundings in a row may add up to, in the backend and in the expected value. */
    double roundings(double n) {
        return n * (subject.unitRoundoff() + ORACLE_ROUNDOFF);
    }

    // ------------------------------------------------------------------------------------------------ numbers

    static int[] sizes() {
        return SIZES;
    }

    /** Standard normal numbers that a float holds exactly, so that uploading them rounds nothing; other for every name. */
    static double[] numbers(String name, int count) {
        double[] values = new double[count];
        Philox random = new Philox(20210617);
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.normal(0, Philox.site(name), i);
        }
        return values;
    }

    static double[] constant(double value, int count) {
        double[] values = new double[count];
        Arrays.fill(values, value);
        return values;
    }

    double[] rounded(double[] values) {
        return Arrays.stream(values).map(subject::round).toArray();
    }

    // ------------------------------------------------------------------------------------------------ tensors

    Tensor tensor(double[] values, int... extents) {
        Tensor tensor = backend().allocate(Shape.of(extents));
        backend().upload(values, tensor);
        return tensor;
    }

    Tensor vector(double... values) {
        return tensor(values, values.length);
    }

    /** For outputs whose old content must not be read. */
    Tensor nans(int... extents) {
        Shape shape = Shape.of(extents);
        return tensor(constant(Double.NaN, Math.toIntExact(shape.size())), extents);
    }

    IntTensor ints(int[] values, int... extents) {
        IntTensor tensor = backend().allocateInts(Shape.of(extents));
        backend().upload(values, 0, tensor, values.length);
        return tensor;
    }

    double[] read(Tensor tensor) {
        return backend().readDoubles(tensor);
    }

    /** A matrix as a view into a larger one that is NaN around it: whoever reads or writes the frame is found out. */
    MatrixView framed(double[] values, int rows, int columns) {
        int stride = columns + 2 * FRAME;
        Tensor whole = nans(rows + 2, stride);
        for (int i = 0; i < rows; i++) {
            backend().upload(values, i * columns, whole, (i + 1L) * stride + FRAME, columns);
        }
        return new MatrixView(whole, stride + FRAME, rows, columns, stride, false);
    }

    MatrixView framedNans(int rows, int columns) {
        return framed(constant(Double.NaN, rows * columns), rows, columns);
    }

    /** A framed view that shows the (rows, columns) matrix but stores its transpose, if so wished. */
    MatrixView framed(double[] values, int rows, int columns, boolean transposed) {
        return transposed ? framed(Oracle.transpose(values, rows, columns), columns, rows).t() : framed(values, rows, columns);
    }

    /** The elements a stored view shows; fails if its frame is no longer NaN. */
    double[] read(MatrixView view) {
        double[] whole = read(view.tensor());
        double[] values = new double[view.storedRows() * view.storedColumns()];
        for (int i = 0; i < view.storedRows(); i++) {
            int row = (int) view.offset() + i * view.rowStride();
            System.arraycopy(whole, row, values, i * view.storedColumns(), view.storedColumns());
            Arrays.fill(whole, row, row + view.storedColumns(), Double.NaN);
        }
        for (int i = 0; i < whole.length; i++) {
            if (!Double.isNaN(whole[i])) {
                throw new AssertionError("element " + i + " outside the view was written: " + whole[i]);
            }
        }
        return values;
    }

    // ------------------------------------------------------------------------------------------------ assertions

    /** |actual − expected| ≤ bound + underflow, element by element; an infinite expectation must be met exactly. */
    void assertWithin(double[] actual, double[] expected, IntToDoubleFunction bound) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            double allowed = bound.applyAsDouble(i) + subject.underflow();
            if (actual[i] != expected[i] && !(error <= allowed)) {
                throw new AssertionError("element " + i + " is " + actual[i] + ", expected " + expected[i]
                        + ": off by " + error + ", allowed " + allowed);
            }
        }
    }

    /** Equal bits, except that any NaN equals any NaN. */
    static void assertSameBits(double[] actual, double[] expected) {
        assertThat(Arrays.stream(actual).mapToLong(Double::doubleToLongBits).toArray())
                .isEqualTo(Arrays.stream(expected).mapToLong(Double::doubleToLongBits).toArray());
    }
}
