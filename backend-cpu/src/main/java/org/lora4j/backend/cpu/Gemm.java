package org.lora4j.backend.cpu;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The matrix product c ← alpha·op(a)·op(b) + beta·c, or op(a)·op(b) + bias.
 *
 * <p>c is cut into tiles that stay in registers ({@link Tiles}). Tiles are grouped into blocks, one block is one task:
 * for {@link #DEPTH} of k at a time, a strip of b stays in the first-level cache while the block's rows of a pass by from
 * the second level. An operand is read where it lies if {@link Tiles} can do that at full speed, which is always the case
 * for a, and for b unless it is transposed. Only a transposed b is copied into panels first ({@link Panels}); for a frozen
 * tensor that copy is kept. Where a or c is narrow, {@link Dots} or the transposed product take over.
 *
 * <p>Order of summation: each element of c is a chain of fma over at most DEPTH of k, then alpha times that is added to c,
 * then the next DEPTH. k is never split among threads, so the bits do not depend on their number.
 * |error| ≤ (k + k/DEPTH + 3)·u·(|alpha|·Σ|aᵢ·bᵢ| + |beta·c|) to first order, u = 2⁻²⁴.
 */
final class Gemm {

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    static final int LANES = FLOATS.length();

    /** Rows of a tile: what the machine's 32 or 16 vector registers hold. */
    static final int ROWS = LANES == 16 ? 12 : 6;
    static final int HALF_ROWS = 6;
    static final int COLUMNS = 2 * LANES;
    private static final int TILE = ROWS * COLUMNS;

    /** Steps of k between two visits of c: a strip of b, DEPTH × COLUMNS, has its place in 48 or 32 KiB of cache. */
    private static final int DEPTH = LANES == 16 ? 320 : 384;

    /** A task is at most this many tiles high and wide: its rows of a and its strips of b fit in the second-level cache. */
    private static final int BLOCK_ROWS = 240 / ROWS;
    private static final int BLOCK_COLUMNS = 512 / COLUMNS;

    /** Panels of a transposed b are made for at most so many floats at a time. */
    private static final int PANEL_FLOATS = 4 << 20;

    private final Workers workers;
    private final Map<float[], Map<PanelKey, float[]>> frozen = new IdentityHashMap<>();
    private final IntConsumer packTask = this::pack;
    private final IntConsumer blockTask = this::block;

    // The product in progress. A backend is used by one thread at a time; Workers publishes these to its members.
    private int m;
    private int n;
    private int k;
    private float[] a;
    private int aOffset;
    private int aStride;
    private boolean aTransposed;
    private float[] b;
    private int bOffset;
    private int bStride;
    private float[] c;
    private int cOffset;
    private int cStride;
    private float alpha;
    private float beta;
    private float[] bias;

    // The piece of it that is being done: columns from columnFrom, k from depthFrom.
    private int columnFrom;
    private int columns;
    private int depthFrom;
    private int depth;
    private boolean panelled;
    private float[] panels = new float[0];
    private float[] ownPanels = new float[0];
    private float[] rowEdge = new float[0];
    private float[] columnEdge = new float[0];
    private float[] tiles = new float[0];
    private int rowTiles;
    private int columnTiles;
    private int rowBlocks;
    private int columnBlocks;

    /** Where a frozen tensor's panels come from. */
    private record PanelKey(int offset, int stride, int columns, int depth) {
    }

    Gemm(Workers workers) {
        this.workers = workers;
    }

    /** From now on the panels of this array are kept. */
    void freeze(float[] constant) {
        frozen.computeIfAbsent(constant, key -> new java.util.HashMap<>());
    }

    /**
     * c ← alpha·op(a)·op(b) + beta·c, plus bias in every row if there is one; it then needs beta = 0.
     *
     * @param m rows of op(a) and c
     * @param n columns of op(b) and c
     * @param k columns of op(a), rows of op(b)
     */
    void multiply(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed,
            float[] b, int bOffset, int bStride, boolean bTransposed,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        this.m = m;
        this.n = n;
        this.k = k;
        this.a = a;
        this.aOffset = aOffset;
        this.aStride = aStride;
        this.aTransposed = aTransposed;
        this.b = b;
        this.bOffset = bOffset;
        this.bStride = bStride;
        this.c = c;
        this.cOffset = cOffset;
        this.cStride = cStride;
        this.alpha = alpha;
        this.beta = beta;
        this.bias = bias;
        if (m == 0 || n == 0) {
            return;
        }
        if (k == 0) {
            Arrays.fill(tiles = atLeast(tiles, TILE), 0);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j += COLUMNS) {
                    Epilogue.store(tiles, 0, 1, Math.min(COLUMNS, n - j), alpha, c, cOffset + i * cStride + j, cStride, beta, bias, j);
                }
            }
            return;
        }
        rowTiles = (m + ROWS - 1) / ROWS;
        float[] kept = bTransposed ? keptPanels() : null;
        if (!bTransposed || kept != null) {
            panelled = bTransposed;
            panels = kept;
            piece(0, n, 0, k);
            return;
        }
        panelled = true;
        int depthPiece = Math.min(k, PANEL_FLOATS / COLUMNS / DEPTH * DEPTH);
        int columnPiece = Math.max(1, PANEL_FLOATS / depthPiece / COLUMNS) * COLUMNS;
        for (int from = 0; from < n; from += columnPiece) {
            for (int p = 0; p < k; p += depthPiece) {
                columnFrom = from;
                columns = Math.min(columnPiece, n - from);
                columnTiles = (columns + COLUMNS - 1) / COLUMNS;
                depthFrom = p;
                depth = Math.min(depthPiece, k - p);
                panels = ownPanels = atLeast(ownPanels, columnTiles * COLUMNS * depth);
                workers.run(columnTiles, packTask);
                piece(columnFrom, columns, depthFrom, depth);
            }
        }
    }

    private float[] keptPanels() {
        Map<PanelKey, float[]> layouts = frozen.get(b);
        if (layouts == null) {
            return null;
        }
        PanelKey key = new PanelKey(bOffset, bStride, n, k);
        float[] kept = layouts.get(key);
        if (kept == null) {
            columnTiles = (n + COLUMNS - 1) / COLUMNS;
            long size = (long) columnTiles * COLUMNS * k;
            if (size > Integer.MAX_VALUE - 8) {
                return null;
            }
            kept = new float[(int) size];
            panels = kept;
            columnFrom = 0;
            columns = n;
            depthFrom = 0;
            depth = k;
            workers.run(columnTiles, packTask);
            layouts.put(key, kept);
        }
        return kept;
    }

    /** Panel t of a transposed b. */
    private void pack(int t) {
        int j = t * COLUMNS;
        Panels.transpose(
                b, bOffset + (columnFrom + j) * bStride + depthFrom, bStride, Math.min(COLUMNS, columns - j), depth,
                panels, j * depth, COLUMNS);
    }

    /** Columns columnFrom … of c with k from depthFrom …, cut into tasks. */
    private void piece(int columnFrom, int columns, int depthFrom, int depth) {
        this.columnFrom = columnFrom;
        this.columns = columns;
        this.depthFrom = depthFrom;
        this.depth = depth;
        columnTiles = (columns + COLUMNS - 1) / COLUMNS;
        packEdges();
        rowBlocks = (rowTiles + BLOCK_ROWS - 1) / BLOCK_ROWS;
        columnBlocks = (columnTiles + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
        int threads = workers.threads();
        if ((long) m * columns * depth < 60_000) {
            rowBlocks = 1;
            columnBlocks = 1;
        } else if (threads > 1) {
            while (rowBlocks * columnBlocks < 6 * threads && (rowTiles > rowBlocks || columnTiles > columnBlocks)) {
                if ((long) rowTiles * columnBlocks > (long) columnTiles * rowBlocks) {
                    rowBlocks = Math.min(rowTiles, rowBlocks * 2);
                } else {
                    columnBlocks = Math.min(columnTiles, columnBlocks * 2);
                }
            }
        }
        int tasks = rowBlocks * columnBlocks;
        tiles = atLeast(tiles, tasks * TILE);
        workers.run(tasks, blockTask);
    }

    /** What {@link Tiles} cannot read in place because a whole tile would leave the matrix. */
    private void packEdges() {
        int columnRest = columns % COLUMNS;
        if (!panelled && columnRest != 0) {
            columnEdge = atLeast(columnEdge, depth * COLUMNS);
            Panels.copy(
                    b, bOffset + depthFrom * bStride + columnFrom + columns - columnRest, bStride, columnRest, depth,
                    columnEdge, 0, COLUMNS);
        }
        int rowRest = m % ROWS;
        if (aTransposed && rowRest != 0) {
            rowEdge = atLeast(rowEdge, depth * ROWS);
            Panels.copy(a, aOffset + depthFrom * aStride + m - rowRest, aStride, rowRest, depth, rowEdge, 0, ROWS);
        }
    }

    private void block(int task) {
        int rowBlock = task % rowBlocks;
        int columnBlock = task / rowBlocks;
        int rowFrom = (int) ((long) rowTiles * rowBlock / rowBlocks);
        int rowTo = (int) ((long) rowTiles * (rowBlock + 1) / rowBlocks);
        int columnTileFrom = (int) ((long) columnTiles * columnBlock / columnBlocks);
        int columnTileTo = (int) ((long) columnTiles * (columnBlock + 1) / columnBlocks);
        for (int p = 0; p < depth; p += DEPTH) {
            int steps = Math.min(DEPTH, depth - p);
            boolean first = depthFrom + p == 0;
            for (int column = columnTileFrom; column < columnTileTo; column++) {
                for (int row = rowFrom; row < rowTo; row++) {
                    tile(row, column, p, steps, first, task * TILE);
                }
            }
        }
    }

    private void tile(int row, int column, int p, int steps, boolean first, int scratch) {
        int i = row * ROWS;
        int j = column * COLUMNS;
        int rows = Math.min(ROWS, m - i);
        int width = Math.min(COLUMNS, columns - j);
        float[] right = b;
        int rightAt = bOffset + (depthFrom + p) * bStride + columnFrom + j;
        int rightStride = bStride;
        if (panelled) {
            right = panels;
            rightAt = j * depth + p * COLUMNS;
            rightStride = COLUMNS;
        } else if (width < COLUMNS) {
            right = columnEdge;
            rightAt = p * COLUMNS;
            rightStride = COLUMNS;
        }
        if (!aTransposed) {
            int leftAt = aOffset + i * aStride + depthFrom + p;
            if (rows > HALF_ROWS) {
                Tiles.rows12OfRowMajor(steps, a, leftAt, aStride, rows - 1, right, rightAt, rightStride, tiles, scratch);
            } else {
                Tiles.rows6OfRowMajor(steps, a, leftAt, aStride, rows - 1, right, rightAt, rightStride, tiles, scratch);
            }
        } else {
            float[] left = a;
            int leftAt = aOffset + (depthFrom + p) * aStride + i;
            int leftStride = aStride;
            if (rows < ROWS) {
                left = rowEdge;
                leftAt = p * ROWS;
                leftStride = ROWS;
            }
            if (rows > HALF_ROWS) {
                Tiles.rows12OfKMajor(steps, left, leftAt, leftStride, right, rightAt, rightStride, tiles, scratch);
            } else {
                Tiles.rows6OfKMajor(steps, left, leftAt, leftStride, right, rightAt, rightStride, tiles, scratch);
            }
        }
        Epilogue.store(
                tiles, scratch, rows, width, alpha, c, cOffset + i * cStride + columnFrom + j, cStride, first ? beta : 1,
                first ? bias : null, columnFrom + j);
    }

    private static float[] atLeast(float[] scratch, int length) {
        return scratch.length >= length ? scratch : new float[Math.max(length, scratch.length + scratch.length / 2)];
    }
}
