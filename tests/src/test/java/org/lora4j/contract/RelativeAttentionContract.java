package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
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
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

abstract class RelativeAttentionContract extends ContractFamily {

    RelativeAttentionContract(Subject subject) {
        super(subject);
    }

    /** An attention with both terms, or one of them. */
    record RelativeCase(AttentionCase attention, boolean keys, boolean queries) {

        /** Distances up to 3 have a row of their own, those beyond share, and one row is nobody's. */
        int[] rows() {
            AttentionShape shape = attention.shape();
            int[] rows = new int[shape.queries() + shape.keys() - 1];
            for (int i = 0; i < rows.length; i++) {
                int distance = i - shape.keys() + 1;
                rows[i] = 4 + Integer.signum(distance) * Math.min(Math.abs(distance), 3 + Math.abs(distance) / 40 % 2);
            }
            return rows;
        }

        int count() {
            return 10;
        }

        double[] table(String what, boolean there) {
            double[] table = new double[count() * attention.shape().width()];
            return there ? numbers(what, table.length) : table;
        }

        AttentionOracle oracle() {
            AttentionCase c = attention;
            return new AttentionOracle(c.queries("q"), c.keys("k"), c.keys("v"), c.queries("dy"), c.mask(), c.shape(), c.dropout(),
                    new AttentionOracle.Distances(table("relative keys", keys), table("relative queries", queries), rows()));
        }
    }

    static List<RelativeCase> cases() {
        List<RelativeCase> cases = new ArrayList<>();
        for (AttentionCase c : AttentionCase.all()) {
            cases.add(new RelativeCase(c, true, true));
            if (c.mask() == null) {
                cases.add(new RelativeCase(c, true, false));
                cases.add(new RelativeCase(c, false, true));
            }
        }
        return cases;
    }

    private Attention attention(RelativeCase r) {
        AttentionCase c = r.attention();
        AttentionShape shape = c.shape();
        IntTensor mask = c.mask() == null ? null : ints(c.mask(), shape.batch(), shape.keys());
        RelativeScores relative = new RelativeScores(
                r.keys() ? framed(r.table("relative keys", true), r.count(), shape.width()) : null,
                r.queries() ? framed(r.table("relative queries", true), r.count(), shape.width()) : null,
                ints(r.rows(), r.rows().length));
        return new Attention(framed(c.queries("q"), c.queryRows(), shape.width()),
                framed(c.keys("k"), c.keyRows(), shape.keyWidth()), framed(c.keys("v"), c.keyRows(), shape.keyWidth()), mask, shape,
                c.dropout()).withRelative(relative);
    }

