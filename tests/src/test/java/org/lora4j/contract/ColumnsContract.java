package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.tensor.MatrixView;

/** Operations that treat each column by a number of its own. */
abstract class ColumnsContract extends ContractFamily {

    private static final int ROWS = 37; // more than a block of rows that is summed at a time

    ColumnsContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void addRowAddsAMultipleToEveryRow(int size) {
        double[] row = numbers("row", size);
        double[] y = numbers("y", ROWS * size);
        MatrixView to = framed(y, ROWS, size);
        backend().addRow(framed(row, 1, size), -0.7, to);
        double[] expected = new double[ROWS * size];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = y[i] - 0.7 * row[i % size];
        }
        // the factor, the product and the sum are rounded once each
        assertWithin(read(to), expected, i -> roundings(3) * (Math.abs(y[i]) + 0.7 * Math.abs(row[i % size])));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void scaleColumnsMultipliesEachColumnByItsNumber(int size) {
        double[] factors = numbers("factors", size);
        double[] x = numbers("x", ROWS * size);
        double[] y = numbers("y", ROWS * size);
        for (double beta : new double[] {0, 1, -0.3}) {
            MatrixView to = beta == 0 ? framedNans(ROWS, size) : framed(y, ROWS, size);
            backend().scaleColumns(framed(x, ROWS, size), framed(factors, 1, size), -1, to, beta);
            double[] expected = new double[ROWS * size];
            double[] sizes = new double[ROWS * size];
            for (int i = 0; i < expected.length; i++) {
                double factor = factors[i % size];
                expected[i] = (factor - 1) * x[i] + (beta == 0 ? 0 : beta * y[i]);
                sizes[i] = (Math.abs(factor) + 1) * Math.abs(x[i]) + Math.abs(beta * y[i]);
            }
            // the shifted factor, beta, two products and the sum
            assertWithin(read(to), expected, i -> roundings(4) * sizes[i]);
        }
    }

    @Test
    void scaleColumnsMayWriteItsInputAndKeepsItWhereTheFactorIsOne() {
        MatrixView x = tensor(new double[] {3, 5, 7, 11}, 2, 2).matrix();
        backend().scaleColumns(x, tensor(new double[] {2, 1}, 1, 2).matrix(), 0, x, 0);
        assertThat(read(x.tensor())).containsExactly(6, 5, 14, 11);
        MatrixView y = tensor(new double[] {1.0 / 3, 1e30}, 1, 2).matrix();
        double[] before = read(y.tensor());
        backend().scaleColumns(tensor(new double[] {7, 9}, 1, 2).matrix(), tensor(new double[] {1, 1}, 1, 2).matrix(), -1, y, 1);
        assertSameBits(read(y.tensor()), before);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void addColumnDotsAddsTheScalarProductsOfColumns(int size) {
        double[] a = numbers("a", ROWS * size);
        double[] b = numbers("b", ROWS * size);
        double[] old = numbers("old", size);
        for (boolean transposed : new boolean[] {false, true}) {
            MatrixView out = framed(old, 1, size);
            backend().addColumnDots(framed(a, ROWS, size, transposed), framed(b, ROWS, size), out);
            double[] expected = old.clone();
            double[] sizes = new double[size];
            for (int i = 0; i < a.length; i++) {
                expected[i % size] += a[i] * b[i];
                sizes[i % size] += Math.abs(a[i] * b[i]);
            }
            assertWithin(read(out), expected, j -> roundings(ROWS + 2) * (sizes[j] + Math.abs(old[j])));
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void divideByRootsDividesByTheLengthOfTheSquare(int size) {
        double[] x = numbers("x", size);
        double[] squares = numbers("squares", size);
        double[] y = numbers("y", size);
        for (int i = 0; i < size; i++) {
            squares[i] = (float) (squares[i] * squares[i]) + 1e-3f;
        }
        for (double beta : new double[] {0, 1}) {
            MatrixView to = beta == 0 ? framedNans(1, size) : framed(y, 1, size);
            backend().divideByRoots(framed(x, 1, size), framed(squares, 1, size), to, beta);
            double[] expected = new double[size];
            for (int i = 0; i < size; i++) {
                expected[i] = x[i] / Math.sqrt(subject.round(squares[i])) + (beta == 0 ? 0 : y[i]);
            }
            // the root, the quotient and the sum
            assertWithin(read(to), expected,
                    i -> roundings(3) * (Math.abs(x[i]) / Math.sqrt(squares[i]) + Math.abs(beta * y[i])));
        }
    }

    /** So that DoRA begins at the base, bit for bit. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 2, 3, 1e-30, 7e20, 0.1})
    void aLengthDividedByItselfIsOne(double number) {
        double square = subject.round(subject.round(number));
        MatrixView squares = tensor(new double[] {square}, 1, 1).matrix();
        MatrixView root = tensor(new double[] {Math.sqrt(square)}, 1, 1).matrix();
        backend().divideByRoots(root, squares, root, 0);
        assertThat(read(root.tensor())).containsExactly(1);
    }
}
