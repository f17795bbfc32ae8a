package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

abstract class ProductContract extends ContractFamily {

    /** Rows, inner size, columns: each size of the contract in each of the three places, and blocks on and off any grid. */
    private static final int[][] PRODUCTS = {
        {1, 1, 1}, {1, 1024, 1}, {4, 6, 13}, {6, 13, 4}, {13, 16, 6}, {16, 207, 13}, {207, 13, 6}, {6, 702, 16},
        {1, 16, 702}, {1, 702, 1024}, {13, 1024, 207}, {702, 4, 207}, {1024, 6, 16}, {64, 64, 64}, {207, 207, 207}, {33, 1, 50}};

    ProductContract(Subject subject) {
        super(subject);
    }

    static Stream<Arguments> products() {
        return Stream.of(PRODUCTS).flatMap(size -> Stream.of(false, true).flatMap(aT -> Stream.of(false, true)
                .map(bT -> Arguments.of(size[0], size[1], size[2], aT, bT))));
    }

    @ParameterizedTest(name = "({0}, {1})·({1}, {2}), a transposed {3}, b transposed {4}")
    @MethodSource("products")
    void matmulIsTheSumOfProducts(int m, int k, int n, boolean aTransposed, boolean bTransposed) {
        double[] a = numbers("a", m * k);
        double[] b = numbers("b", k * n);
        double[] old = numbers("c", m * n);
        double[] product = Oracle.product(a, b, m, k, n);
        double[] absoluteProduct = Oracle.product(Oracle.abs(a), Oracle.abs(b), m, k, n);
        MatrixView left = framed(a, m, k, aTransposed);
        MatrixView right = framed(b, k, n, bTransposed);
        for (double[] factors : new double[][] {{1, 0}, {1, 1}, {-0.3, 0.7}}) {
            double alpha = factors[0];
            double beta = factors[1];
            // with beta = 0 the old content is not read: NaN there does no harm
            MatrixView c = beta == 0 ? framedNans(m, n) : framed(old, m, n);
            backend().matmul(left, right, c, alpha, beta);
            double[] expected = new double[m * n];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = alpha * product[i] + beta * old[i];
            }
            // k products and k − 1 sums, each term rounded at most k times; then alpha, beta, two products and a sum
            assertWithin(read(c), expected, i ->
                    roundings(k + 3) * Math.abs(alpha) * absoluteProduct[i] + roundings(3) * Math.abs(beta * old[i])
                            + k * subject.underflow());
        }
    }

    @Test
    void severalProductsAreThoseOfEachToTheBit() {
        for (int count : new int[] {0, 1, 7, 40}) {
            List<MatrixProduct> products = new ArrayList<>();
            List<MatrixView> alone = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int m = 1 + i % 3;
                int k = i % 5 == 0 ? 130 : 1 + i;
                int n = i % 4 == 0 ? 5 : 70;
                MatrixView a = framed(numbers("a" + i, m * k), m, k, false);
                MatrixView b = framed(numbers("b" + i, k * n), k, n, i % 7 != 0);
                double beta = i % 2;
                double[] old = numbers("c" + i, m * n);
                products.add(new MatrixProduct(a, b, beta == 0 ? framedNans(m, n) : framed(old, m, n), 0.7, beta));
                MatrixView c = beta == 0 ? framedNans(m, n) : framed(old, m, n);
                backend().matmul(a, b, c, 0.7, beta);
                alone.add(c);
            }
            backend().matmulAll(products);
            for (int i = 0; i < count; i++) {
                assertThat(read(products.get(i).c())).as("product %d of %d", i, count).isEqualTo(read(alone.get(i)));
            }
        }
    }

    @ParameterizedTest(name = "x ({0}, {1})")
    @MethodSource("layers")
    void linearIsAProductWithTheTransposeAndABias(int n, int in, int out) {
        double[] x = numbers("x", n * in);
        double[] w = numbers("w", out * in);
        double[] bias = numbers("bias", out);
        double[] product = Oracle.product(x, Oracle.transpose(w, out, in), n, in, out);
        double[] absoluteProduct = Oracle.product(Oracle.abs(x), Oracle.transpose(Oracle.abs(w), out, in), n, in, out);
        Tensor weight = tensor(w, out, in);
        Tensor frozen = tensor(w, out, in);
        backend().freeze(frozen);
        Tensor b = tensor(bias, out);
        for (MatrixView matrix : List.of(weight.matrix(), frozen.matrix(), framed(w, out, in))) {
            for (Tensor added : new Tensor[] {null, b}) {
                MatrixView y = framedNans(n, out);
                backend().linear(framed(x, n, in), matrix, added, y);
                double[] expected = new double[n * out];
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = product[i] + (added == null ? 0 : bias[i % out]);
                }
                // the bias is one term more
                assertWithin(read(y), expected, i -> roundings(in + 1) * (absoluteProduct[i] + Math.abs(bias[i % out]))
                        + in * subject.underflow());
            }
        }
    }

    static Stream<Arguments> layers() {
        return Stream.of(new int[][] {{1, 1, 1}, {1, 16, 6}, {4, 6, 13}, {13, 207, 16}, {6, 1024, 207}, {207, 4, 13}, {1, 702, 1024}})
                .map(s -> Arguments.of(s[0], s[1], s[2]));
    }

    @Test
    void aFrozenWeightMultipliesFromEitherSide() {
        int n = 13;
        int in = 207;
        int out = 16;
        double[] g = numbers("g", n * out);
        double[] w = numbers("w", out * in);
        Tensor weight = tensor(w, out, in);
        backend().freeze(weight);
        backend().linear(tensor(numbers("x", n * in), n, in).matrix(), weight.matrix(), null, nans(n, out).matrix());
        MatrixView dx = framedNans(n, in);
        backend().matmul(tensor(g, n, out).matrix(), weight.matrix(), dx, 1, 0);
        double[] absoluteProduct = Oracle.product(Oracle.abs(g), Oracle.abs(w), n, out, in);
        assertWithin(read(dx), Oracle.product(g, w, n, out, in), i -> roundings(out) * absoluteProduct[i]);
        assertSameBits(read(weight), w);
    }

    @Test
    void partsOfAFusedMatrixAreViewsOfIt() {
        int n = 6;
        int width = 13;
        double[] x = numbers("x", n * width);
        double[] w = numbers("w", 3 * width * width);
        Tensor fused = nans(n, 3 * width);
        Tensor weight = tensor(w, 3 * width, width);
        for (int part = 2; part >= 0; part--) {
            backend().linear(tensor(x, n, width).matrix(), weight.rows(part * width, width), null, fused.columns(part * width, width));
        }
        double[] absoluteProduct = Oracle.product(Oracle.abs(x), Oracle.transpose(Oracle.abs(w), 3 * width, width), n, width, 3 * width);
        assertWithin(read(fused), Oracle.product(x, Oracle.transpose(w, 3 * width, width), n, width, 3 * width),
                i -> roundings(width) * absoluteProduct[i]);
    }

    @Test
    void aMatrixMultipliesItself() {
        double[] a = numbers("a", 13 * 6);
        Tensor matrix = tensor(a, 13, 6);
        MatrixView gram = framedNans(6, 6);
        backend().matmul(matrix.matrix().t(), matrix.matrix(), gram, 1, 0);
        double[] absolute = Oracle.abs(a);
        double[] absoluteProduct = Oracle.product(Oracle.transpose(absolute, 13, 6), absolute, 6, 13, 6);
        assertWithin(read(gram), Oracle.product(Oracle.transpose(a, 13, 6), a, 6, 13, 6), i -> roundings(13) * absoluteProduct[i]);
    }

    @Test
    void matmulTakesNumbersAtTheBoundaries() {
        // large times small, denormal times one, minus zero, and −∞ times a positive number
        Tensor a = tensor(new double[] {0x1p126, 0x1p-126, Float.MIN_VALUE, -0.0, Double.NEGATIVE_INFINITY, 0x1p100}, 6, 1);
        Tensor b = tensor(new double[] {1, 0x1p-3}, 1, 2);
        MatrixView c = framedNans(6, 2);
        backend().matmul(a.matrix(), b.matrix(), c, 1, 0);
        double[] expected = {0x1p126, 0x1p123, 0x1p-126, 0x1p-129, Float.MIN_VALUE, Float.MIN_VALUE / 8.0, 0, 0,
            Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, 0x1p100, 0x1p97};
        assertWithin(read(c), expected, i -> 0);
    }

    @Test
    void noRowsAreNoWork() {
        Tensor x = backend().allocate(Shape.of(0, 6));
        Tensor y = backend().allocate(Shape.of(0, 4));
        Tensor w = tensor(numbers("w", 24), 4, 6);
        Tensor sums = tensor(numbers("sums", 6), 6);
        backend().linear(x.matrix(), w.matrix(), null, y.matrix());
        backend().matmul(y.matrix(), w.matrix(), x.matrix(), 1, 1);
        backend().addColumnSums(x.matrix(), sums);
        assertSameBits(read(sums), numbers("sums", 6));
        assertThat(read(y)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void addColumnSumsAddsEveryRow(int columns) {
        for (int rows : new int[] {1, 6, 207}) {
            double[] g = numbers("g", rows * columns);
            double[] old = numbers("out", columns);
            Tensor out = tensor(old, columns);
            backend().addColumnSums(framed(g, rows, columns), out);
            double[] expected = old.clone();
            double[] absoluteSum = Oracle.abs(old);
            for (int i = 0; i < g.length; i++) {
                expected[i % columns] += g[i];
                absoluteSum[i % columns] += Math.abs(g[i]);
            }
            assertWithin(read(out), expected, j -> roundings(rows) * absoluteSum[j]);
        }
    }
}