    /** As {@link AttentionContract#weightRoundings}, where a score is a sum of three products. */
    private static double weightRoundings(RelativeCase r, AttentionOracle oracle) {
        return AttentionContract.weightRoundings(r.attention(), oracle.scoreSize)
                + 2 * (2 * r.attention().shape().headSize() + 3) * oracle.scoreSize;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void distancesAddToTheScores(RelativeCase r) {
        AttentionCase c = r.attention();
        AttentionShape shape = c.shape();
        AttentionOracle oracle = r.oracle();
        MatrixView y = framedNans(c.queryRows(), shape.width());
        Tensor lse = nans(shape.batch() * shape.nHead(), shape.queries());
        backend().attention(attention(r), new AttentionOutput(y, lse));
        double weight = weightRoundings(r, oracle);
        assertWithin(read(y), oracle.y, i -> roundings(weight + shape.keys() + 3) * oracle.ySize[i]);
        assertWithin(read(lse), oracle.lse, i -> roundings(weight) + roundings(2) * Math.abs(oracle.lse[i]));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theGradientReachesWhatDistancesAdd(RelativeCase r) {
        AttentionCase c = r.attention();
        AttentionShape shape = c.shape();
        AttentionOracle oracle = r.oracle();
        MatrixView dq = framedNans(c.queryRows(), shape.width());
        MatrixView dk = framedNans(c.keyRows(), shape.keyWidth());
        MatrixView dv = framedNans(c.keyRows(), shape.keyWidth());
        MatrixView dKeys = r.keys() ? framedNans(r.count(), shape.width()) : null;
        MatrixView dQueries = r.queries() ? framedNans(r.count(), shape.width()) : null;
        AttentionOutput out = new AttentionOutput(framed(oracle.y, c.queryRows(), shape.width()),
                tensor(oracle.lse, shape.batch() * shape.nHead(), shape.queries()));
        MatrixView dy = framed(c.queries("dy"), c.queryRows(), shape.width());
        backend().attentionBackward(attention(r), out, dy, new AttentionGradient(dq, dk, dv, dKeys, dQueries));

        double lseSize = Arrays.stream(oracle.lse).filter(Double::isFinite).map(Math::abs).max().orElse(0);
        double ds = weightRoundings(r, oracle) + 2 * lseSize + shape.headSize() + 8;
        int heads = shape.queries() * shape.heads().group();
        assertWithin(read(dq), oracle.dq, i -> roundings(ds + 2 * shape.keys()) * oracle.dqSize[i]);
        double[] dkNow = read(dk);
        double[] dvNow = read(dv);
        for (int i = 0; i < dkNow.length; i++) { // rows that take no part are not written
            if (!c.takesPart(i / shape.keyWidth())) {
                dkNow[i] = oracle.dk[i];
                dvNow[i] = oracle.dv[i];
            }
        }
        assertWithin(dkNow, oracle.dk, i -> roundings(ds + 2 * heads) * oracle.dkSize[i]);
        assertWithin(dvNow, oracle.dv, i -> roundings(ds + heads) * oracle.dvSize[i]);
        int pairs = shape.batch() * (shape.queries() + shape.keys());
        if (dKeys != null) {
            assertWithin(read(dKeys), oracle.dRelativeKeys, i -> roundings(ds + pairs) * oracle.dRelativeKeysSize[i]);
        }
        if (dQueries != null) {
            assertWithin(read(dQueries), oracle.dRelativeQueries, i -> roundings(ds + pairs) * oracle.dRelativeQueriesSize[i]);
        }

        MatrixView[] again = {
            framedNans(c.queryRows(), shape.width()), framedNans(c.keyRows(), shape.keyWidth()),
            framedNans(c.keyRows(), shape.keyWidth())};
        backend().attentionBackward(attention(r), out, dy, new AttentionGradient(again[0], again[1], again[2]));
        assertSameBits(read(again[0]), read(dq));
        assertSameBits(read(again[1]), read(dk));
    }

    @Test
    void whatDistancesAddMustFit() {
        AttentionShape shape = AttentionShape.self(2, 3, 2, 2, false);
        MatrixView x = tensor(numbers("x", 24), 6, 4).matrix();
        Attention plain = Attention.of(x, x, x, shape);
        MatrixView table = tensor(numbers("table", 20), 5, 4).matrix();
        AttentionOutput out = new AttentionOutput(nans(6, 4).matrix(), null);
        IntTensor rows = ints(new int[] {0, 1, 2, 3, 4}, 5);
        assertThatThrownBy(() -> backend().attention(
                plain.withRelative(new RelativeScores(table, null, ints(new int[] {0, 1, 2, 3}, 4))), out))
                .hasMessageContaining("rows (5)").hasMessageContaining("(4)");
        assertThatThrownBy(() -> backend().attention(
                plain.withRelative(new RelativeScores(table, tensor(numbers("t", 16), 4, 4).matrix(), rows)), out))
                .hasMessageContaining("relative queries (4, 4)");
        assertThatThrownBy(() -> backend().attention(
                plain.withRelative(new RelativeScores(table, null, ints(new int[] {0, 1, 2, 3, 5}, 5))), out))
                .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("row 5");
        assertThatThrownBy(() -> new RelativeScores(null, null, rows)).isInstanceOf(IllegalArgumentException.class);
        AttentionOutput done = new AttentionOutput(x, tensor(numbers("lse", 12), 4, 3));
        MatrixView g = nans(6, 4).matrix();
        assertThatThrownBy(() -> backend().attentionBackward(
                plain.withRelative(new RelativeScores(table, null, rows)), done, x, new AttentionGradient(g, g, g, null, table)))
                .hasMessageContaining("dRelativeQueries");
    }

    @Test
    void oneHeadOfManySequencesAddsUpTheSameInAnyCompany() {
        // the sums over sequences are cut by the shape; a table's gradient is that of the sequences one by one, added
        AttentionShape all = AttentionShape.self(70, 5, 1, 4, false);
        AttentionShape one = AttentionShape.self(1, 5, 1, 4, false);
        double[] table = numbers("table", 36);
        IntTensor rows = ints(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8}, 9);
        Tensor x = tensor(numbers("x", 70 * 20), 350, 4);
        Tensor dy = tensor(numbers("dy", 70 * 20), 350, 4);
        double[] together = tableGradient(x.matrix(), dy.matrix(), table, rows, all);
        double[] sum = new double[36];
        double[] size = new double[36];
        for (int b = 0; b < 70; b++) {
            double[] g = tableGradient(x.rows(5 * b, 5), dy.rows(5 * b, 5), table, rows, one);
            for (int i = 0; i < 36; i++) {
                sum[i] += g[i];
                size[i] += Math.abs(g[i]);
            }
        }
        assertWithin(together, sum, i -> roundings(70 + FUNCTION) * size[i]);
    }

    private double[] tableGradient(MatrixView x, MatrixView dy, double[] table, IntTensor rows, AttentionShape shape) {
        Attention in = new Attention(x, x, x, null, shape, DropoutMask.NONE)
                .withRelative(new RelativeScores(tensor(table, 9, 4).matrix(), null, rows));
        AttentionOutput out = new AttentionOutput(nans(x.rows(), 4).matrix(), nans(shape.batch(), 5));
        backend().attention(in, out);
        Tensor dTable = nans(9, 4);
        backend().attentionBackward(in, out, dy, new AttentionGradient(nans(x.rows(), 4).matrix(), nans(x.rows(), 4).matrix(),
                nans(x.rows(), 4).matrix(), dTable.matrix(), null));
        return read(dTable);
    }
}
