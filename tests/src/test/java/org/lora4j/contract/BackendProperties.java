package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** Laws that hold for every size and every content, for one backend; a subclass says which. */
abstract class BackendProperties extends ContractFamily {

    private static final int TRIES = 60;

    BackendProperties(Subject subject) {
        super(subject);
    }

    record Open(Backend backend, double unitRoundoff, double underflow) implements Subject {
    }

    @Property(tries = TRIES)
    void theTransposeOfAProductIsTheProductOfTheTransposesTheOtherWayRound(
            @ForAll @IntRange(min = 1, max = 70) int m, @ForAll @IntRange(min = 1, max = 70) int k,
            @ForAll @IntRange(min = 1, max = 70) int n, @ForAll int seed) {
        double[] a = numbers("a" + seed, m * k);
        double[] b = numbers("b" + seed, k * n);
        MatrixView left = framed(a, m, k);
        MatrixView right = framed(b, k, n);
        MatrixView ab = framedNans(m, n);
        MatrixView ba = framedNans(n, m);
        backend().matmul(left, right, ab, 1, 0);
        backend().matmul(right.t(), left.t(), ba, 1, 0);
        double[] absoluteProduct = Oracle.product(Oracle.abs(a), Oracle.abs(b), m, k, n);
        assertWithin(Oracle.transpose(read(ba), n, m), read(ab), i -> 2 * roundings(k) * absoluteProduct[i]);
    }

