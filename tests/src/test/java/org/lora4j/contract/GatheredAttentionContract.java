package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

abstract class GatheredAttentionContract extends ContractFamily {

    GatheredAttentionContract(Subject subject) {
        super(subject);
    }

    /** Queries, keys a query, rows of the table, heads, columns of a head. */
    record Sizes(int queries, int keys, int table, int nHead, int headSize, int keyHeads) {

        Sizes(int queries, int keys, int table, int nHead, int headSize) {
            this(queries, keys, table, nHead, headSize, nHead);
        }

        int keyWidth() {
            return keyHeads * headSize;
        }

        AttentionHeads heads() {
            return new AttentionHeads(nHead, keyHeads, headSize, 1 / Math.sqrt(headSize));
        }

        int width() {
            return nHead * headSize;
        }

        /** Rows here and there in the table, some of them for several queries and some twice for one. */
        int[] rows() {
            int[] rows = new int[queries * keys];
            Arrays.setAll(rows, i -> (i % keys % 3 == 0 ? i % keys : 7 * i + i / keys) % table);
            return rows;
        }

        /** Query n sees keys − n of its keys, at least one, and not every fifth. */
        int[] mask() {
            int[] mask = new int[queries * keys];
            Arrays.setAll(mask, i -> i % keys == 0 || i % keys < keys - i / keys && i % keys % 5 != 3 ? 1 : 0);
            return mask;
        }
    }

    static List<Sizes> sizesOfAttention() {
        return List.of(
                new Sizes(1, 1, 1, 1, 1), new Sizes(3, 4, 5, 2, 6), new Sizes(2, 13, 40, 3, 4), new Sizes(10, 97, 300, 4, 64),
                new Sizes(33, 16, 16, 1, 13), new Sizes(7, 207, 70, 2, 16), new Sizes(5, 31, 64, 2, 70),
                new Sizes(5, 31, 64, 6, 16, 2), new Sizes(3, 9, 20, 4, 5, 1));
    }

    @ParameterizedTest
    @MethodSource("sizesOfAttention")
    void itIsAttentionToTheRowsThatAreNamed(Sizes sizes) {
        for (int[] mask : new int[][] {null, sizes.mask()}) {
            double[] q = numbers("q", sizes.queries * sizes.width());
            double[] k = numbers("k", sizes.table * sizes.keyWidth());
            double[] v = numbers("v", sizes.table * sizes.keyWidth());
            AttentionShape shape = new AttentionShape(sizes.queries, 1, sizes.keys, sizes.keys, sizes.heads(), false);
            AttentionCase asAttention = new AttentionCase("gathered", shape, mask, DropoutMask.NONE);
            AttentionOracle oracle = new AttentionOracle(q, gathered(k, sizes), gathered(v, sizes),
                    new double[q.length], mask, shape, DropoutMask.NONE);

            MatrixView y = framedNans(sizes.queries, sizes.width());
            backend().gatheredAttention(framed(q, sizes.queries, sizes.width()),
                    new GatheredKeys(tensor(k, sizes.table, sizes.keyWidth()), tensor(v, sizes.table, sizes.keyWidth()),
                    ints(sizes.rows(), sizes.queries, sizes.keys),
                    mask == null ? null : ints(mask, sizes.queries, sizes.keys)), sizes.heads(), y);

            double weight = AttentionContract.weightRoundings(asAttention, oracle.scoreSize);
            assertWithin(read(y), oracle.y, i -> roundings(weight + sizes.keys + 3) * oracle.ySize[i]);
        }
    }

