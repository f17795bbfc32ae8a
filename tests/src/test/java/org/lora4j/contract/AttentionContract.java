package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

abstract class AttentionContract extends ContractFamily {

    AttentionContract(Subject subject) {
        super(subject);
    }

    static List<AttentionCase> cases() {
        return AttentionCase.all();
    }

    /**
     * The relative error of a softmax weight: e to a score with its error and that of its distance from the maximum, over
     * a sum of such terms, which an online softmax scales once more for every key.
     */
    static double weightRoundings(AttentionCase c, double scoreSize) {
        AttentionShape shape = c.shape();
        return 2 * (shape.headSize() + 3) * scoreSize + 2 * FUNCTION + 2 * shape.keys() + 4;
    }

    IntTensor mask(AttentionCase c) {
        return c.mask() == null ? null : ints(c.mask(), c.shape().batch(), c.shape().keys());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void attentionIsTheSoftmaxOfTheScoresTimesTheValues(AttentionCase c) {
        AttentionShape shape = c.shape();
        AttentionOracle oracle = c.oracle();
        MatrixView q = framed(c.queries("q"), c.queryRows(), shape.width());
        MatrixView k = framed(c.keys("k"), c.keyRows(), shape.keyWidth());
        MatrixView v = framed(c.keys("v"), c.keyRows(), shape.keyWidth());
        MatrixView y = framedNans(c.queryRows(), shape.width());
        Tensor lse = nans(shape.batch() * shape.nHead(), shape.queries());
        backend().attention(new Attention(q, k, v, mask(c), shape, c.dropout()), new AttentionOutput(y, lse));

        double weight = weightRoundings(c, oracle.scoreSize);
        double[] lseNow = read(lse);
        double[] yNow = read(y);
        assertWithin(yNow, oracle.y, i -> roundings(weight + shape.keys() + 3) * oracle.ySize[i]);
        assertWithin(lseNow, oracle.lse, i -> roundings(weight) + roundings(2) * Math.abs(oracle.lse[i]));

        MatrixView withoutLse = framedNans(c.queryRows(), shape.width());
        backend().attention(new Attention(q, k, v, mask(c), shape, c.dropout()), new AttentionOutput(withoutLse, null));
        assertSameBits(read(withoutLse), yNow);
    }

    @Test
    void aQueryThatSeesNoKeyGivesZero() {
        AttentionShape shape = AttentionShape.self(2, 4, 2, 3, true);
        IntTensor mask = ints(new int[] {0, 0, 1, 1, 0, 0, 0, 0}, 2, 4);
        Tensor y = nans(8, 6);
        Tensor lse = nans(4, 4);
        Tensor x = tensor(numbers("x", 48), 8, 6);
        backend().attention(new Attention(x.matrix(), x.matrix(), x.matrix(), mask, shape, DropoutMask.NONE),
                new AttentionOutput(y.matrix(), lse));
        double[] values = read(y);
        double[] logSums = read(lse);
        for (int row = 0; row < 8; row++) {
            boolean hidden = row < 2 || row >= 4;
            for (int j = 0; j < 6; j++) {
                assertThat(values[row * 6 + j] == 0).isEqualTo(hidden);
            }
            for (int h = 0; h < 2; h++) {
                double logSum = logSums[(row / 4 * 2 + h) * 4 + row % 4];
                assertThat(logSum == Double.NEGATIVE_INFINITY).isEqualTo(hidden);
            }
        }
    }

    @Test
    void whatIsHiddenHasNoInfluenceAtAll() {
        AttentionShape shape = AttentionShape.self(1, 13, 2, 6, true);
        int[] mask = {0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
        double[] x = numbers("x", 13 * 12);
        double[] y = attend(shape, x, mask);
        double[] changed = x.clone();
        for (int j = 0; j < 12; j++) {
            changed[5 * 12 + j] = 1e3;       // hidden by the mask from everyone
            changed[12 * 12 + j] = -1e3;     // in the future of all but the last
        }
        double[] yAfter = attend(shape, changed, mask);
        for (int t = 0; t < 12; t++) {
            if (t != 5) { // its own query changed
                assertSameBits(Oracle.block(yAfter, 12, t, 1, 0, 12), Oracle.block(y, 12, t, 1, 0, 12));
            }
        }
    }

    private double[] attend(AttentionShape shape, double[] x, int[] mask) {
        Tensor in = tensor(x, shape.batch() * shape.queries(), shape.width());
        Tensor y = nans(shape.batch() * shape.queries(), shape.width());
        backend().attention(new Attention(in.matrix(), in.matrix(), in.matrix(), ints(mask, shape.batch(), shape.keys()),
                shape, DropoutMask.NONE), new AttentionOutput(y.matrix(), null));
        return read(y);
    }

    @Test
    void scoresFarApartNeitherOverflowNorVanish() {
        // scores ±10⁴ would overflow without the maximum taken out: all weight goes to the one key that fits
        AttentionShape shape = new AttentionShape(1, 2, 3, 3, AttentionHeads.of(1, 1, 1), false);
        Tensor q = tensor(new double[] {100, -100}, 2, 1);
        Tensor k = tensor(new double[] {100, 0, -100}, 3, 1);
        Tensor v = tensor(new double[] {5, 6, 7}, 3, 1);
        Tensor y = nans(2, 1);
        Tensor lse = nans(1, 2);
        backend().attention(Attention.of(q.matrix(), k.matrix(), v.matrix(), shape), new AttentionOutput(y.matrix(), lse));
        assertWithin(read(y), new double[] {5, 7}, i -> roundings(FUNCTION) * 7);
        assertWithin(read(lse), new double[] {1e4, 1e4}, i -> roundings(FUNCTION) * 1e4);
    }

    @Test
    void queriesKeysAndValuesMayBeColumnsOfOneTensor() {
        AttentionShape shape = AttentionShape.self(2, 13, 3, 4, true);
        double[] fused = numbers("fused", 26 * 36);
        Tensor qkv = tensor(fused, 26, 36);
        Tensor y = nans(26, 12);
        backend().attention(Attention.of(qkv.columns(0, 12), qkv.columns(12, 12), qkv.columns(24, 12), shape),
                new AttentionOutput(y.matrix(), null));
        Tensor apart = nans(26, 12);
        backend().attention(Attention.of(tensor(Oracle.block(fused, 36, 0, 26, 0, 12), 26, 12).matrix(),
                tensor(Oracle.block(fused, 36, 0, 26, 12, 12), 26, 12).matrix(),
                tensor(Oracle.block(fused, 36, 0, 26, 24, 12), 26, 12).matrix(), shape),
                new AttentionOutput(apart.matrix(), null));
        assertSameBits(read(y), read(apart));
    }

    /** A run that has diverged must be seen: a score that is NaN must not pass for a weight of 0. */
    @Test
    void aScoreThatIsNotANumberMakesTheOutputOfWhoeverSeesItNotANumber() {
        AttentionShape shape = AttentionShape.self(1, 70, 2, 4, true);
        Tensor q = tensor(constant(1, 70 * 8), 70, 8);
        Tensor v = tensor(numbers("v", 70 * 8), 70, 8);
        for (int bad : new int[] {0, 5, 69}) {
            for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) { // ∞ − ∞ in the softmax
                double[] keys = numbers("k", 70 * 8);
                keys[bad * 8 + 1] = value; // of the first head
                Tensor y = nans(70, 8);
                Tensor lse = nans(2, 70);
                backend().attention(Attention.of(q.matrix(), tensor(keys, 70, 8).matrix(), v.matrix(), shape),
                        new AttentionOutput(y.matrix(), lse));
                double[] values = read(y);
                double[] logSums = read(lse);
                for (int t = 0; t < 70; t++) {
                    assertThat(values[t * 8 + 4]).as("the other head").isFinite();
                    if (t >= bad) {
                        assertThat(values[t * 8]).as("query %d, key %d is %s", t, bad, value).isNaN();
                        assertThat(logSums[t]).as("lse").isNotEqualTo(Double.NEGATIVE_INFINITY).satisfies(
                                logSum -> assertThat(Double.isFinite(logSum)).isFalse());
                    }
                }
            }
        }
    }
}
