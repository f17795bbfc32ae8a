package org.lora4j;

import org.lora4j.backend.Backend;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Matrices written out row by row, on the reference backend. With small whole numbers every product and sum is exact, so a
 * test can ask for equality with what comes out on paper.
 */
public final class ByHand {

    public static final Backend REFERENCE = new ReferenceBackend();

    private ByHand() {
    }

    /** One row of a matrix. */
    public static double[] row(double... numbers) {
        return numbers;
    }

    public static Tensor matrix(double[]... rows) {
        return upload(Shape.of(rows.length, rows[0].length), rows);
    }

    public static Parameter frozen(String name, double[]... rows) {
        return new Parameter(name, REFERENCE, matrix(rows));
    }

    public static Parameter trained(String name, double[]... rows) {
        return frozen(name, rows).train();
    }

    /** A frozen vector. */
    public static Parameter bias(double... numbers) {
        return new Parameter("bias", REFERENCE, upload(Shape.of(numbers.length), numbers));
    }

    private static Tensor upload(Shape shape, double[]... rows) {
        Tensor tensor = REFERENCE.allocate(shape);
        for (int i = 0; i < rows.length; i++) {
            REFERENCE.upload(rows[i], 0, tensor, (long) i * rows[i].length, rows[i].length);
        }
        return tensor;
    }

    /** What a matrix holds, row by row. */
    public static double[][] rows(Tensor matrix) {
        double[][] rows = new double[matrix.rows()][matrix.columns()];
        for (int i = 0; i < rows.length; i++) {
            REFERENCE.read(matrix, (long) i * rows[i].length, rows[i], 0, rows[i].length);
        }
        return rows;
    }

    /** Puts other numbers into a matrix. */
    public static void set(Tensor matrix, double[]... rows) {
        for (int i = 0; i < rows.length; i++) {
            REFERENCE.upload(rows[i], 0, matrix, (long) i * rows[i].length, rows[i].length);
        }
    }
}