    private static double[] gathered(double[] table, Sizes sizes) {
        int[] rows = sizes.rows();
        double[] out = new double[rows.length * sizes.keyWidth()];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(table, rows[i] * sizes.keyWidth(), out, i * sizes.keyWidth(), sizes.keyWidth());
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("sizesOfAttention")
    void aWindowHidesWhatStandsFarBeforeTheLastVisibleKey(Sizes sizes) {
        for (int[] mask : new int[][] {null, sizes.mask()}) {
            for (int window : new int[] {1, 4, sizes.keys}) {
                int[] near = new int[sizes.queries * sizes.keys];
                for (int n = 0; n < sizes.queries; n++) {
                    int last = sizes.keys - 1;
                    while (mask != null && mask[n * sizes.keys + last] == 0) {
                        last--;
                    }
                    for (int s = Math.max(0, last - window + 1); s <= last; s++) {
                        near[n * sizes.keys + s] = mask == null ? 1 : mask[n * sizes.keys + s];
                    }
                }
                assertThat(attend(sizes, mask, window)).usingComparatorWithPrecision(roundings(100))
                        .containsExactly(attend(sizes, near, AttentionShape.NO_WINDOW));
            }
        }
    }

    private double[] attend(Sizes sizes, int[] mask, int window) {
        Tensor y = nans(sizes.queries, sizes.width());
        backend().gatheredAttention(tensor(numbers("q", sizes.queries * sizes.width()), sizes.queries, sizes.width()).matrix(),
                new GatheredKeys(tensor(numbers("k", sizes.table * sizes.keyWidth()), sizes.table, sizes.keyWidth()),
                        tensor(numbers("v", sizes.table * sizes.keyWidth()), sizes.table, sizes.keyWidth()),
                        ints(sizes.rows(), sizes.queries, sizes.keys),
                        mask == null ? null : ints(mask, sizes.queries, sizes.keys), window), sizes.heads(), y.matrix());
        return read(y);
    }

    @Test
    void aQueryOfWhichAllKeysAreHiddenGivesZero() {
        Tensor table = tensor(numbers("x", 12), 3, 4);
        Tensor y = nans(2, 4);
        backend().gatheredAttention(tensor(numbers("q", 8), 2, 4).matrix(),
                new GatheredKeys(table, table, ints(new int[] {0, 1, 2, 1}, 2, 2), ints(new int[] {0, 0, 0, 1}, 2, 2)),
                AttentionHeads.of(2, 2, 1), y.matrix());
        double[] values = read(y);
        assertThat(Arrays.copyOf(values, 4)).containsOnly(0);
        assertWithin(Arrays.copyOfRange(values, 4, 8), Arrays.copyOfRange(read(table), 4, 8), i -> roundings(4) * 4);
    }

    @Test
    void aQueryInCompanyAndWithMoreRoomHasTheBitsItHasAlone() {
        Sizes sizes = new Sizes(9, 37, 50, 2, 20);
        Tensor k = tensor(numbers("k", 50 * 40), 50, 40);
        Tensor v = tensor(numbers("v", 50 * 40), 50, 40);
        double[] q = numbers("q", 9 * 40);
        int[] rows = sizes.rows();
        int[] mask = sizes.mask();
        Tensor together = nans(9, 40);
        backend().gatheredAttention(tensor(q, 9, 40).matrix(), new GatheredKeys(k, v, ints(rows, 9, 37), ints(mask, 9, 37)),
                AttentionHeads.of(2, 20, 0.3), together.matrix());
        for (int n = 0; n < 9; n++) {
            int room = 37 - n; // behind these, all keys of this query are hidden
            Tensor alone = nans(1, 40);
            backend().gatheredAttention(tensor(Arrays.copyOfRange(q, n * 40, n * 40 + 40), 1, 40).matrix(),
                    new GatheredKeys(k, v, ints(Arrays.copyOfRange(rows, n * 37, n * 37 + room), 1, room),
                    ints(Arrays.copyOfRange(mask, n * 37, n * 37 + room), 1, room)), AttentionHeads.of(2, 20, 0.3),
                    alone.matrix());
            assertSameBits(read(alone), Arrays.copyOfRange(read(together), n * 40, n * 40 + 40));
        }
    }

    @Test
    void aRowBeyondTheTableIsRefused() {
        Tensor table = tensor(numbers("x", 12), 3, 4);
        for (int row : new int[] {-1, 3}) {
            IntTensor rows = ints(new int[] {0, row}, 1, 2);
            assertThatThrownBy(() -> backend().gatheredAttention(tensor(numbers("q", 4), 1, 4).matrix(),
                    new GatheredKeys(table, table, rows, null), AttentionHeads.of(2, 2, 1),
                    nans(1, 4).matrix())).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        Tensor table = tensor(numbers("x", 12), 3, 4);
        Tensor q = tensor(numbers("q", 8), 2, 4);
        IntTensor rows = ints(new int[] {0, 1, 2, 0}, 2, 2);
        refused(() -> backend().gatheredAttention(q.matrix(),
                new GatheredKeys(table, tensor(numbers("x", 16), 4, 4), rows, null), AttentionHeads.of(2, 2, 1),
                nans(2, 4).matrix()), "(4, 4)");
        refused(() -> backend().gatheredAttention(q.matrix(), new GatheredKeys(table, table, ints(new int[3], 3), null),
                AttentionHeads.of(2, 2, 1), nans(2, 4).matrix()), "(3)");
        refused(() -> backend().gatheredAttention(q.matrix(), new GatheredKeys(table, table, rows, ints(new int[2], 2)),
                AttentionHeads.of(2, 2, 1), nans(2, 4).matrix()), "mask (2)");
        refused(() -> backend().gatheredAttention(q.matrix(), new GatheredKeys(table, table, rows, null),
                AttentionHeads.of(3, 2, 1), nans(2, 4).matrix()), "3 heads");
        refused(() -> backend().gatheredAttention(q.matrix(), new GatheredKeys(table, table, rows, null),
                AttentionHeads.of(2, 2, 1), nans(2, 5).matrix()), "(2, 5)");
    }

    private static void refused(Runnable operation, String found) {
        assertThatThrownBy(operation::run).isInstanceOf(ShapeMismatchException.class).hasMessageContaining(found);
    }
}
