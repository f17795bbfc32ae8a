package org.lora4j.backend.tornado;

import java.util.Arrays;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** Records what reads and writes rows of tables; the arguments have been checked. */
final class EmbeddingCalls {

    private final Operands operands;

    EmbeddingCalls(Operands operands) {
        this.operands = operands;
    }

    void gather(Tensor table, IntTensor rows, Tensor out, double beta) {
        Region[] reads = {operands.region(table, "table")};
        Region to = operands.region(out, "out");
        int[] numbers = operands.rows(rows, table.rows());
        operands.record(Launch.of(Kernel.GATHER, new int[] {
            (int) out.size(), table.columns(), reads[0].from(), 0, to.from(), beta == 0 ? 0 : 1}, beta)
                .with(3, numbers, rows.size()), reads, to);
    }

    void scatterAdd(Tensor g, IntTensor rows, Tensor table) {
        Region[] reads = {operands.region(g, "g")};
        Region to = operands.region(table, "table");
        int[] numbers = operands.rows(rows, table.rows());
        int[] lists = occurrences(numbers, rows.size());
        int distinct = (lists.length - 1 - rows.size()) / 2;
        operands.record(Launch.of(Kernel.SCATTER_ADD, new int[] {
            Math.multiplyExact(distinct, table.columns()), distinct, table.columns(), reads[0].from(), to.from(), 0})
                .with(5, lists), reads, to);
    }

    /**
     * For each of the d different numbers, ascending, where its occurrences begin, and where the last one's end; then the
     * numbers themselves; then the positions of all occurrences, those of each number in their order. d + 1 + d + count.
     */
    static int[] occurrences(int[] numbers, int count) {
        long[] sorted = new long[count];
        for (int i = 0; i < count; i++) {
            sorted[i] = (long) numbers[i] << 32 | i;
        }
        Arrays.sort(sorted);
        int distinct = 0;
        for (int i = 0; i < count; i++) {
            if (i == 0 || sorted[i] >> 32 != sorted[i - 1] >> 32) {
                distinct++;
            }
        }
        int[] lists = new int[2 * distinct + 1 + count];
        int which = -1;
        for (int i = 0; i < count; i++) {
            if (i == 0 || sorted[i] >> 32 != sorted[i - 1] >> 32) {
                which++;
                lists[which] = i;
                lists[distinct + 1 + which] = (int) (sorted[i] >> 32);
            }
            lists[2 * distinct + 1 + i] = (int) sorted[i];
        }
        lists[distinct] = count;
        return lists;
    }
}