    @Property(tries = TRIES)
    void aLinearMapAndItsBackwardAreAdjoint(
            @ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 70) int in,
            @ForAll @IntRange(min = 1, max = 70) int out, @ForAll int seed) {
        double[] x = numbers("x" + seed, rows * in);
        double[] w = numbers("w" + seed, out * in);
        double[] g = numbers("g" + seed, rows * out);
        Tensor weight = tensor(w, out, in);
        MatrixView y = framedNans(rows, out);
        MatrixView dx = framedNans(rows, in);
        MatrixView dw = framedNans(out, in);
        MatrixView dy = framed(g, rows, out);
        backend().linear(framed(x, rows, in), weight.matrix(), null, y);
        backend().matmul(dy, weight.matrix(), dx, 1, 0);
        backend().matmul(dy.t(), framed(x, rows, in), dw, 1, 0);
        // ⟨x·Wᵀ, g⟩ = ⟨x, g·W⟩ = ⟨W, gᵀ·x⟩, three ways to sum rows·in·out products
        double size = Oracle.dot(Oracle.product(Oracle.abs(x), Oracle.transpose(Oracle.abs(w), out, in), rows, in, out), Oracle.abs(g));
        double forward = Oracle.dot(read(y), g);
        double bound = roundings(rows + in + out) * size + rows * in * out * 0x1p-52 * size;
        assertWithin(new double[] {Oracle.dot(x, read(dx)), Oracle.dot(w, read(dw))}, new double[] {forward, forward}, i -> bound);
    }

    @Property(tries = TRIES)
    void attentionToOnesIsOne(
            @ForAll @IntRange(min = 1, max = 4) int batch, @ForAll @IntRange(min = 1, max = 40) int length,
            @ForAll @IntRange(min = 1, max = 3) int heads, @ForAll @IntRange(min = 1, max = 20) int headSize,
            @ForAll boolean causal, @ForAll boolean padded, @ForAll int seed) {
        AttentionShape shape = AttentionShape.self(batch, length, heads, headSize, causal);
        int rows = batch * length;
        int[] visible = new int[rows];
        Arrays.setAll(visible, i -> i % length == 0 || (i * 31 + seed) % 3 != 0 ? 1 : 0); // every query sees the first key
        IntTensor mask = padded ? ints(visible, batch, length) : null;
        MatrixView x = framed(numbers("x" + seed, rows * shape.width()), rows, shape.width());
        MatrixView ones = framed(constant(1, rows * shape.width()), rows, shape.width());
        MatrixView y = framedNans(rows, shape.width());
        backend().attention(new Attention(x, x, ones, mask, shape, DropoutMask.NONE), new AttentionOutput(y, null));
        // the weights were divided by their own sum: what is left is the rounding of both sums and of each weight
        assertWithin(read(y), constant(1, rows * shape.width()), i -> roundings(4 * length + 4 * FUNCTION));
    }

    @Property(tries = TRIES)
    void theFirstQueryOfACausalSequenceSeesItself(
            @ForAll @IntRange(min = 1, max = 3) int batch, @ForAll @IntRange(min = 1, max = 40) int length,
            @ForAll @IntRange(min = 1, max = 20) int headSize, @ForAll int seed) {
        AttentionShape shape = AttentionShape.self(batch, length, 2, headSize, true);
        int rows = batch * length;
        int width = shape.width();
        double[] v = numbers("v" + seed, rows * width);
        MatrixView x = framed(numbers("x" + seed, rows * width), rows, width);
        MatrixView y = framedNans(rows, width);
        backend().attention(Attention.of(x, x, framed(v, rows, width), shape), new AttentionOutput(y, null));
        double[] values = read(y);
        for (int b = 0; b < batch; b++) {
            double[] expected = Oracle.block(v, width, b * length, 1, 0, width);
            assertWithin(Oracle.block(values, width, b * length, 1, 0, width), expected, i -> roundings(2 * FUNCTION) * Math.abs(expected[i]));
        }
    }

    @Property(tries = TRIES)
    void aBatchEqualsItsSequencesOneAtATime(
            @ForAll @IntRange(min = 2, max = 4) int batch, @ForAll @IntRange(min = 1, max = 30) int length,
            @ForAll @IntRange(min = 1, max = 20) int headSize, @ForAll boolean causal, @ForAll int seed) {
        AttentionShape together = AttentionShape.self(batch, length, 2, headSize, causal);
        AttentionShape alone = AttentionShape.self(1, length, 2, headSize, causal);
        int width = together.width();
        double[] x = numbers("x" + seed, batch * length * width);
        Tensor in = tensor(x, batch * length, width);
        Tensor y = nans(batch * length, width);
        backend().attention(Attention.of(in.matrix(), in.matrix(), in.matrix(), together),
                new AttentionOutput(y.matrix(), null));
        double[] expected = read(y);
        for (int b = 0; b < batch; b++) {
            Tensor one = nans(length, width);
            MatrixView rows = in.rows(b * length, length);
            backend().attention(Attention.of(rows, rows, rows, alone), new AttentionOutput(one.matrix(), null));
            assertSameBits(read(one), Oracle.block(expected, width, b * length, length, 0, width));
        }
    }

    @Property(tries = TRIES)
    void layerNormOfABatchEqualsItsRowsOneAtATime(
            @ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 1, max = 150) int columns, @ForAll int seed) {
        double[] x = numbers("x" + seed, rows * columns);
        double[] together = layerNorm(x, numbers("gamma", columns), numbers("beta", columns), rows, columns);
        for (int n = 0; n < rows; n++) {
            double[] row = Oracle.block(x, columns, n, 1, 0, columns);
            assertSameBits(layerNorm(row, numbers("gamma", columns), numbers("beta", columns), 1, columns),
                    Oracle.block(together, columns, n, 1, 0, columns));
        }
    }

    @Property(tries = TRIES)
    void aNormalisedRowHasTheMeanOfBetaAndAtMostUnitVariance(
            @ForAll @IntRange(min = 1, max = 150) int columns, @ForAll @DoubleRange(min = -50, max = 50) double shift, @ForAll int seed) {
        double[] x = Arrays.stream(numbers("x" + seed, columns)).map(v -> (float) (v + shift)).toArray();
        double[] beta = constant(0.5, columns);
        double[] y = layerNorm(x, constant(1, columns), beta, 1, columns);
        double spread = Math.sqrt(Arrays.stream(x).map(v -> v * v).sum() / columns) / Math.sqrt(1e-5);
        double mean = Arrays.stream(y).sum() / columns;
        double variance = Arrays.stream(y).map(v -> (v - mean) * (v - mean)).sum() / columns;
        // μ is off by C roundings of mean |x|, which rstd ≤ 1/√eps multiplies; then the roundings of y itself
        assertWithin(new double[] {mean}, new double[] {0.5}, i -> roundings(columns + 6) * (spread + Math.sqrt(columns)));
        assertThat(variance).isLessThanOrEqualTo(1 + roundings(3 * columns + 20) * (1 + spread));
    }

    private double[] layerNorm(double[] x, double[] gamma, double[] beta, int rows, int columns) {
        Tensor y = nans(rows, columns);
        backend().norm(Norm.layer(tensor(gamma, columns), tensor(beta, columns), 1e-5), tensor(x, rows, columns), y,
                new NormStatistics(nans(rows), nans(rows)));
        return read(y);
    }

    @Property(tries = TRIES)
    void theLossIsNotNegativeAndItsGradientSumsToZero(
            @ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 1, max = 200) int classes,
            @ForAll @DoubleRange(min = 0, max = 0.5) double smoothing, @ForAll int seed) {
        int[] targets = new int[rows];
        Arrays.setAll(targets, n -> n * 13 % classes);
        Tensor logits = tensor(numbers("z" + seed, rows * classes), rows, classes);
        Tensor losses = nans(rows);
        backend().crossEntropyWithGradient(logits, ints(targets, rows), smoothing, 1, losses);
        double largest = 2 * (8 + Math.log(classes)); // normal numbers stay within ±6.8
        double[] gradient = read(logits);
        for (int n = 0; n < rows; n++) {
            // Σp = 1 and Σ(1 − ε)·onehot + ε/V = 1, each with the roundings of its terms
            double sum = Arrays.stream(gradient, n * classes, (n + 1) * classes).sum();
            assertThat(Math.abs(sum)).isLessThanOrEqualTo(2 * roundings(2 * classes + 4 * FUNCTION + largest));
        }
        assertThat(Arrays.stream(read(losses)).min().orElseThrow())
                .isGreaterThanOrEqualTo(-roundings(2 * classes + 4 * FUNCTION + 6 * largest));
    }

    @Property(tries = TRIES)
    void droppingTwiceDropsNothingMore(
            @ForAll @IntRange(min = 1, max = 300) int size, @ForAll @DoubleRange(min = 0, max = 0.95) double p, @ForAll long seed) {
        DropoutMask mask = new DropoutMask(p, seed, seed >>> 50, (int) seed);
        Tensor once = nans(size);
        Tensor twice = nans(size);
        backend().dropout(tensor(constant(1, size), size), once, mask);
        backend().dropout(once, twice, mask);
        double[] first = read(once);
        double[] second = read(twice);
        double[] expected = Arrays.stream(first).map(v -> v * v).toArray();
        assertWithin(second, expected, i -> roundings(2) * expected[i]);
        for (int i = 0; i < size; i++) {
            assertThat(second[i] == 0).isEqualTo(first[i] == 0);
        }
    }
}
