package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import java.util.function.IntConsumer;

/**
 * A product in tiles that stay in registers.
 *
 * <p>Tiles are grouped into blocks, one block of c is one task: for at most {@link Gemm#DEPTH} of k at a time, a strip of
 * b stays in the first-level cache while the block's rows of a pass by from the second level. Operands are copied into
 * {@link Panels} first, all threads together; the copies of a frozen bᵀ are kept. An operand that lies k-major already (a
 * transposed, b not) is read in place where it is small or little used. What does not fit in the space for panels is done
 * in pieces.
 */
final class TiledProduct {

    private static final int TILE = ROWS * COLUMNS;

    /** A task is at most this many tiles high and wide: its rows of a and its strips of b fit in the second-level cache. */
    private static final int BLOCK_ROWS = 240 / ROWS;
    private static final int BLOCK_COLUMNS = 512 / COLUMNS;

    /** Panels are made for at most so many floats of an operand at a time. */
    private static final int PANEL_FLOATS = 1 << 20;

    /** An operand that lies k-major is packed if it is larger than what stays in a cache with the other one, */
    private static final int LARGE = 100_000;
    /** and if each of its elements is used so often. */
    private static final int OFTEN = 96;

    /** Panels of an operand that lies k-major are made so many together, for so many steps of k: few pages at a time. */
    private static final int TOGETHER = 4;
    private static final int PAGES = 64;

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
    private boolean packsLeft;

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
        boolean packsRight = kept == null && (x.bTransposed || x.m >= OFTEN && (long) x.n * x.k > LARGE);
        packsLeft = !x.aTransposed || x.n >= OFTEN && (long) x.m * x.k > LARGE;

        int depthPiece = x.k;
        if (packsLeft || packsRight) {
            int lines = Math.max(packsLeft ? rowTiles * ROWS : 0, packsRight ? COLUMNS : 0);
            depthPiece = Math.max(1, PANEL_FLOATS / lines / step) * step;
        }
        for (int p = 0; p < x.k; p += depthPiece) {
            depthFrom = p;
            depth = Math.min(depthPiece, x.k - p);
            steps = tilesIn(depth, step);
            leftTasks = !packsLeft ? 0 : x.aTransposed ? tilesIn(rowTiles, TOGETHER) : rowTiles;
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
        int tasks = leftTasks + (!packsRight ? 0 : x.bTransposed ? columnTiles : tilesIn(columnTiles, TOGETHER));
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
            Panels.copyColumns(x.b, at, x.bStride, columnRest, depth, columnEdge, 0);
        }
        int rowRest = x.m % ROWS;
        if (!packsLeft && rowRest != 0) {
            rowEdge = atLeast(rowEdge, depth * ROWS);
            int at = x.aOffset + depthFrom * x.aStride + x.m - rowRest;
            Panels.copyRows(x.a, at, x.aStride, rowRest, depth, rowEdge, 0);
        }
    }

    /** The panels of one tile's rows of a, or the panel of one tile's columns of b. */
    private void pack(int task) {
        if (task < leftTasks) {
            packLeft(task);
        } else {
            packRight(task - leftTasks);
        }
    }

    private void packLeft(int task) {
        if (x.aTransposed) {
            int last = Math.min(rowTiles, (task + 1) * TOGETHER);
            for (int p = 0; p < depth; p += PAGES) {
                for (int row = task * TOGETHER; row < last; row++) {
                    int i = row * ROWS;
                    int from = x.aOffset + (depthFrom + p) * x.aStride + i;
                    Panels.copyRows(
                            x.a, from, x.aStride, Math.min(ROWS, x.m - i), Math.min(PAGES, depth - p),
                            leftPanels, i * depth + p * ROWS);
                }
            }
            return;
        }
        int i = task * ROWS;
        for (int s = 0; s < steps; s++) {
            int from = x.aOffset + i * x.aStride + depthFrom + s * step;
            Panels.rows(
                    x.a, from, x.aStride, Math.min(ROWS, x.m - i), Math.min(step, depth - s * step),
                    leftPanels, rowPanel(task, s));
        }
    }

    private void packRight(int task) {
        if (x.bTransposed) {
            int j = task * COLUMNS;
            int from = x.bOffset + (columnFrom + j) * x.bStride + depthFrom;
            Panels.transpose(x.b, from, x.bStride, Math.min(COLUMNS, columns - j), depth, right, j * rightDepth);
            return;
        }
        int last = Math.min(columnTiles, (task + 1) * TOGETHER);
        for (int p = 0; p < depth; p += PAGES) {
            for (int column = task * TOGETHER; column < last; column++) {
                int j = column * COLUMNS;
                int from = x.bOffset + (depthFrom + p) * x.bStride + columnFrom + j;
                Panels.copyColumns(
                        x.b, from, x.bStride, Math.min(COLUMNS, columns - j), Math.min(PAGES, depth - p),
                        right, j * rightDepth + p * COLUMNS);
            }
        }
    }

    private int rowPanel(int row, int s) {
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
                Tiles.rows12OfRowPanel(length, leftPanels, rowPanel(row, s), b, bAt, bStride, tiles, scratch);
            } else {
                Tiles.rows6OfRowPanel(length, leftPanels, rowPanel(row, s), b, bAt, bStride, tiles, scratch);
            }
        } else {
            float[] a = x.a;
            int aAt = x.aOffset + (depthFrom + p) * x.aStride + i;
            int aStride = x.aStride;
            if (packsLeft) {
                a = leftPanels;
                aAt = i * depth + p * ROWS;
                aStride = ROWS;
            } else if (rows < ROWS) {
                a = rowEdge;
                aAt = p * ROWS;
                aStride = ROWS;
            }
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
