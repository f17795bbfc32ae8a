package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Precision;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Products in every orientation against sums in double. */
class GemmTest {

    private static final double UNIT_ROUNDOFF = 0x1p-24;

    private static final CpuBackend BACKEND = backend(2);

    private static CpuBackend backend(int threads) {
        return new CpuBackend(new BackendOptions(threads, Precision.STRICT));
    }

    @AfterAll
    static void close() {
        BACKEND.close();
    }

    @Test
    void theVectorsAreAsWideAsThisRunAsksFor() {
        int asked = Integer.getInteger("lora4j.test.vectorBits", Gemm.FLOATS.vectorBitSize());
        assertThat(Gemm.FLOATS.vectorBitSize()).isLessThanOrEqualTo(asked);
    }

    static Stream<int[]> sizes() {
        int[] odd = {1, 4, 6, 13, 16, 31, 33, 64};
        List<int[]> sizes = new ArrayList<>();
        for (int m : odd) {
            for (int n : odd) {
                for (int k : odd) {
                    sizes.add(new int[] {m, n, k});
                }
            }
        }
        for (int large : new int[] {207, 702, 1024}) {
            for (int other : new int[] {1, 4, 13, 33}) {
                sizes.add(new int[] {large, other, other});
                sizes.add(new int[] {other, large, other});
                sizes.add(new int[] {other, other, large});
                sizes.add(new int[] {large, large, other});
                sizes.add(new int[] {large, other, large});
                sizes.add(new int[] {other, large, large});
            }
        }
        sizes.add(new int[] {207, 702, 1024});
        sizes.add(new int[] {702, 1024, 207});
        return sizes.stream();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void aProductIsAsCloseToTheExactOneAsASumOfKRoundedProductsCanBe(int[] size) {
        for (boolean aTransposed : new boolean[] {false, true}) {
            for (boolean bTransposed : new boolean[] {false, true}) {
                new Case(size[0], size[1], size[2], aTransposed, bTransposed).check(BACKEND, 1, 0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "0.5, 0", "-2, 0.25", "1, -1"})
    void alphaAndBetaWeighTheProductAndTheOldContent(double alpha, double beta) {
        for (boolean aTransposed : new boolean[] {false, true}) {
            for (boolean bTransposed : new boolean[] {false, true}) {
                new Case(50, 70, 702, aTransposed, bTransposed).check(BACKEND, alpha, beta);
                new Case(50, 4, 702, aTransposed, bTransposed).check(BACKEND, alpha, beta);
                new Case(50, 70, 4, aTransposed, bTransposed).check(BACKEND, alpha, beta);
                new Case(4, 70, 702, aTransposed, bTransposed).check(BACKEND, alpha, beta);
                new Case(1, 70, 702, aTransposed, bTransposed).check(BACKEND, alpha, beta);
            }
        }
    }

    @Test
    void aTransposedOperandLargerThanTheSpaceForPanelsIsDoneInPieces() {
        new Case(3, 70, 140_000, false, true).check(BACKEND, 0.5, 2);
        new Case(13, 70, 140_000, false, true).check(BACKEND, 0.5, 2);
        new Case(14, 50_257, 100, false, true).check(BACKEND, 1, 0);
    }

    @Test
    void theEmptySumIsZeroAndLeavesBetaTimesTheOldContent() {
        new Case(13, 40, 0, false, false).check(BACKEND, 1, 0);
        new Case(13, 40, 0, false, true).check(BACKEND, 3, 2);
        new Case(0, 40, 5, false, true).check(BACKEND, 1, 0);
        new Case(5, 0, 5, true, true).check(BACKEND, 1, 0);
    }

    @ParameterizedTest
    @CsvSource({"1, 40, 64", "7, 33, 702", "60, 256, 256", "207, 4, 256", "13, 100, 0"})
    void aLinearLayerAddsItsBiasToEveryRow(int rows, int out, int in) {
        Case product = new Case(rows, out, in, false, true);
        Tensor bias = tensor(BACKEND, out, 7);
        float[] b = BACKEND.readFloats(bias);
        BACKEND.linear(product.a, product.b.t(), bias, product.c);
        product.checkAgainst(BACKEND, 1, (i, j) -> b[j]);
        BACKEND.linear(product.a, product.b.t(), null, product.c);
        product.checkAgainst(BACKEND, 1, (i, j) -> 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 60})
    void aFrozenWeightGivesTheBitsOfOneThatIsNot(int rows) {
        Case product = new Case(rows, 207, 702, false, true);
        BACKEND.matmul(product.a, product.b, product.c, 1, 0);
        float[] free = BACKEND.readFloats(product.c.tensor());
        BACKEND.freeze(product.b.tensor());
        for (int use = 0; use < 2; use++) {
            product.surround(Float.NaN);
            BACKEND.matmul(product.a, product.b, product.c, 1, 0);
            assertThat(BACKEND.readFloats(product.c.tensor())).isEqualTo(free);
        }
    }

    @Test
    void partsOfAFrozenFusedWeightAreKeptApart() {
        int in = 64;
        Tensor fused = tensor(BACKEND, 3 * 96 * in, 1).as(Shape.of(3 * 96, in));
        Tensor x = tensor(BACKEND, 50 * in, 2).as(Shape.of(50, in));
        Tensor y = BACKEND.allocate(Shape.of(50, 96));
        List<float[]> free = new ArrayList<>();
        for (int pass = 0; pass < 2; pass++) {
            for (int part = 0; part < 3; part++) {
                BACKEND.linear(x.matrix(), fused.rows(96 * part, 96), null, y.matrix());
                if (pass == 0) {
                    free.add(BACKEND.readFloats(y));
                } else {
                    assertThat(BACKEND.readFloats(y)).isEqualTo(free.get(part));
                }
            }
            BACKEND.freeze(fused);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void anyNumberOfThreadsGivesTheSameBits(int threads) {
        try (CpuBackend one = backend(1); CpuBackend several = backend(threads)) {
            int[][] sizes = {{60, 256, 256}, {207, 702, 702}, {500, 4, 256}, {4, 256, 500}, {256, 4, 500}, {500, 256, 4},
                {1, 702, 256}, {8, 702, 256}, {13, 50_257, 64}};
            for (int[] size : sizes) {
                for (boolean aTransposed : new boolean[] {false, true}) {
                    for (boolean bTransposed : new boolean[] {false, true}) {
                        Case product = new Case(size[0], size[1], size[2], aTransposed, bTransposed);
                        one.matmul(product.a, product.b, product.c, 0.7, 0);
                        float[] expected = one.readFloats(product.c.tensor());
                        for (int repeat = 0; repeat < 3; repeat++) {
                            several.matmul(product.a, product.b, product.c, 0.7, 0);
                            assertThat(Arrays.equals(several.readFloats(product.c.tensor()), expected)).isTrue();
                        }
                    }
                }
            }
        }
    }

    @Test
    void sizesThatDoNotFitAreNamedAsPassed() {
        Tensor a = BACKEND.allocate(Shape.of(2, 3));
        Tensor b = BACKEND.allocate(Shape.of(4, 5));
        Tensor c = BACKEND.allocate(Shape.of(2, 5));
        assertThatThrownBy(() -> BACKEND.matmul(a.matrix(), b.matrix(), c.matrix(), 1, 0))
                .isInstanceOf(ShapeMismatchException.class).hasMessageContainingAll("(2, 3)", "(4, 5)");
        assertThatThrownBy(() -> BACKEND.matmul(a.matrix(), b.matrix().t(), c.matrix(), 1, 0))
                .isInstanceOf(ShapeMismatchException.class).hasMessageContaining("(4, 5)ᵀ");
        assertThatThrownBy(() -> BACKEND.linear(a.matrix(), b.matrix(), null, c.matrix()))
                .isInstanceOf(ShapeMismatchException.class).hasMessageContaining("w (4, 5)");
    }

    private static Tensor tensor(CpuBackend backend, int size, int site) {
        float[] values = new float[size];
        new Philox(42).fillNormal(values, 1, 0, site);
        Tensor tensor = backend.allocate(Shape.of(size));
        backend.upload(values, tensor);
        return tensor;
    }

    private interface Start {
        double at(int i, int j);
    }

    /** Operands inside larger matrices, and a result whose surroundings must stay as they are. */
    private static final class Case {

        private static final float OUTSIDE = 123.5f;

        final int m;
        final int n;
        final int k;
        final MatrixView a;
        final MatrixView b;
        final MatrixView c;

        Case(int m, int n, int k, boolean aTransposed, boolean bTransposed) {
            this.m = m;
            this.n = n;
            this.k = k;
            a = operand(m, k, aTransposed, 1);
            b = operand(k, n, bTransposed, 2);
            Tensor memory = BACKEND.allocate(Shape.of(m + 2, n + 5));
            c = new MatrixView(memory, n + 5 + 2, m, n, n + 5, false);
            surround(Float.NaN);
        }

        private static MatrixView operand(int rows, int columns, boolean transposed, int site) {
            int storedRows = transposed ? columns : rows;
            int storedColumns = transposed ? rows : columns;
            int stride = storedColumns + 3;
            // the last row ends where the array ends: reading past it is an error that shows
            Tensor memory = tensor(BACKEND, 2 + storedRows * stride - 3 + (storedRows == 0 ? 3 : 0), site);
            return new MatrixView(memory, 2, storedRows, storedColumns, stride, transposed);
        }

        private void surround(float inside) {
            float[] values = new float[(m + 2) * (n + 5)];
            Arrays.fill(values, OUTSIDE);
            for (int i = 0; i < m; i++) {
                Arrays.fill(values, (i + 1) * (n + 5) + 2, (i + 1) * (n + 5) + 2 + n, inside);
            }
            BACKEND.upload(values, c.tensor());
        }

        void check(CpuBackend backend, double alpha, double beta) {
            surround(beta == 0 ? Float.NaN : 1.75f);
            backend.matmul(a, b, c, alpha, beta);
            checkAgainst(backend, alpha, (i, j) -> beta == 0 ? 0 : beta * 1.75);
        }

        void checkAgainst(CpuBackend backend, double alpha, Start start) {
            float[] left = rowMajor(backend, a);
            float[] right = rowMajor(backend, b.t());
            float[] result = backend.readFloats(c.tensor());
            int width = n + 5;
            for (int i = 0; i < m + 2; i++) {
                for (int j = 0; j < width; j++) {
                    boolean inside = i >= 1 && i <= m && j >= 2 && j < 2 + n;
                    if (!inside) {
                        assertThat(result[i * width + j]).isEqualTo(OUTSIDE);
                    }
                }
            }
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double exact = 0;
                    double absolute = 0;
                    for (int p = 0; p < k; p++) {
                        double term = (double) left[i * k + p] * right[j * k + p];
                        exact += term;
                        absolute += Math.abs(term);
                    }
                    double begin = start.at(i, j);
                    double expected = alpha * exact + begin;
                    double bound = (k + k / 256 + 4) * UNIT_ROUNDOFF * (Math.abs(alpha) * absolute + Math.abs(begin));
                    float actual = result[(i + 1) * width + 2 + j];
                    if (!(Math.abs(actual - expected) <= bound)) {
                        throw new AssertionError(a + " · " + b + " at (" + i + ", " + j + "): " + actual + ", expected "
                                + expected + " ± " + bound);
                    }
                }
            }
        }

        /** The matrix the operation sees, row after row. */
        private static float[] rowMajor(CpuBackend backend, MatrixView view) {
            float[] memory = backend.readFloats(view.tensor());
            float[] values = new float[view.rows() * view.columns()];
            for (int i = 0; i < view.rows(); i++) {
                for (int j = 0; j < view.columns(); j++) {
                    int row = view.transposed() ? j : i;
                    int column = view.transposed() ? i : j;
                    values[i * view.columns() + j] = memory[(int) view.offset() + row * view.rowStride() + column];
                }
            }
            return values;
        }
    }
}
