package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.COLUMNS;
import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.ROWS;

import java.util.function.IntConsumer;

/**
 * A product in tiles that stay in registers.
 *
 * <p>Tiles are grouped into blocks, one block of c is one task: for at most {@link Gemm#DEPTH} of k at a time, a strip of
 * b stays in the first-level cache while the block's rows of a pass by from the second level, and what the parts of k
 * add up to waits in the second level too, so that c is written once.
 *
 * <p>Operands are copied into {@link Panels}. Of the longer side of c each task copies what it needs for itself, into memory
 * that is in its core's cache when the tiles read it; the other operand's panels are shared, and all threads make them
 * together first. The copies of a frozen bᵀ are kept. An operand that lies k-major already (a transposed, b not) is read
 * in place where it is small or little used. A shared operand that does not fit in the space for panels is taken in pieces
 * of k.
 */
final class TiledProduct {

    private static final int TILE = ROWS * COLUMNS;

    /** With rows of a shared, a task has at most so many tiles: their part of a, and sums, fit in the second-level cache. */
    private static final int MOST_ROWS = 528 / ROWS;
    private static final int STRIPS = 128 / COLUMNS;
    /** Where a is so large that the second-level cache does not hold it, each passage of it is used for more strips. */
    private static final int MORE_STRIPS = 2 * STRIPS;
    private static final int LARGE_LEFT = 1 << 19;
    /** With rows of a packed by each task, it has at most so many: its strips of b come from the third level. */
    private static final int OWN_ROWS = 240 / ROWS;

    /** The smallest tasks are no more than this part of each thread's share, as long as they have some tiles. */
    private static final int LAST_TASKS = 24;
    private static final int LEAST_TILES = 8;

    /** Shared panels hold at most so many floats at a time. */
    private static final int PANEL_FLOATS = 1 << 21;

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
    private final IntConsumer keepTask = this::keep;
    private final IntConsumer packTask = this::pack;
    private final IntConsumer blockTask = this::block;

    private float[] leftPanels = new float[0];
    private float[] rightPanels = new float[0];
    private float[] rowEdge = new float[0];
    private float[] columnEdge = new float[0];

    private Product x;
    /** Steps of k between two visits of a sum: k in equal parts. It depends on nothing but k, like the order of summation. */
    private int step;
    private int rowTiles;
    private int columnTiles;
    private boolean packsLeft;
    private boolean packsRight;
    /** Whether each task packs its rows of a, or its columns of b, for itself. */
    private boolean ownLeft;
    private boolean ownRight;

    // the piece of k that is being done
    private int depthFrom;
    private int depth;
    private int steps;
    private int leftTasks;

    /** Where blocks begin, in tiles of the longer side; and into how many the other side is cut. */
    private int[] cuts = new int[1];
    private int cutCount;
    private int otherBlocks;

    /** Where the right operand's panels are, or null where there are none for all; and how they follow each other there. */
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
        columnTiles = tilesIn(x.n, COLUMNS);
        step = step(x.k);
        FrozenPanels.Entry kept = x.bTransposed && x.weights == null ? frozenPanels() : null;
        packsRight = kept == null && (x.weights != null || x.bTransposed || x.m >= OFTEN && (long) x.n * x.k > LARGE);
        packsLeft = !x.aTransposed || x.n >= OFTEN && (long) x.m * x.k > LARGE;
        ownLeft = packsLeft && x.m > x.n;
        ownRight = packsRight && x.m <= x.n;
        boolean sharesLeft = packsLeft && !ownLeft;
        boolean sharesRight = packsRight && !ownRight;

