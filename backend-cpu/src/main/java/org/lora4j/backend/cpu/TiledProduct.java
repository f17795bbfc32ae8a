package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import java.util.function.IntConsumer;

/**
 * A product in tiles that stay in registers.
 *
 * <p>Tiles are grouped into blocks, one block of c is one task: for at most {@link Gemm#DEPTH} of k at a time, a strip of
 * b stays in the first-level cache while the block's rows of a pass by from the second level. An operand that lies k-major
 * already (a transposed, b not) is read in place; the other orientation is copied into {@link Panels} first, all threads
 * together, and for a frozen b that copy is kept. What does not fit in the space for panels is done in pieces.
 */
final class TiledProduct {

    private static final int TILE = ROWS * COLUMNS;

    /** A task is at most this many tiles high and wide: its rows of a and its strips of b fit in the second-level cache. */
    private static final int BLOCK_ROWS = 240 / ROWS;
    private static final int BLOCK_COLUMNS = 512 / COLUMNS;

    /** Panels are made for at most so many floats of an operand at a time. */
    private static final int PANEL_FLOATS = 4 << 20;

    /** Multiplications that one thread has done before another has been told. */
    private static final int SMALL = 60_000;

    private final Workers workers;
    private final FrozenPanels frozen;
    private final IntConsumer packTask = this::pack;
    private final IntConsumer blockTask = this::block;

    private float[] leftPanels = new float[0];
    private float[] rightPanels = new float[0];
    private float[] rowEdge = new float[0];
    private float[] columnEdge = new float[0];
    private float[] tiles = new float[0];

    private Product x;
    /** Steps of k between two visits of c: k in equal parts. It depends on nothing but k, like the order of summation. */
    private int step;
    private int rowTiles;

    // the piece that is being done
    private int depthFrom;
    private int depth;
    private int steps;
    private int columnFrom;
    private int columns;
    private int columnTiles;
    private int leftTasks;
    private int rowBlocks;
    private int columnBlocks;

    /** Where the right operand's panels are, or null where b is read in place; and how panels follow each other there. */
    private float[] right;
    private int rightDepth;
    private int rightFrom;

    TiledProduct(Workers workers, FrozenPanels frozen) {
        this.workers = workers;
        this.frozen = frozen;
    }

    void run(Product product) {
        x = product;
        rowTiles = tilesIn(x.m, ROWS);
        int parts = tilesIn(x.k, DEPTH);
        step = Math.min(DEPTH, tilesIn(tilesIn(x.k, parts), 16) * 16);
        FrozenPanels.Entry kept = x.bTransposed ? frozenPanels() : null;
        boolean packsRight = x.bTransposed && kept == null;

        int depthPiece = x.k;
        if (!x.aTransposed || packsRight) {
            int lines = Math.max(x.aTransposed ? 0 : rowTiles * ROWS, packsRight ? COLUMNS : 0);
            depthPiece = Math.max(1, PANEL_FLOATS / lines / step) * step;
        }
        for (int p = 0; p < x.k; p += depthPiece) {
            depthFrom = p;
            depth = Math.min(depthPiece, x.k - p);
            steps = tilesIn(depth, step);
            leftTasks = x.aTransposed ? 0 : rowTiles;
            int columnPiece = packsRight ? Math.max(1, PANEL_FLOATS / COLUMNS / depth) * COLUMNS : x.n;
            for (int from = 0; from < x.n; from += columnPiece) {
                columnFrom = from;
                columns = Math.min(columnPiece, x.n - from);
                columnTiles = tilesIn(columns, COLUMNS);
                if (kept != null) {
                    right = kept.values();
                    rightDepth = x.k;
                    rightFrom = p;
                } else if (packsRight) {
                    rightPanels = atLeast(rightPanels, columnTiles * COLUMNS * depth);
                    right = rightPanels;
                    rightDepth = depth;
                    rightFrom = 0;
                }
                packPiece(packsRight);
                multiplyPiece();
                leftTasks = 0;
            }
        }
        right = null;
        x = null;
    }

    /** The kept panels of a frozen b, filled if this is their first use. */
    private FrozenPanels.Entry frozenPanels() {
        long length = (long) tilesIn(x.n, COLUMNS) * COLUMNS * x.k;
        FrozenPanels.Entry entry = length > Integer.MAX_VALUE - 8 ? null : frozen.entry(x, (int) length);
        if (entry != null && !entry.filled()) {
            right = entry.values();
            rightDepth = x.k;
            columnFrom = 0;
            columns = x.n;
            depthFrom = 0;
            depth = x.k;
            leftTasks = 0;
            workers.run(tilesIn(x.n, COLUMNS), packTask);
        }
        return entry;
    }

    private boolean small() {
        return (long) x.m * columns * depth < SMALL;
    }

    private void packPiece(boolean packsRight) {
        int tasks = leftTasks + (packsRight ? columnTiles : 0);
        if (leftTasks > 0) {
            leftPanels = atLeast(leftPanels, rowTiles * steps * ROWS * DEPTH);
        }
        if (small()) {
            for (int task = 0; task < tasks; task++) {
                pack(task);
            }
        } else {
            workers.run(tasks, packTask);
        }
        int columnRest = columns % COLUMNS;
        if (right == null && columnRest != 0) {
            columnEdge = atLeast(columnEdge, depth * COLUMNS);
            int at = x.bOffset + depthFrom * x.bStride + columnFrom + columns - columnRest;
            Panels.copy(x.b, at, x.bStride, columnRest, depth, columnEdge, COLUMNS);
        }
        int rowRest = x.m % ROWS;
        if (x.aTransposed && rowRest != 0) {
            rowEdge = atLeast(rowEdge, depth * ROWS);
            int at = x.aOffset + depthFrom * x.aStride + x.m - rowRest;
            Panels.copy(x.a, at, x.aStride, rowRest, depth, rowEdge, ROWS);
        }
    }

