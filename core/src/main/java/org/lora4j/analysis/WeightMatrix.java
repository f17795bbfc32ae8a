package org.lora4j.analysis;

import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A large matrix W: (out, in), as floats, to be multiplied with few vectors at a time in doubles. Uses the common pool where it
 * is large.
 */
public final class WeightMatrix {

    private static final int LARGE = 1 << 21;
    /** Rows or columns that one task takes. */
    private static final int TASK = 256;

    private final float[] values;
    private final int from;
    private final int rows;
    private final int columns;
    private final @Nullable WeightMatrix transposed;

    private WeightMatrix(float[] values, int from, int rows, int columns, @Nullable WeightMatrix transposed) {
        this.values = values;
        this.from = from;
        this.rows = rows;
        this.columns = columns;
        this.transposed = transposed;
    }

    /**
     * A matrix in memory.
     *
     * @param values (rows, columns), row-major; not copied, not modified
     */
    public static WeightMatrix of(float[] values, int rows, int columns) {
        if (values.length != (long) rows * columns) {
            throw new IllegalArgumentException(values.length + " values for " + rows + " × " + columns);
        }
        return new WeightMatrix(values, 0, rows, columns, null);
    }

    /** Some of its rows, such as those of q in a fused map; shares the memory. */
    public WeightMatrix rows(int first, int count) {
        return new WeightMatrix(values, from + first * columns, count, columns, null);
    }

    /** How many rows it has. */
    public int rows() {
        return rows;
    }

    /** How many columns it has. */
    public int columns() {
        return columns;
    }

    /** ‖W‖_F. */
    public double norm() {
        double[] squares = new double[tasks(rows)];
        each(rows, task -> {
            double sum = 0;
            int end = from + Math.min(rows, (task + 1) * TASK) * columns;
            for (int i = from + task * TASK * columns; i < end; i++) {
                sum += (double) values[i] * values[i];
            }
            squares[task] = sum;
        });
        return Math.sqrt(IntStream.range(0, squares.length).mapToDouble(i -> squares[i]).sum());
    }

    /** Whether all values are finite. */
    public boolean isFinite() {
        return Double.isFinite(norm());
    }

    /** The same with its transposed kept beside it, where that is small: then both products run through memory in a row. */
    WeightMatrix forManyProducts() {
        if ((long) rows * columns >= LARGE) {
            return this;
        }
        float[] turned = new float[rows * columns];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                turned[j * rows + i] = values[from + i * columns + j];
            }
        }
        return new WeightMatrix(values, from, rows, columns, new WeightMatrix(turned, 0, columns, rows, null));
    }

    /** W·v: (columns) → (rows). */
    public double[] times(double[] v) {
        if (transposed != null) {
            return transposed.transposedTimes(v);
        }
        double[] product = new double[rows];
        each(rows, task -> {
            for (int i = task * TASK; i < Math.min(rows, (task + 1) * TASK); i++) {
                product[i] = dot(from + i * columns, v);
            }
        });
        return product;
    }

    private double dot(int at, double[] v) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int j = 0;
        for (; j + 3 < columns; j += 4) {
            s0 += values[at + j] * v[j];
            s1 += values[at + j + 1] * v[j + 1];
            s2 += values[at + j + 2] * v[j + 2];
            s3 += values[at + j + 3] * v[j + 3];
        }
        for (; j < columns; j++) {
            s0 += values[at + j] * v[j];
        }
        return s0 + s1 + (s2 + s3);
    }

    /** Wᵀ·u: (rows) → (columns). */
    public double[] transposedTimes(double[] u) {
        double[] product = new double[columns];
        each(columns, task -> {
            int first = task * TASK;
            int end = Math.min(columns, first + TASK);
            int i = 0;
            for (; i + 3 < rows; i += 4) {
                fourRows(i, u, product, first, end);
            }
            for (; i < rows; i++) {
                double factor = u[i];
                int at = from + i * columns;
                for (int j = first; j < end; j++) {
                    product[j] += factor * values[at + j];
                }
            }
        });
        return product;
    }

    private void fourRows(int i, double[] u, double[] product, int first, int end) {
        double u0 = u[i];
        double u1 = u[i + 1];
        double u2 = u[i + 2];
        double u3 = u[i + 3];
        int at = from + i * columns;
        for (int j = first; j < end; j++) {
            product[j] += u0 * values[at + j] + u1 * values[at + columns + j]
                    + (u2 * values[at + 2 * columns + j] + u3 * values[at + 3 * columns + j]);
        }
    }

    /**
     * C = Uᵀ·W·V for few directions on both sides.
     *
     * @return [i][k] = uᵢᵀ·W·vₖ
     */
    public double[][] between(Directions left, Directions right) {
        double[][] core = new double[left.count()][right.count()];
        IntStream.range(0, right.count()).forEach(k -> {
            double[] image = times(right.vectors()[k]);
            for (int i = 0; i < core.length; i++) {
                core[i][k] = Similarity.dot(left.vectors()[i], image);
            }
        });
        return core;
    }

    private int tasks(int extent) {
        return Math.ceilDiv(extent, TASK);
    }

    private void each(int extent, IntConsumer task) {
        IntStream all = IntStream.range(0, tasks(extent));
        ((long) rows * columns >= LARGE ? all.parallel() : all).forEach(task);
    }

    double at(int row, int column) {
        return values[from + row * columns + column];
    }
}