        int lines = Math.max(sharesLeft ? rowTiles * ROWS : 0, sharesRight ? columnTiles * COLUMNS : 0);
        int depthPiece = lines == 0 ? x.k : Math.max(1, PANEL_FLOATS / lines / step) * step;
        cut();
        for (int p = 0; p < x.k; p += depthPiece) {
            depthFrom = p;
            depth = Math.min(depthPiece, x.k - p);
            steps = tilesIn(depth, step);
            right = null;
            if (kept != null) {
                right = kept.values();
                rightDepth = x.k;
                rightFrom = p;
            } else if (sharesRight) {
                rightPanels = atLeast(rightPanels, columnTiles * COLUMNS * depth);
                right = rightPanels;
                rightDepth = depth;
                rightFrom = 0;
            }
            packShared(sharesLeft, sharesRight);
            runTasks((cutCount - 1) * otherBlocks, blockTask);
        }
        right = null;
        x = null;
    }

    /** Steps of k between two visits of a sum. */
    static int step(int k) {
        int parts = tilesIn(k, DEPTH);
        return Math.min(DEPTH, tilesIn(tilesIn(k, parts), 16) * 16);
    }

    /** The kept panels of a frozen b, filled if this is their first use. */
    private FrozenPanels.Entry frozenPanels() {
        long length = (long) columnTiles * COLUMNS * x.k;
        FrozenPanels.Entry entry = length > Integer.MAX_VALUE - 8 ? null : frozen.entry(x, (int) length);
        if (entry != null && !entry.filled()) {
            right = entry.values();
            workers.run(columnTiles, keepTask);
        }
        return entry;
    }

    private void keep(int column) {
        int j = column * COLUMNS;
        Panels.transpose(
                x.b, x.bOffset + j * x.bStride, x.bStride, Math.min(COLUMNS, x.n - j), x.k, right, j * x.k);
    }

    private void runTasks(int tasks, IntConsumer task) {
        if ((long) x.m * x.n * x.k < SMALL) {
            for (int i = 0; i < tasks; i++) {
                task.accept(i);
            }
        } else {
            workers.run(tasks, task);
        }
    }

    // ------------------------------------------------------------------------------------------------ packing

    private void packShared(boolean sharesLeft, boolean sharesRight) {
        leftTasks = !sharesLeft ? 0 : x.aTransposed ? tilesIn(rowTiles, TOGETHER) : rowTiles;
        if (leftTasks > 0) {
            leftPanels = atLeast(leftPanels, rowTiles * ROWS * depth);
        }
        runTasks(leftTasks + (!sharesRight ? 0 : x.bTransposed ? columnTiles : tilesIn(columnTiles, TOGETHER)), packTask);
        int columnRest = x.n % COLUMNS;
        if (right == null && !ownRight && columnRest != 0) {
            columnEdge = atLeast(columnEdge, depth * COLUMNS);
            int at = x.bOffset + depthFrom * x.bStride + x.n - columnRest;
            Panels.copyColumns(x.b, at, x.bStride, columnRest, depth, columnEdge, 0);
        }
        int rowRest = x.m % ROWS;
        if (!packsLeft && rowRest != 0) {
            rowEdge = atLeast(rowEdge, depth * ROWS);
            int at = x.aOffset + depthFrom * x.aStride + x.m - rowRest;
            Panels.copyRows(x.a, at, x.aStride, rowRest, depth, rowEdge, 0);
        }
    }

    /** The shared panels of some tiles' rows of a, or of some tiles' columns of b. */
    private void pack(int task) {
        if (task >= leftTasks) {
            int column = task - leftTasks;
            int together = x.bTransposed ? 1 : TOGETHER;
            packColumns(column * together, Math.min(columnTiles, (column + 1) * together), 0, depth, right);
        } else {
            int together = x.aTransposed ? TOGETHER : 1;
            packRows(task * together, Math.min(rowTiles, (task + 1) * together), 0, depth, leftPanels, task * together * ROWS * depth);
        }
    }

    /** Panels of rows of a, one after the other, from p on for {@code length} of k. */
    private void packRows(int tileFrom, int tileTo, int p, int length, float[] panels, int to) {
        int from = x.aOffset + (x.aTransposed ? (depthFrom + p) * x.aStride : depthFrom + p);
        if (!x.aTransposed) {
            for (int row = tileFrom; row < tileTo; row++) {
                int i = row * ROWS;
                Panels.turnRows(
                        x.a, from + i * x.aStride, x.aStride, Math.min(ROWS, x.m - i), length, panels,
                        to + (row - tileFrom) * ROWS * length);
            }
            return;
        }
        for (int q = 0; q < length; q += PAGES) {
            for (int row = tileFrom; row < tileTo; row++) {
                int i = row * ROWS;
                Panels.copyRows(
                        x.a, from + q * x.aStride + i, x.aStride, Math.min(ROWS, x.m - i), Math.min(PAGES, length - q), panels,
                        to + (row - tileFrom) * ROWS * length + q * ROWS);
            }
        }
    }

    /** Panels of columns of b, one after the other from the first tile's place, from p on for {@code length} of k. */
    private void packColumns(int tileFrom, int tileTo, int p, int length, float[] panels) {
        int base = ownRight ? 0 : tileFrom * COLUMNS * length;
        if (x.weights != null) {
            for (int column = tileFrom; column < tileTo; column++) {
                expandColumns(column * COLUMNS, depthFrom + p, length, panels, base + (column - tileFrom) * COLUMNS * length);
            }
            return;
        }
        if (x.bTransposed) {
            int j = tileFrom * COLUMNS;
            int from = x.bOffset + j * x.bStride + depthFrom + p;
            Panels.transpose(x.b, from, x.bStride, Math.min(COLUMNS, x.n - j), length, panels, base);
            return;
        }
        for (int q = 0; q < length; q += PAGES) {
            for (int column = tileFrom; column < tileTo; column++) {
                int j = column * COLUMNS;
                int from = x.bOffset + (depthFrom + p + q) * x.bStride + j;
                Panels.copyColumns(
                        x.b, from, x.bStride, Math.min(COLUMNS, x.n - j), Math.min(PAGES, length - q), panels,
                        base + (column - tileFrom) * COLUMNS * length + q * COLUMNS);
            }
        }
    }

    /** A panel of columns of a weight in a smaller type: taken apart straight into its place, or into a cache first. */
    private void expandColumns(int j, int p, int length, float[] panels, int to) {
        CompressedWeights weights = x.weights;
        if (!x.bTransposed) {
            weights.expandPanel(x.weightRow + p, length, j, panels, to);
            return;
        }
        int columns = Math.min(COLUMNS, x.n - j);
        int group = weights.group();
        for (int q = 0; q < length; q += DEPTH) {
            int end = p + Math.min(length, q + DEPTH);
            int from = (p + q) / group * group;
            int width = tilesIn(end - from, group) * group;
            float[] rows = Scratch.local().floats(Scratch.Slot.EXPANDED, COLUMNS * width);
            for (int i = 0; i < columns; i++) {
                weights.expandGroups(x.weightRow + j + i, from, end, rows, i * width);
            }
            Panels.transpose(rows, p + q - from, width, columns, end - p - q, panels, to + q * COLUMNS);
        }
    }

    // ------------------------------------------------------------------------------------------------ blocks

    /**
     * Cuts the longer side into blocks, large ones first and then ever smaller ones: a core that is held up by something
     * else then holds up the others for a small block only. Which blocks there are does not change what a tile computes.
     */
    private void cut() {
        int threads = workers.threads();
        int tiles = cutsRows() ? rowTiles : columnTiles;
        int most = cutsRows() ? OWN_ROWS : (long) x.m * x.k > LARGE_LEFT ? MORE_STRIPS : STRIPS;
        if (cuts.length < tiles + 1) {
            cuts = new int[tiles + 1];
        }
        cutCount = 1;
        for (int at = 0; at < tiles; ) {
            int share = threads == 1 ? most : (tiles - at) / (2 * threads);
            at = Math.min(tiles, at + Math.clamp(share, 1, most));
            cuts[cutCount++] = at;
        }
        int others = cutsRows() ? columnTiles : rowTiles;
        otherBlocks = cutsRows() ? 1 : tilesIn(rowTiles, MOST_ROWS);
        while (threads > 1 && otherBlocks < others && ((cutCount - 1) * otherBlocks < 2 * threads
                || others > LEAST_TILES * otherBlocks && otherBlocks * tiles < LAST_TASKS * threads)) {
            otherBlocks = Math.min(others, 2 * otherBlocks);
        }
    }

    private boolean cutsRows() {
        return x.m > x.n;
    }

    private void block(int task) {
        int cut = task / otherBlocks;
        int other = task % otherBlocks;
        int others = cutsRows() ? columnTiles : rowTiles;
        int otherFrom = (int) ((long) others * other / otherBlocks);
        int otherTo = (int) ((long) others * (other + 1) / otherBlocks);
        if (cutsRows()) {
            block(cuts[cut], cuts[cut + 1], otherFrom, otherTo);
        } else {
            block(otherFrom, otherTo, cuts[cut], cuts[cut + 1]);
        }
    }

    private void block(int rowFrom, int rowTo, int columnFrom, int columnTo) {
        Scratch scratch = Scratch.local();
        float[] tile = scratch.floats(Scratch.Slot.TILE, TILE);
        float[] strip = ownRight ? scratch.floats(Scratch.Slot.STRIP, step * COLUMNS) : right;
        float[] rows = ownLeft ? scratch.floats(Scratch.Slot.ROWS, (rowTo - rowFrom) * ROWS * step) : leftPanels;
        boolean waits = steps > 1 && columnTo - columnFrom <= MORE_STRIPS && x.cColumnStride == 1;
        float[] sums = waits ? scratch.floats(Scratch.Slot.SUMS, (rowTo - rowFrom) * (columnTo - columnFrom) * TILE) : null;
        for (int s = 0; s < steps; s++) {
            int p = s * step;
            int length = Math.min(step, depth - p);
            if (ownLeft) {
                packRows(rowFrom, rowTo, p, length, rows, 0);
            }
            for (int column = columnFrom; column < columnTo; column++) {
                if (ownRight) {
                    packColumns(column, column + 1, p, length, strip);
                }
                for (int row = rowFrom; row < rowTo; row++) {
                    int left = ownLeft ? row - rowFrom : row;
                    int sum = ((column - columnFrom) * (rowTo - rowFrom) + row - rowFrom) * TILE;
                    multiply(row, column, s, length, rows, left, strip, tile, sums, sum);
                }
            }
        }
    }

    /** One tile for one part of k: its sums go to {@code sums} or, the last ones, to c. */
    private void multiply(
            int row, int column, int s, int length, float[] rowPanels, int left, float[] strip, float[] tile, float[] sums,
            int sum) {
        int i = row * ROWS;
        int j = column * COLUMNS;
        int rows = Math.min(ROWS, x.m - i);
        int width = Math.min(COLUMNS, x.n - j);
        boolean first = depthFrom == 0 && s == 0;
        boolean fresh = x.alpha == 1 && first && x.beta == 0 && x.bias == null && width == COLUMNS && x.cColumnStride == 1;
        if (width < COLUMNS || sums == null) {
            if (fresh && rows == ROWS) {
                sums(row, column, s, length, rowPanels, left, strip, x.c, x.cOffset + i * x.cStride + j, x.cStride);
                return;
            }
            sums(row, column, s, length, rowPanels, left, strip, tile, 0, COLUMNS);
            Epilogue.store(tile, rows, width, x, i, j, first);
            return;
        }
        if (fresh) {
            sums(row, column, s, length, rowPanels, left, strip, sums, sum, COLUMNS);
            return;
        }
        sums(row, column, s, length, rowPanels, left, strip, tile, 0, COLUMNS);
        if (s == 0) {
            Epilogue.begin(tile, rows, x, i, j, first, sums, sum);
        } else if (s < steps - 1) {
            Epilogue.add(tile, rows, x.alpha, sums, sum, sums, sum, COLUMNS);
        } else {
            Epilogue.add(tile, rows, x.alpha, sums, sum, x.c, x.cOffset + i * x.cStride + j, x.cStride);
        }
    }

    /** The sums of one part of k, written to {@code to} in rows of {@code toStride}. */
    private void sums(
            int row, int column, int s, int length, float[] rowPanels, int left, float[] strip, float[] to, int at, int toStride) {
        int p = s * step;
        int j = column * COLUMNS;
        float[] b = x.b;
        int bAt = x.bOffset + (depthFrom + p) * x.bStride + j;
        int bStride = x.bStride;
        if (ownRight) {
            b = strip;
            bAt = 0;
            bStride = COLUMNS;
        } else if (right != null) {
            b = right;
            bAt = j * rightDepth + (rightFrom + p) * COLUMNS;
            bStride = COLUMNS;
        } else if (x.n - j < COLUMNS) {
            b = columnEdge;
            bAt = p * COLUMNS;
            bStride = COLUMNS;
        }
        int i = row * ROWS;
        boolean high = Math.min(ROWS, x.m - i) > Tiles.HALF;
        float[] a = x.a;
        int aAt = x.aOffset + (depthFrom + p) * x.aStride + i;
        int aStride = x.aStride;
        if (packsLeft) {
            a = rowPanels;
            aAt = ownLeft ? left * ROWS * length : left * ROWS * depth + p * ROWS;
            aStride = ROWS;
        } else if (x.m - i < ROWS) {
            a = rowEdge;
            aAt = p * ROWS;
            aStride = ROWS;
        }
        if (aStride == ROWS && bStride == COLUMNS) {
            if (high) {
                Tiles.rows12OfPanels(length, a, aAt, b, bAt, to, at, toStride);
            } else {
                Tiles.rows6OfPanels(length, a, aAt, b, bAt, to, at, toStride);
            }
        } else if (high) {
            Tiles.rows12(length, a, aAt, aStride, b, bAt, bStride, to, at, toStride);
        } else {
            Tiles.rows6(length, a, aAt, aStride, b, bAt, bStride, to, at, toStride);
        }
    }

    private static int tilesIn(int size, int tile) {
        return (size + tile - 1) / tile;
    }

    private static float[] atLeast(float[] scratch, int length) {
        return scratch.length >= length ? scratch : new float[Math.max(length, scratch.length + scratch.length / 2)];
    }
}