    /** The panels of one tile's rows of a, or the panel of one tile's columns of bᵀ. */
    private void pack(int task) {
        if (task < leftTasks) {
            int i = task * ROWS;
            int rows = Math.min(ROWS, x.m - i);
            for (int s = 0; s < steps; s++) {
                int from = x.aOffset + i * x.aStride + depthFrom + s * step;
                Panels.rows(x.a, from, x.aStride, rows, Math.min(step, depth - s * step), leftPanels, leftPanel(task, s));
            }
        } else {
            int j = (task - leftTasks) * COLUMNS;
            int from = x.bOffset + (columnFrom + j) * x.bStride + depthFrom;
            Panels.transpose(x.b, from, x.bStride, Math.min(COLUMNS, columns - j), depth, right, j * rightDepth, COLUMNS);
        }
    }

    private int leftPanel(int row, int s) {
        return (row * steps + s) * ROWS * DEPTH;
    }

    private void multiplyPiece() {
        rowBlocks = tilesIn(rowTiles, BLOCK_ROWS);
        columnBlocks = tilesIn(columnTiles, BLOCK_COLUMNS);
        if (small()) {
            rowBlocks = 1;
            columnBlocks = 1;
        } else {
            cutForAllThreads();
        }
        int tasks = rowBlocks * columnBlocks;
        tiles = atLeast(tiles, tasks * TILE);
        workers.run(tasks, blockTask);
    }

    /** Some more blocks than threads, so that a slow core holds up the others for a part of its share only. */
    private void cutForAllThreads() {
        int threads = workers.threads();
        int enough = threads == 1 ? 1 : 6 * threads;
        while (rowBlocks * columnBlocks < enough && (rowTiles > rowBlocks || columnTiles > columnBlocks)) {
            if ((long) rowTiles * columnBlocks > (long) columnTiles * rowBlocks) {
                rowBlocks = Math.min(rowTiles, rowBlocks * 2);
            } else {
                columnBlocks = Math.min(columnTiles, columnBlocks * 2);
            }
        }
    }

    private void block(int task) {
        int rowBlock = task % rowBlocks;
        int columnBlock = task / rowBlocks;
        int rowFrom = (int) ((long) rowTiles * rowBlock / rowBlocks);
        int rowTo = (int) ((long) rowTiles * (rowBlock + 1) / rowBlocks);
        int columnTileFrom = (int) ((long) columnTiles * columnBlock / columnBlocks);
        int columnTileTo = (int) ((long) columnTiles * (columnBlock + 1) / columnBlocks);
        for (int s = 0; s < steps; s++) {
            for (int column = columnTileFrom; column < columnTileTo; column++) {
                for (int row = rowFrom; row < rowTo; row++) {
                    tile(row, column, s, task * TILE);
                }
            }
        }
    }

    private void tile(int row, int column, int s, int scratch) {
        int p = s * step;
        int length = Math.min(step, depth - p);
        int i = row * ROWS;
        int j = column * COLUMNS;
        int rows = Math.min(ROWS, x.m - i);
        int width = Math.min(COLUMNS, columns - j);
        float[] b = x.b;
        int bAt = x.bOffset + (depthFrom + p) * x.bStride + columnFrom + j;
        int bStride = x.bStride;
        if (right != null) {
            b = right;
            bAt = j * rightDepth + (rightFrom + p) * COLUMNS;
            bStride = COLUMNS;
        } else if (width < COLUMNS) {
            b = columnEdge;
            bAt = p * COLUMNS;
            bStride = COLUMNS;
        }
        if (!x.aTransposed) {
            if (rows > Tiles.HALF) {
                Tiles.rows12OfRowPanel(length, leftPanels, leftPanel(row, s), b, bAt, bStride, tiles, scratch);
            } else {
                Tiles.rows6OfRowPanel(length, leftPanels, leftPanel(row, s), b, bAt, bStride, tiles, scratch);
            }
        } else {
            float[] a = rows < ROWS ? rowEdge : x.a;
            int aAt = rows < ROWS ? p * ROWS : x.aOffset + (depthFrom + p) * x.aStride + i;
            int aStride = rows < ROWS ? ROWS : x.aStride;
            if (rows > Tiles.HALF) {
                Tiles.rows12OfKMajor(length, a, aAt, aStride, b, bAt, bStride, tiles, scratch);
            } else {
                Tiles.rows6OfKMajor(length, a, aAt, aStride, b, bAt, bStride, tiles, scratch);
            }
        }
        boolean first = depthFrom + p == 0;
        Epilogue.store(tiles, scratch, rows, width, x, i, columnFrom + j, first);
    }

    private static int tilesIn(int size, int tile) {
        return (size + tile - 1) / tile;
    }

    private static float[] atLeast(float[] scratch, int length) {
        return scratch.length >= length ? scratch : new float[Math.max(length, scratch.length + scratch.length / 2)];
    }
}
