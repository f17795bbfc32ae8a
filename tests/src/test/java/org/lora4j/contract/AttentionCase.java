package org.lora4j.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;

/** One attention to try: sizes, the padding mask or null, dropout. */
record AttentionCase(String name, AttentionShape shape, int[] mask, DropoutMask dropout) {

    private static final DropoutMask DROPOUT = new DropoutMask(0.3, 99, 5, 17);

    /** batch, queries, keys, keyRows, nHead, headSize, key heads */
    private static final int[][] SIZES = {
        {1, 1, 1, 1, 1, 1}, {2, 6, 6, 6, 3, 4}, {1, 13, 13, 13, 2, 16}, {2, 4, 13, 16, 1, 6}, {3, 1, 16, 20, 2, 6},
        {2, 6, 4, 4, 2, 13}, {1, 207, 207, 207, 1, 13}, {2, 64, 64, 64, 2, 64}, {1, 16, 702, 702, 1, 4}, {1, 33, 65, 70, 2, 207},
        {2, 6, 6, 6, 4, 3, 2}, {1, 37, 37, 40, 6, 16, 2}, {2, 1, 16, 20, 4, 6, 1}, {1, 4, 13, 13, 3, 20, 1}};

    static List<AttentionCase> all() {
        List<AttentionCase> cases = new ArrayList<>();
        for (int[] s : SIZES) {
            for (boolean causal : new boolean[] {true, false}) {
                if (causal && s[2] < s[1]) {
                    continue;
                }
                AttentionHeads heads = AttentionHeads.of(s[4], s[5], 1 / Math.sqrt(s[5]));
                AttentionShape shape = new AttentionShape(
                        s[0], s[1], s[2], s[3], s.length == 7 ? heads.withKeyHeads(s[6]) : heads, causal);
                cases.add(new AttentionCase("all keys", shape, null, DropoutMask.NONE));
                cases.add(new AttentionCase("padding on the right", shape, mask(shape, true), DropoutMask.NONE));
                cases.add(new AttentionCase("padding on the left, dropout", shape, mask(shape, false), DROPOUT));
                cases.add(new AttentionCase("dropout", shape, null, DROPOUT));
                for (int window : causal ? new int[] {1, 3, Math.max(1, s[2] / 3)} : new int[0]) {
                    AttentionShape narrow = shape.withWindow(window);
                    cases.add(new AttentionCase("window", narrow, null, DropoutMask.NONE));
                    cases.add(new AttentionCase("window, padding on the left, dropout", narrow, mask(shape, false), DROPOUT));
                }
            }
        }
        return cases;
    }

    /** Sequence b keeps its first or last max(1, keys − 2b − 1) keys. */
    private static int[] mask(AttentionShape shape, boolean right) {
        int[] mask = new int[shape.batch() * shape.keys()];
        for (int b = 0; b < shape.batch(); b++) {
            int kept = Math.max(1, shape.keys() - 2 * b - 1);
            for (int s = 0; s < shape.keys(); s++) {
                mask[b * shape.keys() + s] = (right ? s < kept : s >= shape.keys() - kept) ? 1 : 0;
            }
        }
        return mask;
    }

    int queryRows() {
        return shape.batch() * shape.queries();
    }

    int keyRows() {
        return shape.batch() * shape.keyRows();
    }

    double[] queries(String what) {
        return ContractFamily.numbers(what, queryRows() * shape.width());
    }

    /** Rows of the cache that take no part are NaN. */
    double[] keys(String what) {
        double[] values = ContractFamily.numbers(what, keyRows() * shape.keyWidth());
        for (int row = 0; row < keyRows(); row++) {
            if (!takesPart(row)) {
                Arrays.fill(values, row * shape.keyWidth(), (row + 1) * shape.keyWidth(), Double.NaN);
            }
        }
        return values;
    }

    boolean takesPart(int keyRow) {
        return keyRow % shape.keyRows() < shape.keys();
    }

    AttentionOracle oracle() {
        return new AttentionOracle(queries("q"), keys("k"), keys("v"), queries("dy"), mask, shape, dropout);
    }

    @Override
    public String toString() {
        return name + ", " + shape;
    }
}
