package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionKernels.QUERY_BLOCK;
import static org.lora4j.backend.cpu.AttentionPanels.ROWS;
import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;

import java.util.Arrays;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.cpu.Scratch.Slot;

/**
 * The gradient of what {@link RelativeKernels} add, for one key head on one thread:
 *
 * <pre>
 *   dq[t] += Σ dS[t, s]·k̂[u]      dk[s] += Σ dS[t, s]·q̂[u]      dk̂[u] += dS[t, s]·q[t]      dq̂[u] += dS[t, s]·k[s]
 * </pre>
 *
 * <p>They are products of dS with its rows, or columns, shifted against each other by one key for each query: tiles of
 * {@link AttentionPanels}, for which such a matrix is one with another step from row to row.
 */
final class RelativeBackward {

    /** Zeros beside and above dS: a block's shift, and a tile. */
    private static final int MARGIN = QUERY_BLOCK + 2 * ROWS;
    private static final int ROWS_ABOVE = ROWS;

    private final RelativeTables tables;
    private final int last;
    private final int keys;
    private final int stride;
    private final float scale;
    private final RelativeSums sums;
    private final int part;
    private final float[] slopes;
    private final float[] dKeys;
    private final float[] dQueries;

    private int head;

    /** @param sums where gradients of the tables go, by {@code part}; null where they are not wanted */
    RelativeBackward(RelativeTables tables, AttentionShape shape, RelativeSums sums, int part, int keyHead) {
        this.tables = tables;
        this.sums = sums;
        this.part = part;
        last = shape.queries() - 1;
        keys = shape.keys();
        scale = (float) shape.scale();
        stride = keys + 2 * MARGIN;
        Scratch scratch = Scratch.local();
        slopes = scratch.zeros(Slot.RELATIVE_SLOPES, (QUERY_BLOCK + 2 * ROWS_ABOVE) * stride);
        int panels = AttentionPanels.size(tables.rows, tables.size);
        dKeys = sums == null || sums.keys == null ? null : scratch.floats(Slot.D_RELATIVE_KEYS, panels);
        dQueries = sums == null || sums.queries == null ? null : scratch.floats(Slot.D_RELATIVE_QUERIES, panels);
        if (sums != null) {
            sums.clear(part, keyHead * shape.heads().group() * tables.size, shape.heads().group() * tables.size);
        }
    }

    /** Begins a head of a sequence. */
    void begin(int head) {
        this.head = head;
        int panels = AttentionPanels.size(tables.rows, tables.size);
        if (dKeys != null) {
            Arrays.fill(dKeys, 0, panels, 0);
        }
        if (dQueries != null) {
            Arrays.fill(dQueries, 0, panels, 0);
        }
    }

    /** Adds to a block of scores what forward does. */
    void add(float[] scores, int rows, int columns, int first, float[] queries, float[] keyColumns) {
        RelativeKernels.add(scores, rows, columns, first, last, queries, keyColumns, tables, head);
    }

    /**
     * Adds what a block gives.
     *
     * @param dScores dS, in panels
     * @param queries the block's, scaled, in panels
     * @param keyRows the keys, in panels of {@code keys} rows
     * @param dq      the block's gradient, to be scaled yet
     * @param dk      the keys' gradient, in panels of dkRows rows
     */
    void block(
            float[] dScores, int rows, int columns, int first, float[] queries, float[] keyRows, float[] dq, float[] dk,
            int dkRows) {
        int origin = ROWS_ABOVE * stride + MARGIN;
        AttentionPanels.unpack(dScores, QUERY_BLOCK, rows, columns, 1, slopes, origin, stride);
        for (int i = 0; i < rows; i++) {
            Arrays.fill(slopes, origin + i * stride + columns, origin + i * stride + keys, 0);
        }
        Arrays.fill(slopes, origin + rows * stride - MARGIN, origin + QUERY_BLOCK * stride - MARGIN, 0);
        int shift = last - first;
        int from = Math.max(0, shift - rows + 1);
        int to = Math.min(tables.distances, columns + shift);
        for (int column = 0, panel = 0; column < tables.size; column += WIDTH, panel++) {
            int vectors = AttentionPanels.vectors(Math.min(WIDTH, tables.size - column));
            int table = tables.panels(head) + panel * tables.rows * WIDTH;
            if (tables.keyRows() != null) {
                addToQueries(origin, rows, columns, shift, table, dq, panel * QUERY_BLOCK * WIDTH, vectors);
            }
            if (tables.queryRows() != null) {
                addToKeys(origin, rows, columns, shift, table, dk, panel * dkRows * WIDTH, vectors);
            }
            if (dKeys != null) {
                AttentionPanels.tiles(slopes, origin + from - shift, 1, stride + 1, queries, panel * QUERY_BLOCK * WIDTH,
                        dKeys, (panel * tables.rows + from) * WIDTH, to - from, vectors, rows, true);
            }
            if (dQueries != null) {
                addToTable(origin, rows, columns, shift, from, to, keyRows, panel, vectors);
            }
        }
    }

    /** dq[t] += Σ dS[t, u + t − last]·k̂[u]. */
    private void addToQueries(int origin, int rows, int columns, int shift, int table, float[] dq, int to, int vectors) {
        for (int i = 0; i < rows; i += ROWS) {
            int from = Math.max(0, shift - i - ROWS + 1);
            int end = Math.min(tables.distances, columns + shift - i);
            AttentionPanels.tiles(slopes, origin + i * (stride + 1) + from - shift, stride + 1, 1,
                    tables.keyRows(), table + from * WIDTH, dq, to + i * WIDTH, ROWS, vectors, end - from, true);
        }
    }

    /** dk[s] += Σ dS[s − u + last, s]·q̂[u]. */
    private void addToKeys(int origin, int rows, int columns, int shift, int table, float[] dk, int to, int vectors) {
        for (int s = 0; s < columns; s += ROWS) {
            int from = Math.max(0, s + shift - rows + 1);
            int end = Math.min(tables.distances, s + shift + ROWS);
            AttentionPanels.tiles(slopes, origin + (s - from + shift) * stride + s, stride + 1, -stride,
                    tables.queryRows(), table + from * WIDTH, dk, to + s * WIDTH, ROWS, vectors, end - from, true);
        }
    }

    /** dq̂[u] += Σ dS[s − u + last, s]·k[s]. */
    private void addToTable(
            int origin, int rows, int columns, int shift, int from, int to, float[] keyRows, int panel, int vectors) {
        for (int u = from; u < to; u += ROWS) {
            int s = Math.max(0, u - shift);
            int end = Math.min(columns, u - shift + rows + ROWS - 1);
            AttentionPanels.tiles(slopes, origin + (s - u + shift) * stride + s, -stride, stride + 1,
                    keyRows, (panel * keys + s) * WIDTH, dQueries, (panel * tables.rows + u) * WIDTH, ROWS, vectors,
                    end - s, true);
        }
    }

    /** Ends the head: adds the gradients of its distances to those of the model's rows. */
    void end() {
        if (sums != null) {
            fold(dKeys, 1, sums.keys);
            fold(dQueries, scale, sums.queries);
        }
    }

    private void fold(float[] panels, float factor, float[] to) {
        for (int u = 0; panels != null && u < tables.distances; u++) {
            int row = sums.row(part, tables.tableRows[u]) + head * tables.size;
            for (int column = 0, panel = 0; column < tables.size; column += WIDTH, panel++) {
                int width = Math.min(WIDTH, tables.size - column);
                ElementwiseKernels.add(panels, (panel * tables.rows + u) * WIDTH, to, row + column, width, factor);
            }
        }
    }
}
