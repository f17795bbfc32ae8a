package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Philox;

/** Elementwise kernels, embeddings and sums. */
class ElementwiseKernelsTest {

    private static final int BEFORE = 3;

    static int[] sizes() {
        return Fixtures.SIZES;
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void fillAndScaleTouchTheirRangeOnly(int count) {
        float[] result = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] x = Fixtures.filled(count + 2 * BEFORE, 7);
            ElementwiseKernels.fill(workers, x, BEFORE, count, 3);
            ElementwiseKernels.scale(workers, x, BEFORE, count, -0.5f);
            return x;
        });
        for (int i = 0; i < result.length; i++) {
            assertThat(result[i]).isEqualTo(i >= BEFORE && i < BEFORE + count ? -1.5f : 7f);
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void stridedAdditionAndCopyTouchTheirRectangleOnly(int columns) {
        int rows = 65;
        int xStride = columns + 5;
        int yStride = columns + 2;
        float[] x = Fixtures.normal(1, BEFORE + rows * xStride, 1);
        float[] y = Fixtures.normal(2, BEFORE + rows * yStride, 1);
        float[] sum = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] result = y.clone();
            ElementwiseKernels.add(workers, x, BEFORE, xStride, result, BEFORE, yStride, rows, columns, 0.7f);
            return result;
        });
        float[] copy = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] result = y.clone();
            ElementwiseKernels.copy(workers, x, BEFORE, xStride, result, BEFORE, yStride, rows, columns);
            return result;
        });
        for (int i = 0; i < y.length; i++) {
            int row = (i - BEFORE) / yStride;
            int column = (i - BEFORE) % yStride;
            boolean inside = i >= BEFORE && column < columns && row < rows;
            float other = inside ? x[BEFORE + row * xStride + column] : 0;
            assertThat(sum[i]).isEqualTo(inside ? Math.fma(other, 0.7f, y[i]) : y[i]);
            assertThat(copy[i]).isEqualTo(inside ? other : y[i]);
        }
    }

    @Test
    void denseAdditionAndCopyOfManyRows() {
        float[] x = Fixtures.normal(1, 300 * 207, 1);
        float[] sum = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] y = new float[x.length];
            ElementwiseKernels.copy(workers, x, 0, 207, y, 0, 207, 300, 207);
            ElementwiseKernels.add(workers, x, 0, 207, y, 0, 207, 300, 207, 1);
            return y;
        });
        for (int i = 0; i < x.length; i++) {
            assertThat(sum[i]).isEqualTo(2 * x[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 6, 13, 16, 207, 702, 1024, 2049, 50_001})
    void dropoutKeepsTheElementsThatPhiloxKeeps(int count) {
        DropoutMask mask = new DropoutMask(0.1, -5_000_000_001L, 12, 0x9E3779B9);
        float[] x = Fixtures.normal(1, count, 1);
        float[] y = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] result = new float[count];
            ElementwiseKernels.dropout(workers, x, 0, result, 0, count, new DropoutFactors(mask));
            return result;
        });
        Philox philox = new Philox(mask.seed());
        for (int i = 0; i < count; i++) {
            boolean kept = Integer.compareUnsigned(philox.word(12, mask.site(), i), mask.threshold()) >= 0;
            assertThat(y[i]).isEqualTo(x[i] * (kept ? (float) mask.scale() : 0));
        }
    }

    /** Element numbers above 2³⁴ change the second word of the counter. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 5, (1L << 34) - 70, (1L << 34) - 67, (1L << 36) + 3})
    void dropoutFactorsOfAnyStretchAreThoseOfItsElements(long first) {
        DropoutMask mask = new DropoutMask(0.5, 42, 3, 77);
        DropoutFactors factors = new DropoutFactors(mask);
        Philox philox = new Philox(mask.seed());
        for (int count : new int[] {0, 1, 2, 5, 63, 64, 65, 200}) {
            float[] out = new float[count + DropoutFactors.MARGIN];
            int begin = factors.fill(first, count, out);
            for (int i = 0; i < count; i++) {
                boolean kept = philox.word(3, 77, first + i) < 0; // unsigned at least 2³¹
                assertThat(out[begin + i]).as("element %d of %d from %d", i, count, first).isEqualTo(kept ? 2f : 0f);
            }
        }
    }

    @Test
    void dropoutOfNothingCopies() {
        float[] x = Fixtures.normal(1, 1000, 1);
        try (Workers workers = new Workers(2)) {
            float[] y = new float[1000];
            ElementwiseKernels.dropout(workers, x, 0, y, 0, 1000, (DropoutFactors) null);
            assertThat(y).containsExactly(x);
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void columnSumsAreAdded(int columns) {
        int rows = 333;
        int stride = columns + 3;
        float[] x = Fixtures.normal(1, rows * stride, 1);
        float[] sums = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] out = Fixtures.filled(columns + 1, 5);
            ElementwiseKernels.addColumnSums(workers, x, 0, stride, rows, columns, out, 0);
            return out;
        });
        for (int j = 0; j < columns; j++) {
            double sum = 5;
            double absolute = 5;
            for (int row = 0; row < rows; row++) {
                sum += x[row * stride + j];
                absolute += Math.abs(x[row * stride + j]);
            }
            assertWithin(sums[j], sum, (32 + rows / 32 + 1) * UNIT_ROUNDOFF * absolute, "column " + j);
        }
        assertThat(sums[columns]).isEqualTo(5f);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void gatheredRowsAreTheTablesRows(int columns) {
        int[] rows = {3, 0, 4, 3, 3, 1, 4};
        float[] table = Fixtures.normal(1, 5 * columns, 1);
        for (float beta : new float[] {0, 1, 0.5f}) {
            float[] out = Fixtures.onAnyNumberOfThreads(workers -> {
                float[] result = Fixtures.filled(rows.length * columns, beta == 0 ? Float.NaN : 2);
                EmbeddingKernels.gather(workers, table, 0, 5, rows, 0, result, 0, rows.length, columns, beta);
                return result;
            });
            for (int i = 0; i < out.length; i++) {
                assertThat(out[i]).isEqualTo(table[rows[i / columns] * columns + i % columns] + 2 * beta);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void scatteredRowsAreAddedInTheirOrder(int columns) {
        int count = 500;
        int[] rows = new int[count];
        for (int i = 0; i < count; i++) {
            rows[i] = i * 31 % 7;
        }
        float[] g = Fixtures.normal(1, count * columns, 1);
        float[] expected = Fixtures.normal(2, 7 * columns, 1);
        float[] result = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] table = Fixtures.normal(2, 7 * columns, 1);
            EmbeddingKernels.scatterAdd(workers, g, 0, rows, 0, table, 0, 7, count, columns);
            return table;
        });
        for (int i = 0; i < g.length; i++) {
            expected[rows[i / columns] * columns + i % columns] += g[i];
        }
        Fixtures.assertSameBits(result, expected, "table");
    }

    @Test
    void aRowOutsideTheTableIsAnError() {
        try (Workers workers = new Workers(1)) {
            assertThatThrownBy(() -> EmbeddingKernels.gather(
                    workers, new float[8], 0, 4, new int[] {0, 4}, 0, new float[4], 0, 2, 2, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("4");
            assertThatThrownBy(() -> EmbeddingKernels.scatterAdd(
                    workers, new float[4], 0, new int[] {0, -1}, 0, new float[8], 0, 4, 2, 2))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("-1");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 6, 13, 16, 207, 702, 1024, 8191, 8193, 100_000, 9_000_001})
    void sumsAreThoseOfDoubles(int count) {
        float[] x = Fixtures.normal(1, count + BEFORE, 1);
        x[BEFORE - 1] = Float.NaN;
        double sum = 0;
        double squares = 0;
        double absolute = 0;
        for (int i = BEFORE; i < x.length; i++) {
            sum += x[i];
            squares += (double) x[i] * x[i];
            absolute += Math.abs(x[i]);
        }
        double u = 0x1p-53;
        for (int threads : new int[] {1, 2, 3, 5}) {
            try (Workers workers = new Workers(threads)) {
                double actual = Reductions.sum(workers, x, BEFORE, count);
                double actualSquares = Reductions.sumOfSquares(workers, x, BEFORE, count);
                assertWithin(actual, sum, 2 * count * u * absolute, "sum");
                assertWithin(actualSquares, squares, 2 * count * u * squares, "sum of squares");
                try (Workers one = new Workers(1)) {
                    assertThat(actual).isEqualTo(Reductions.sum(one, x, BEFORE, count));
                    assertThat(actualSquares).isEqualTo(Reductions.sumOfSquares(one, x, BEFORE, count));
                }
            }
        }
    }
}
