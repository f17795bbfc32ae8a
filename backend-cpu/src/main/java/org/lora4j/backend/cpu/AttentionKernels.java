package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;
import static org.lora4j.backend.cpu.VectorMath.LANES;

import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * Masked multi-head attention and its gradient, a block of {@value #QUERY_BLOCK} queries of one head at a time:
 *
 * <pre>
 *   S = scale·q·kᵀ + mask      P = exp(S − max) / Σ      y = (P ⊙ M)·v      lse = max + log Σ
 * </pre>
 *
 * <p>Only the block's rows of S exist, and of them only what the block's last query can see, so causal attention does
 * about half of the work and memory grows with the length, not its square. With a window they begin at the first key that
 * the block's first query sees, rounded down to a whole panel. Backward computes P = exp(S − lse) again.
 *
 * <p>Keys and values of a head are first laid out in {@link AttentionPanels}, the keys transposed, so that scores are computed for
 * a vector of keys at a time and nothing is summed across lanes; a single query takes {@link SingleQueryAttention}.
 * One thread does a key head's whole backward, and a query's row never depends on the block it stands in: any number of
 * threads gives the same bits.
 */
final class AttentionKernels {

    /** Queries per block: fewer waste less above the diagonal, more read the keys less often. */
    static final int QUERY_BLOCK = 16;

    private AttentionKernels() {
    }

    /**
     * y and, where it is wanted, lse, as the contract says.
     *
     * @param mask (batch, keys), or null
     * @param dropout factors of rows of keys, one for each head and query; null for none
     * @param lse  (batch·nHead, queries), or null
     * @param relative what distances add, or null
     */
    static void forward(
            Workers workers, float[] q, int qOffset, int qStride, float[] k, int kOffset, int kStride, float[] v,
            int vOffset, int vStride, int[] mask, int maskOffset, AttentionShape shape, DropoutFactors dropout, RelativeTables relative,
            float[] y, int yOffset, int yStride, float[] lse, int lseOffset) {
        int heads = shape.nHead();
        int size = shape.headSize();
        int blocks = (shape.queries() + QUERY_BLOCK - 1) / QUERY_BLOCK;
        int parts = Math.min(blocks, Math.max(1, 2 * workers.threads() / Math.max(1, shape.batch() * heads)));
        int together = HeadRows.together(workers, shape.batch(), heads, shape.queries() * size);
        int groups = (heads + together - 1) / together;
        workers.run(shape.batch() * groups * parts, task -> {
            int part = parts - 1 - task % parts;
            int from = Math.min(shape.queries(), (int) ((long) blocks * part / parts) * QUERY_BLOCK);
            int to = Math.min(shape.queries(), (int) ((long) blocks * (part + 1) / parts) * QUERY_BLOCK);
            int b = task / parts / groups;
            int first = task / parts % groups * together;
            int last = Math.min(heads, first + together);
            if (together > 1) {
                int width = (last - first) * size;
                int keyColumn = first / shape.heads().group() * size;
                int keyWidth = (last - 1) / shape.heads().group() * size + size - keyColumn;
                Scratch.local().fetched(
                        HeadRows.fetch(q, qOffset + b * shape.queries() * qStride + first * size, qStride, shape.queries(), width)
                        + HeadRows.fetch(k, kOffset + b * shape.keyRows() * kStride + keyColumn, kStride, shape.keys(), keyWidth)
                        + HeadRows.fetch(v, vOffset + b * shape.keyRows() * vStride + keyColumn, vStride, shape.keys(), keyWidth));
            }
            HeadRows rows = new HeadRows(y, yOffset + b * shape.queries() * yStride + first * size, yStride, shape.queries(),
                    (last - first) * size, together > 1 ? Slot.HEADS : null);
            for (int head = first; head < last; head++) {
                int column = head * size;
                int keyColumn = head / shape.heads().group() * size;
                forwardHead(q, qOffset + b * shape.queries() * qStride + column, qStride,
                        k, kOffset + b * shape.keyRows() * kStride + keyColumn, kStride,
                        v, vOffset + b * shape.keyRows() * vStride + keyColumn, vStride,
                        mask, maskOffset + b * shape.keys(), shape, b * heads + head, dropout, relative, from, to,
                        rows.values(), rows.offset() + (head - first) * size, rows.stride(),
                        lse, lseOffset + (b * heads + head) * shape.queries());
            }
            rows.write();
        });
        if (dropout != null) {
            dropout.complete();
        }
    }

    private static void forwardHead(
            float[] q, int qOffset, int qStride, float[] k, int kOffset, int kStride, float[] v, int vOffset,
            int vStride, int[] mask, int maskOffset, AttentionShape shape, int head, DropoutFactors dropout,
            RelativeTables relative, int from, int to, float[] y, int yOffset, int yStride, float[] lse, int lseOffset) {
        int size = shape.headSize();
        int seen = shape.visibleKeys(to - 1);
        Scratch scratch = Scratch.local();
        float[] hidden = hidden(scratch, mask, maskOffset, seen);
        float[] factor = dropout == null ? null : scratch.floats(Slot.DROPOUT, seen + LANES + DropoutFactors.MARGIN);
        if (shape.queries() == 1 && relative == null && shape.firstKey(0) == 0 && shape.cap() == 0) {
            int begin = dropout == null ? 0 : dropout.fill((long) head * shape.keys(), seen, factor);
            float logSum = SingleQueryAttention.attend(q, qOffset, k, kOffset, kStride, v, vOffset, vStride, seen, size,
                    (float) shape.scale(), hidden, factor, begin, y, yOffset);
            if (lse != null) {
                lse[lseOffset] = logSum;
            }
            return;
        }
        float[] keys = scratch.floats(Slot.KEYS, AttentionPanels.size(size, seen));
        float[] values = scratch.floats(Slot.VALUES, AttentionPanels.size(seen, size));
        float[] queries = scratch.floats(Slot.QUERIES, AttentionPanels.size(QUERY_BLOCK, size));
        float[] scores = scratch.floats(Slot.SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] output = scratch.floats(Slot.OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        int step = shape.causal() ? 1 : 0;
        AttentionPanels.packTransposed(k, kOffset, kStride, seen, size, keys);
        AttentionPanels.pack(v, vOffset, vStride, seen, size, 1, values, seen);
        for (int first = from; first < to; first += QUERY_BLOCK) {
            int rows = Math.min(QUERY_BLOCK, to - first);
            int low = shape.firstKey(first) / WIDTH * WIDTH;
            int columns = shape.visibleKeys(first + rows - 1) - low;
            AttentionPanels.pack(q, qOffset + first * qStride, qStride, rows, size, (float) shape.scale(), queries, QUERY_BLOCK);
            AttentionPanels.multiply(
                    queries, QUERY_BLOCK, keys, low * size, size, scores, QUERY_BLOCK, rows, columns, size, false);
            if (relative != null) {
                RelativeKernels.add(scores, rows, columns, first, shape.queries() - 1, queries, keys, relative, head % shape.nHead());
            }
            if (shape.cap() != 0) {
                ScoreRows.soften(scores, rows, columns, (float) shape.cap());
            }
            ScoreRows.hide(scores, rows, shape.visibleKeys(first) - low, step, columns, hidden, low);
            ScoreRows.hideBefore(scores, rows, shape, first, low);
            ScoreRows.softmax(scores, rows, columns, lse, lseOffset + first);
            if (dropout != null) {
                long element = ((long) head * shape.queries() + first) * shape.keys() + low;
                ScoreRows.multiply(scores, rows, columns, dropout, element, shape.keys(), factor);
            }
            AttentionPanels.multiply(
                    scores, QUERY_BLOCK, values, low * WIDTH, seen, output, QUERY_BLOCK, rows, size, columns, false);
            AttentionPanels.unpack(output, QUERY_BLOCK, rows, size, 1, y, yOffset + first * yStride, yStride);
        }
    }

    /**
     * The gradients dq, dk and dv, written in the rows that take part.
     *
     * @param lse      what forward wrote
     * @param relative what distances add, or null
     * @param sums     where the gradients of its rows go; null where they are not wanted
     */
    static void backward(
            Workers workers, float[] dy, int dyOffset, int dyStride, float[] q, int qOffset, int qStride, float[] k,
            int kOffset, int kStride, float[] v, int vOffset, int vStride, float[] y, int yOffset, int yStride,
            float[] lse, int lseOffset, int[] mask, int maskOffset, AttentionShape shape, DropoutFactors dropout,
            RelativeTables relative, RelativeSums sums, float[] dq, int dqOffset, int dqStride, float[] dk, int dkOffset,
            int dkStride, float[] dv, int dvOffset, int dvStride) {
        int keyHeads = shape.heads().keyHeads();
        int group = shape.heads().group();
        // one sequence a task; as few tasks as sums, where sequences add to the same
        int parts = sums == null ? shape.batch() : sums.parts;
        int size = shape.headSize();
        int together = relative == null ? HeadRows.together(workers, parts, keyHeads, 3 * shape.keys() * size) : 1;
        int groups = (keyHeads + together - 1) / together;
        workers.run(parts * groups, task -> {
            int first = task % groups * together;
            int last = Math.min(keyHeads, first + together);
            int part = task / groups;
            RelativeBackward backward = relative == null ? null
                    : new RelativeBackward(relative, shape, sums, part, first);
            for (int b = shape.batch() * part / parts; b < shape.batch() * (part + 1) / parts; b++) {
                int queryRow = b * shape.queries();
                int keyRow = b * shape.keyRows();
                int width = (last - first) * size;
                if (together > 1) {
                    int column = first * group * size;
                    Scratch.local().fetched(
                            HeadRows.fetch(q, qOffset + queryRow * qStride + column, qStride, shape.queries(), width * group)
                            + HeadRows.fetch(y, yOffset + queryRow * yStride + column, yStride, shape.queries(), width * group)
                            + HeadRows.fetch(dy, dyOffset + queryRow * dyStride + column, dyStride, shape.queries(), width * group)
                            + HeadRows.fetch(k, kOffset + keyRow * kStride + first * size, kStride, shape.keys(), width)
                            + HeadRows.fetch(v, vOffset + keyRow * vStride + first * size, vStride, shape.keys(), width));
                }
                HeadRows queries = new HeadRows(dq, dqOffset + queryRow * dqStride + first * group * size, dqStride, shape.queries(),
                        width * group, together > 1 ? Slot.D_QUERY_HEADS : null);
                HeadRows keys = new HeadRows(dk, dkOffset + keyRow * dkStride + first * size, dkStride, shape.keys(), width,
                        together > 1 ? Slot.D_KEY_HEADS : null);
                HeadRows values = new HeadRows(dv, dvOffset + keyRow * dvStride + first * size, dvStride, shape.keys(), width,
                        together > 1 ? Slot.D_VALUE_HEADS : null);
                for (int keyHead = first; keyHead < last; keyHead++) {
                    int head = b * shape.nHead() + keyHead * group;
                    int keyColumn = keyHead * size;
                    int column = keyColumn * group;
                    int at = (keyHead - first) * size;
                    backwardKeyHead(dy, dyOffset + queryRow * dyStride + column, dyStride,
                            q, qOffset + queryRow * qStride + column, qStride,
                            k, kOffset + keyRow * kStride + keyColumn, kStride,
                            v, vOffset + keyRow * vStride + keyColumn, vStride,
                            y, yOffset + queryRow * yStride + column, yStride,
                            lse, lseOffset + head * shape.queries(), mask, maskOffset + b * shape.keys(), shape, head, dropout,
                            backward, queries.values(), queries.offset() + at * group, queries.stride(),
                            keys.values(), keys.offset() + at, keys.stride(), values.values(), values.offset() + at, values.stride());
                }
                queries.write();
                keys.write();
                values.write();
            }
        });
    }

    /** Of one key head and of the heads that share it, of which {@code head} is the first. */
    private static void backwardKeyHead(
            float[] dy, int dyOffset, int dyStride, float[] q, int qOffset, int qStride, float[] k, int kOffset,
            int kStride, float[] v, int vOffset, int vStride, float[] y, int yOffset, int yStride, float[] lse,
            int lseOffset, int[] mask, int maskOffset, AttentionShape shape, int head, DropoutFactors dropout,
            RelativeBackward relative, float[] dq, int dqOffset, int dqStride, float[] dk, int dkOffset,
            int dkStride, float[] dv, int dvOffset, int dvStride) {
        int size = shape.headSize();
        int seen = shape.keys();
        int seenRows = AttentionPanels.roundUp(seen, LANES);
        Scratch scratch = Scratch.local();
        float[] keys = scratch.floats(Slot.KEYS, AttentionPanels.size(size, seen));
        float[] values = scratch.floats(Slot.VALUES, AttentionPanels.size(size, seen));
        float[] keyRows = scratch.floats(Slot.KEY_ROWS, AttentionPanels.size(seen, size));
        float[] dKeys = scratch.zeros(Slot.D_KEYS, AttentionPanels.size(seenRows, size));
        float[] dValues = scratch.zeros(Slot.D_VALUES, AttentionPanels.size(seenRows, size));
        float[] queries = scratch.floats(Slot.QUERIES, AttentionPanels.size(QUERY_BLOCK, size));
        float[] dOutput = scratch.floats(Slot.D_OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        float[] scores = scratch.floats(Slot.SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] dScores = scratch.floats(Slot.D_SCORES, AttentionPanels.size(QUERY_BLOCK, seen));
        float[] dQueries = scratch.floats(Slot.OUTPUT, AttentionPanels.size(QUERY_BLOCK, size));
        float[] hidden = hidden(scratch, mask, maskOffset, seen);
        float[] factor = dropout == null ? null : scratch.floats(Slot.DROPOUT, seen + LANES + DropoutFactors.MARGIN);
        float[] slopes = shape.cap() == 0 ? null : scratch.floats(Slot.SLOPES, AttentionPanels.size(QUERY_BLOCK, seen));
        int step = shape.causal() ? 1 : 0;
        float scale = (float) shape.scale();
        AttentionPanels.packTransposed(k, kOffset, kStride, seen, size, keys);
        AttentionPanels.packTransposed(v, vOffset, vStride, seen, size, values);
        AttentionPanels.pack(k, kOffset, kStride, seen, size, 1, keyRows, seen);
        for (int g = 0; g < shape.heads().group(); g++) {
            int shift = g * size;
            if (relative != null) {
                relative.begin((head + g) % shape.nHead());
            }
            for (int first = 0; first < shape.queries(); first += QUERY_BLOCK) {
                int rows = Math.min(QUERY_BLOCK, shape.queries() - first);
                int low = shape.firstKey(first) / WIDTH * WIDTH;
                int columns = shape.visibleKeys(first + rows - 1) - low;
                AttentionPanels.pack(q, qOffset + shift + first * qStride, qStride, rows, size, scale, queries, QUERY_BLOCK);
                AttentionPanels.pack(dy, dyOffset + shift + first * dyStride, dyStride, rows, size, 1, dOutput, QUERY_BLOCK);
                AttentionPanels.multiply(
                        queries, QUERY_BLOCK, keys, low * size, size, scores, QUERY_BLOCK, rows, columns, size, false);
                AttentionPanels.multiply(
                        dOutput, QUERY_BLOCK, values, low * size, size, dScores, QUERY_BLOCK, rows, columns, size, false);
                if (relative != null) {
                    relative.add(scores, rows, columns, first, queries, keys);
                }
                if (slopes != null) {
                    ScoreRows.soften(scores, rows, columns, (float) shape.cap());
                    ScoreRows.slopes(scores, rows, columns, (float) shape.cap(), slopes);
                }
                ScoreRows.hide(scores, rows, shape.visibleKeys(first) - low, step, columns, hidden, low);
                ScoreRows.hideBefore(scores, rows, shape, first, low);
                ScoreRows.gradient(scores, dScores, rows, columns, lse, lseOffset + g * shape.queries() + first,
                        dy, dyOffset + shift + first * dyStride, dyStride, y, yOffset + shift + first * yStride, yStride, size,
                        dropout, ((long) (head + g) * shape.queries() + first) * shape.keys() + low, shape.keys(), factor);
                if (slopes != null) {
                    ScoreRows.multiply(dScores, rows, columns, slopes);
                }
                AttentionPanels.addTransposedProduct(
                        scores, QUERY_BLOCK, dOutput, QUERY_BLOCK, dValues, low, seenRows, columns, size, rows);
                AttentionPanels.addTransposedProduct(
                        dScores, QUERY_BLOCK, queries, QUERY_BLOCK, dKeys, low, seenRows, columns, size, rows);
                AttentionPanels.multiply(
                        dScores, QUERY_BLOCK, keyRows, low * WIDTH, seen, dQueries, QUERY_BLOCK, rows, size, columns, false);
                if (relative != null) {
                    relative.block(dScores, rows, columns, first, queries, keyRows, dQueries, dKeys, seenRows);
                }
                AttentionPanels.unpack(dQueries, QUERY_BLOCK, rows, size, scale, dq, dqOffset + shift + first * dqStride, dqStride);
            }
            if (relative != null) {
                relative.end();
            }
        }
        AttentionPanels.unpack(dKeys, seenRows, seen, size, 1, dk, dkOffset, dkStride);
        AttentionPanels.unpack(dValues, seenRows, seen, size, 1, dv, dvOffset, dvStride);
    }

    /** 0 for a key that may be seen and −∞ for one that the padding mask hides; null without a mask. */
    private static float[] hidden(Scratch scratch, int[] mask, int maskOffset, int keys) {
        if (mask == null) {
            return null;
        }
        float[] hidden = scratch.zeros(Slot.MASK, AttentionPanels.roundUp(keys, WIDTH));
        for (int s = 0; s < keys; s++) {
            hidden[s] = mask[maskOffset + s] == 0 ? Float.NEGATIVE_INFINITY : 0;
        }
        return hidden;
    }
}
