package org.lora4j.contract;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

abstract class AttentionGradientContract extends ContractFamily {

    AttentionGradientContract(Subject subject) {
        super(subject);
    }

    static List<AttentionCase> cases() {
        return AttentionCase.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theGradientIsThatOfTheWrittenOutMatrices(AttentionCase c) {
        AttentionShape shape = c.shape();
        AttentionOracle oracle = c.oracle();
        int width = shape.width();
        IntTensor mask = c.mask() == null ? null : ints(c.mask(), shape.batch(), shape.keys());
        MatrixView dq = framedNans(c.queryRows(), width);
        int keyWidth = shape.keyWidth();
        MatrixView dk = framedNans(c.keyRows(), keyWidth);
        MatrixView dv = framedNans(c.keyRows(), keyWidth);
        Attention in = new Attention(framed(c.queries("q"), c.queryRows(), width),
                framed(c.keys("k"), c.keyRows(), keyWidth), framed(c.keys("v"), c.keyRows(), keyWidth), mask, shape, c.dropout());
        AttentionOutput out = new AttentionOutput(framed(oracle.y, c.queryRows(), width),
                tensor(oracle.lse, shape.batch() * shape.nHead(), shape.queries()));
        backend().attentionBackward(
                in, out, framed(c.queries("dy"), c.queryRows(), width), new AttentionGradient(dq, dk, dv));

        double lseSize = Arrays.stream(oracle.lse).filter(Double::isFinite).map(Math::abs).max().orElse(0);
        // P = e^(S − lse) with lse rounded too; the dot products dy·v and dy·y; the factors
        double ds = AttentionContract.weightRoundings(c, oracle.scoreSize) + 2 * lseSize + shape.headSize() + 8;
        assertWithin(read(dq), oracle.dq, i -> roundings(ds + shape.keys()) * oracle.dqSize[i]);
        double[] dkSize = takingPart(c, oracle.dkSize);
        double[] dvSize = takingPart(c, oracle.dvSize);
        assertWithin(takingPart(c, read(dk)), takingPart(c, oracle.dk), i -> roundings(ds + shape.queries() * shape.heads().group()) * dkSize[i]);
        assertWithin(takingPart(c, read(dv)), takingPart(c, oracle.dv), i -> roundings(ds + shape.queries() * shape.heads().group()) * dvSize[i]);
        assertSameBits(others(c, read(dk)), constant(Double.NaN, others(c, oracle.dk).length));
        assertSameBits(others(c, read(dv)), constant(Double.NaN, others(c, oracle.dv).length));
    }

    private static double[] takingPart(AttentionCase c, double[] x) {
        return select(c, x, true);
    }

    /** The rows of the cache that take no part, which are not written. */
    private static double[] others(AttentionCase c, double[] x) {
        return select(c, x, false);
    }

    private static double[] select(AttentionCase c, double[] x, boolean takingPart) {
        int width = c.shape().keyWidth();
        double[] rows = new double[x.length];
        int count = 0;
        for (int row = 0; row < c.keyRows(); row++) {
            if (c.takesPart(row) == takingPart) {
                System.arraycopy(x, row * width, rows, count++ * width, width);
            }
        }
        return Arrays.copyOf(rows, count * width);
    }

    @Test
    void theGradientMayGoToColumnsOfOneTensor() {
        AttentionShape shape = AttentionShape.self(2, 13, 3, 4, true);
        DropoutMask dropout = new DropoutMask(0.2, 1, 2, 3);
        Tensor qkv = tensor(numbers("fused", 26 * 36), 26, 36);
        MatrixView q = qkv.columns(0, 12);
        MatrixView k = qkv.columns(12, 12);
        MatrixView v = qkv.columns(24, 12);
        Tensor y = nans(26, 12);
        Tensor lse = nans(6, 13);
        Attention in = new Attention(q, k, v, null, shape, dropout);
        AttentionOutput out = new AttentionOutput(y.matrix(), lse);
        backend().attention(in, out);
        MatrixView dy = tensor(numbers("dy", 26 * 12), 26, 12).matrix();
        Tensor together = nans(26, 36);
        backend().attentionBackward(in, out, dy,
                new AttentionGradient(together.columns(0, 12), together.columns(12, 12), together.columns(24, 12)));
        Tensor[] apart = {nans(26, 12), nans(26, 12), nans(26, 12)};
        backend().attentionBackward(in, out, dy,
                new AttentionGradient(apart[0].matrix(), apart[1].matrix(), apart[2].matrix()));
        for (int part = 0; part < 3; part++) {
            assertSameBits(Oracle.block(read(together), 36, 0, 26, 12 * part, 12), read(apart[part]));
        }
    }
}
